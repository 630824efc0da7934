//! Languages.

use std::borrow::Cow;

use oxilangtag::LanguageTag;

use super::rewrite::{Rewrite, Rewritten};
use super::{Example, Spec};
use crate::{Class, Fault};

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "lang",
    summary: "writes a language tag with hyphens, in the usual case and without withdrawn codes",
    params: &[],
    types: "text → text",
    class: "canonicalising",
    reverse: "the tag, tidied",
    standard: Some("BCP 47: RFC 5646 §2.1, §2.1.1; withdrawn codes of ISO 639-1"),
    example: Example { op: r#""lang""#, input: r#""ZH_hant_tw""#, output: r#""zh-Hant-TW""# },
    build: |_| Ok(Box::new(Rewritten(Lang))),
}];

/// Octets of a tag; RFC 5646 §4.4.1 asks for room for 35.
const TAG_MAX: usize = 100;

/// Codes of ISO 639-1 that were withdrawn, and what came in their place.
const WITHDRAWN: &[(&str, &str)] =
    &[("in", "id"), ("iw", "he"), ("ji", "yi"), ("jw", "jv"), ("mo", "ro")];

/// Well-formed tags are taken as RFC 5646 §2.2.9 has it; that a code is registered is not checked.
#[derive(Debug)]
struct Lang;

impl Rewrite for Lang {
    const CLASS: Class = Class::Canonicalising;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        let refuse = || {
            let quoted = Fault::quote(&text);
            Fault::new("mapping.lang", format!("{quoted} is no language tag of BCP 47"))
        };
        let tag = text.trim();
        if tag.len() > TAG_MAX {
            return Err(refuse());
        }
        // Locales of POSIX part their subtags with `_`.
        let tag = LanguageTag::parse_and_normalize(&tag.replace('_', "-"));
        let tag = tag.map_err(|_malformed| refuse())?.into_inner();
        let (language, rest) = tag.split_once('-').unwrap_or((&tag, ""));
        Ok(Cow::Owned(match WITHDRAWN.iter().find(|(old, _)| *old == language) {
            Some((_, new)) if rest.is_empty() => (*new).to_owned(),
            Some((_, new)) => format!("{new}-{rest}"),
            None => tag,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::rewrite::table::{check, keeps_laws, refuses};

    /// RFC 5646 §2.1.1 and appendix A.
    #[test]
    fn tags_get_their_usual_case() {
        let table = [
            ("DE", "de"),
            ("zh-hant", "zh-Hant"),
            ("MN-cYRL-mn", "mn-Cyrl-MN"),
            ("sl-ROZAJ-biske", "sl-rozaj-biske"),
            ("de-ch-1901", "de-CH-1901"),
            ("es-005", "es-005"),
            ("az-arab-x-AZE-derbend", "az-Arab-x-aze-derbend"),
            ("en_us", "en-US"),
            ("iw", "he"),
            ("in-ID", "id-ID"),
        ];
        for (text, tag) in table {
            check("lang", text, tag);
        }
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for text in ["", "a-DE", "de-419-DE", "english language", "de--DE", "-"] {
            refuses("lang", text, "mapping.lang");
        }
        refuses("lang", &"de-".repeat(400_000), "mapping.lang");
    }

    #[test]
    fn laws_hold() {
        keeps_laws(
            "lang",
            "(iw|DE|zh|in)([_-](latn|HANT))?([_-](us|419))?([_-]x[_-][a-z]{1,3})? ?",
        );
    }
}
