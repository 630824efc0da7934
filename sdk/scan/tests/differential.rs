//! The scanner against `serde_json`, on generated and damaged documents.
//!
//! Documented differences: `serde_json` checks UTF-8, depth and surrogates only in what it keeps,
//! so its verdict is that of `IgnoredAny` over a `str`; a key with half of a surrogate pair and
//! nesting deeper than `DEPTH_MAX` are refused here and accepted there. A number beyond `f64` and
//! half of a surrogate pair in a value are accepted by both, while `Value` refuses them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

#[path = "support/documents.rs"]
mod documents;

use documents::{Choose, POINTERS, compare, damage, document};
use plughouse_scan::{Paths, Scratch};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};

struct Bytes(std::vec::IntoIter<u8>);

impl Choose for Bytes {
    fn below(&mut self, n: usize) -> usize {
        usize::from(self.0.next().unwrap_or(0)) % n
    }
}

proptest! {
    #[test]
    fn scanner_and_serde_json_agree(choices in vec(any::<u8>(), 0..400)) {
        let mut choose = Bytes(choices.into_iter());
        let paths = Paths::new(POINTERS).unwrap();
        let lists = Paths::new(["/id"]).unwrap().with_list("/list", POINTERS).unwrap();
        let mut json = document(&mut choose);
        compare(&paths, &lists, &mut Scratch::default(), &json);
        damage(&mut choose, &mut json);
        compare(&paths, &lists, &mut Scratch::default(), &json);
    }

    #[test]
    fn arbitrary_bytes_never_panic(json in vec(any::<u8>(), 0..200)) {
        let paths = Paths::new(POINTERS).unwrap();
        compare(&paths, &paths, &mut Scratch::default(), &json);
    }
}
