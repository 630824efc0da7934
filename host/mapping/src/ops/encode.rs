//! Encodings of text in text.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::rewrite::{Rewrite, Rewritten};
use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::{Class, Fault};

const ALPHABET: Param = Param {
    name: "alphabet",
    kind: ParamKind::Choice(&["standard", "url"]),
    required: false,
    summary: "`standard`, with padding, or `url`, without; standard when left out",
};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "base64",
        summary: "encodes a text in Base64",
        params: &[ALPHABET],
        types: "text → text",
        class: "bijective",
        reverse: "decodes",
        standard: Some("RFC 4648 §4, §5"),
        example: Example { op: r#""base64""#, input: r#""foob""#, output: r#""Zm9vYg==""# },
        build: |args| Ok(Box::new(Rewritten(Base64(alphabet(args)?)))),
    },
    Spec {
        name: "base64_decode",
        summary: "decodes a text from Base64",
        params: &[ALPHABET],
        types: "text → text",
        class: "bijective",
        reverse: "encodes",
        standard: Some("RFC 4648 §4, §5, §3.5"),
        example: Example { op: r#""base64_decode""#, input: r#""Zm9vYg==""#, output: r#""foob""# },
        build: |args| Ok(Box::new(Rewritten(Base64Decode(alphabet(args)?)))),
    },
];

fn alphabet(args: &mut Args) -> Result<&'static GeneralPurpose, BuildError> {
    let words = &[("standard", &STANDARD), ("url", &URL_SAFE_NO_PAD)];
    Ok(args.choice("alphabet", words)?.unwrap_or(&STANDARD))
}

#[derive(Debug)]
struct Base64(&'static GeneralPurpose);

impl Rewrite for Base64 {
    const CLASS: Class = Class::Bijective;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        encode(self.0, &text)
    }

    fn back<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        decode(self.0, &text)
    }
}

#[derive(Debug)]
struct Base64Decode(&'static GeneralPurpose);

impl Rewrite for Base64Decode {
    const CLASS: Class = Class::Bijective;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        decode(self.0, &text)
    }

    fn back<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        encode(self.0, &text)
    }
}

fn encode(alphabet: &GeneralPurpose, text: &str) -> Result<Cow<'static, str>, Fault> {
    // Four characters stand for three octets.
    Fault::unless_text_fits(text.len().div_ceil(3) * 4)?;
    Ok(Cow::Owned(alphabet.encode(text)))
}

fn decode(alphabet: &GeneralPurpose, text: &str) -> Result<Cow<'static, str>, Fault> {
    let refuse = |why: String| {
        let quoted = Fault::quote(text);
        Fault::new("mapping.base64", format!("{quoted} is no text in Base64: {why}"))
    };
    let bytes = alphabet.decode(text).map_err(|e| refuse(e.to_string()))?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|e| refuse(e.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rewrite::table::{check, keeps_laws, refuses};
    use super::*;
    use crate::ops::laws::hold;
    use crate::{Kind, Value};

    /// RFC 4648 §10.
    #[test]
    fn base64_goes_both_ways() {
        let table = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (text, encoded) in table {
            check("base64", text, encoded);
            check("base64_decode", encoded, text);
        }
        check(r#"{"op": "base64", "alphabet": "url"}"#, "??>", "Pz8-");
        check(r#"{"op": "base64", "alphabet": "url"}"#, "f", "Zg");
    }

    #[test]
    fn base64_has_one_form_only() {
        for text in ["Zg", "Zh==", "Zg==\n", "Zm9v!", "/w=="] {
            refuses("base64_decode", text, "mapping.base64");
        }
        refuses("base64", &("x".repeat(1 << 20)), "mapping.text-length");
    }

    #[test]
    fn laws_hold() {
        keeps_laws("base64", "\\PC{0,8}");
        let encoded = "\\PC{0,8}".prop_map(|text| Value::text(STANDARD.encode(text)));
        hold(r#""base64_decode""#, &Kind::Text, encoded);
    }
}
