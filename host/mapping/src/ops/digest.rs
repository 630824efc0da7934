//! Texts that hide what they stand for.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256, Sha512};

use super::{BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "hash",
        summary: "the digest of a text in hexadecimal digits",
        params: &[
            Param {
                name: "alg",
                kind: ParamKind::Choice(&["sha256", "sha512"]),
                required: false,
                summary: "the algorithm; sha256 when left out",
            },
            Param {
                name: "salt",
                kind: ParamKind::Text,
                required: false,
                summary: "what is put in front of the text; readable by everyone who may read the \
                          schema, so no secret",
            },
        ],
        types: "text → text",
        class: "one-way",
        reverse: "nothing",
        standard: Some("FIPS 180-4"),
        example: Example {
            op: r#""hash""#,
            input: r#""abc""#,
            output: r#""ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#,
        },
        build: |args| {
            let words = &[("sha256", Algorithm::Sha256), ("sha512", Algorithm::Sha512)];
            let algorithm = args.choice("alg", words)?.unwrap_or(Algorithm::Sha256);
            let salt = args.text("salt")?.unwrap_or_default();
            Ok(Box::new(Hidden::Hash { algorithm, salt }))
        },
    },
    Spec {
        name: "mask",
        summary: "a star for every character but the last ones",
        params: &[Param {
            name: "keep",
            kind: ParamKind::Count,
            required: false,
            summary: "how many characters at the end stay, at most half of them; none when left out",
        }],
        types: "text → text",
        class: "one-way",
        reverse: "nothing",
        standard: None,
        example: Example {
            op: r#"{"op": "mask", "keep": 4}"#,
            input: r#""4111111111111111""#,
            output: r#""************1111""#,
        },
        build: |args| Ok(Box::new(Hidden::Mask { keep: args.count("keep")?.unwrap_or(0) })),
    },
];

#[derive(Clone, Copy, Debug)]
enum Algorithm {
    Sha256,
    Sha512,
}

#[derive(Debug)]
enum Hidden {
    Hash { algorithm: Algorithm, salt: String },
    Mask { keep: usize },
}

impl Lens for Hidden {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Text)?;
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        Class::OneWay
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let text = source.into_text()?;
        Ok(Value::text(match self {
            Self::Hash { algorithm: Algorithm::Sha256, salt } => {
                hexadecimal(&Sha256::new_with_prefix(salt).chain_update(text.as_bytes()).finalize())
            }
            Self::Hash { algorithm: Algorithm::Sha512, salt } => {
                hexadecimal(&Sha512::new_with_prefix(salt).chain_update(text.as_bytes()).finalize())
            }
            Self::Mask { keep } => mask(&text, *keep),
        }))
    }
}

fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(digest.len() * 2), |mut text, byte| {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok());
        text
    })
}

/// A short text is not given away by the characters that stay.
fn mask(text: &str, keep: usize) -> String {
    let len = text.chars().count();
    let hidden = len - keep.min(len / 2);
    let stars = std::iter::repeat_n('*', hidden);
    stars.chain(text.chars().skip(hidden)).collect()
}

#[cfg(test)]
mod tests {
    use crate::ops::laws::get;

    /// FIPS 180-4, examples of one and of two blocks.
    #[test]
    fn digests_are_those_of_the_standard() {
        let two = r#""abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq""#;
        let digest = r#""248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1""#;
        assert_eq!(get(r#""hash""#, two), digest);
        let digest = get(r#"{"op": "hash", "alg": "sha512"}"#, r#""abc""#);
        assert!(digest.starts_with("\"ddaf35a193617abacc417349ae204131"), "{digest}");
        let salted = get(r#"{"op": "hash", "salt": "a"}"#, r#""bc""#);
        assert_eq!(salted, get(r#""hash""#, r#""abc""#));
        assert_eq!(get(r#""hash""#, "7"), "mapping.type");
    }

    #[test]
    fn at_most_half_of_a_text_stays() {
        let check = |text: &str, masked: &str| {
            assert_eq!(get(r#"{"op": "mask", "keep": 3}"#, text), masked);
        };
        check(r#""12345678""#, r#""*****678""#);
        check(r#""1234""#, r#""**34""#);
        check(r#""é""#, r#""*""#);
        check(r#""""#, r#""""#);
        assert_eq!(get(r#""mask""#, r#""abc""#), r#""***""#);
    }
}
