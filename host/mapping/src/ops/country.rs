//! Countries.

mod table;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use table::{ALIASES, COUNTRIES};

use super::rewrite::{Rewrite, Rewritten};
use super::{Example, Param, ParamKind, Spec};
use crate::{Class, Fault};

const FORMS: &[(&str, Form)] =
    &[("alpha2", Form::Alpha2), ("alpha3", Form::Alpha3), ("name", Form::Name)];

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "country",
    summary: "writes a country, given as a code or by its English name, in one form",
    params: &[
        Param {
            name: "to",
            kind: ParamKind::Choice(&["alpha2", "alpha3", "name"]),
            required: false,
            summary: "the form that comes out; alpha2 when left out",
        },
        Param {
            name: "from",
            kind: ParamKind::Choice(&["alpha2", "alpha3", "name"]),
            required: false,
            summary: "the form that goes back, every form is understood; name when left out",
        },
    ],
    types: "text → text",
    class: "canonicalising",
    reverse: "the country in the form `from`",
    standard: Some("ISO 3166-1"),
    example: Example {
        op: r#"{"op": "country", "to": "alpha2"}"#,
        input: r#""Germany""#,
        output: r#""DE""#,
    },
    build: |args| {
        let to = args.choice("to", FORMS)?.unwrap_or(Form::Alpha2);
        let from = args.choice("from", FORMS)?.unwrap_or(Form::Name);
        Ok(Box::new(Rewritten(Country { from, to })))
    },
}];

#[derive(Clone, Copy, Debug)]
enum Form {
    Alpha2,
    Alpha3,
    Name,
}

#[derive(Debug)]
struct Country {
    from: Form,
    to: Form,
}

impl Rewrite for Country {
    const CLASS: Class = Class::Canonicalising;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        write(&text, self.to)
    }

    fn back<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        write(&text, self.from)
    }
}

/// Octets of the longest name and of what may stand around it; a longer text names no country.
const NAME_MAX: usize = 100;

fn write(text: &str, form: Form) -> Result<Cow<'static, str>, Fault> {
    let found = Some(text).filter(|text| text.len() <= NAME_MAX);
    let found = found.and_then(|text| ROWS.get(&key(text)));
    let Some((alpha2, alpha3, name)) = found else {
        let quoted = Fault::quote(text);
        let message = format!("{quoted} is no country of ISO 3166-1, neither code nor name");
        return Err(Fault::new("mapping.country", message));
    };
    Ok(Cow::Borrowed(match form {
        Form::Alpha2 => alpha2,
        Form::Alpha3 => alpha3,
        Form::Name => name,
    }))
}

type Row = (&'static str, &'static str, &'static str);

/// The rows of the table by every word for them.
static ROWS: LazyLock<HashMap<String, Row>> = LazyLock::new(|| {
    let codes: HashMap<_, _> = COUNTRIES.iter().map(|row| (row.0, *row)).collect();
    let words = COUNTRIES.iter().flat_map(|row| [(row.0, *row), (row.1, *row), (row.2, *row)]);
    let aliases = ALIASES.iter().filter_map(|(name, code)| Some((*name, *codes.get(code)?)));
    words.chain(aliases).map(|(word, row)| (key(word), row)).collect()
});

/// A word as it is looked up: in lower case, without punctuation.
fn key(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::rewrite::table::{check, keeps_laws, refuses};
    use super::*;

    #[test]
    fn every_form_is_understood() {
        let table = [
            ("alpha2", "Germany", "DE"),
            ("alpha2", "deu", "DE"),
            ("alpha2", " de ", "DE"),
            ("alpha2", "u.s.a.", "US"),
            ("alpha3", "United Kingdom", "GBR"),
            ("alpha3", "côte d’ivoire", "CIV"),
            ("name", "US", "United States of America"),
            ("name", "Turkey", "Türkiye"),
            ("name", "KOR", "Korea (Republic of)"),
        ];
        for (to, text, expected) in table {
            let op = format!(r#"{{"op": "country", "to": "{to}"}}"#);
            check(&op, text, expected);
        }
    }

    #[test]
    fn what_is_no_country_is_refused() {
        for text in ["", "XX", "Atlantis", "D"] {
            refuses("country", text, "mapping.country");
        }
        refuses("country", &"DE".repeat(500_000), "mapping.country");
    }

    #[test]
    fn no_word_stands_for_two_countries() {
        assert_eq!(COUNTRIES.len(), 249);
        let words = COUNTRIES.iter().flat_map(|row| [row.0, row.1, row.2]);
        let words = words.chain(ALIASES.iter().map(|(name, _)| *name));
        let mut seen = HashSet::new();
        for word in words {
            assert!(seen.insert(key(word)), "{word}");
        }
        assert!(ALIASES.iter().all(|(_, code)| COUNTRIES.iter().any(|row| row.0 == *code)));
    }

    #[test]
    fn laws_hold() {
        for (from, to) in [("name", "alpha2"), ("alpha3", "name"), ("alpha2", "alpha2")] {
            let op = format!(r#"{{"op": "country", "from": "{from}", "to": "{to}"}}"#);
            keeps_laws(&op, "([Dd][EeKk]|DEU|France|turkey|Côte d['’]Ivoire) ?");
        }
    }
}
