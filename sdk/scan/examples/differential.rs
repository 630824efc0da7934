//! The scanner against `serde_json` for as many documents as wanted:
//! `cargo run --release -p plughouse-scan --example differential -- ITERATIONS [SEED]`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a command of developers, which shares its documents with the tests"
)]

#[path = "../tests/support/documents.rs"]
mod documents;

use std::collections::BTreeMap;

use documents::{Choose, POINTERS, compare, damage, document};
use plughouse_scan::{Paths, Scratch};

/// `SplitMix64` (Steele, Lea, Flood 2014): enough to choose documents.
struct Random(u64);

impl Choose for Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 40).unwrap_or(0) % n
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map_while(|argument| argument.parse().ok());
    let iterations: u64 = arguments.next().unwrap_or(100_000);
    let mut random = Random(arguments.next().unwrap_or(1));
    let paths = Paths::new(POINTERS).unwrap();
    let lists = Paths::new(["/id"]).unwrap().with_list("/list", POINTERS).unwrap();
    let mut scratch = Scratch::default();
    let mut verdicts = BTreeMap::<_, u64>::new();
    for _ in 0..iterations {
        let mut json = document(&mut random);
        damage(&mut random, &mut json);
        *verdicts.entry(compare(&paths, &lists, &mut scratch, &json)).or_default() += 1;
    }
    println!("{iterations} documents without an undocumented difference: {verdicts:?}");
}
