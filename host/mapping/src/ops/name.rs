//! Names of people.

use std::borrow::Cow;

use super::{BuildError, Example, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "split_name",
    summary: "the given names and the family name: the last word, or what stands before a comma",
    params: &[],
    types: "text → (text, text)",
    class: "needs-base",
    reverse: "both in the order of the old text, or in the one that is read again as the same",
    standard: None,
    example: Example {
        op: r#""split_name""#,
        input: r#""Ada King Lovelace""#,
        output: r#"["Ada King", "Lovelace"]"#,
    },
    build: |_| Ok(Box::new(SplitName)),
}];

#[derive(Debug)]
struct SplitName;

impl SplitName {
    fn kind() -> Kind {
        Kind::Tuple(vec![Kind::Text, Kind::Text])
    }
}

impl Lens for SplitName {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Text)?;
        Ok(Self::kind())
    }

    fn class(&self) -> Class {
        Class::NeedsBase
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let (given, family) = match source.into_text()? {
            Cow::Borrowed(name) => {
                let (given, family) = split(name);
                (given.map(Value::text), family.map(Value::text))
            }
            Cow::Owned(name) => {
                let (given, family) = split(&name);
                let owned = |part: &str| Value::text(part.to_owned());
                (given.map(owned), family.map(owned))
            }
        };
        let parts = [given, family].map(|part| part.unwrap_or(Value::Null));
        Ok(Value::List(parts.into()))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let Value::List(parts) = &view else { return Err(Fault::kind(&Self::kind(), &view)) };
        let (given, family) = match parts.as_slice() {
            [given, family] => (part(given)?, part(family)?),
            _ => return Err(Fault::kind(&Self::kind(), &view)),
        };
        let plain = match (given, family) {
            (Some(given), Some(family)) => format!("{given} {family}"),
            (given, family) => given.or(family).unwrap_or_default().to_owned(),
        };
        let comma = [family.unwrap_or_default(), given.unwrap_or_default()].join(", ");
        let mut forms = [plain, comma.trim_end().to_owned()];
        if matches!(base, Value::Text(base) if base.contains(',')) {
            forms.reverse();
        }
        let found = forms.into_iter().find(|name| split(name) == (given, family));
        found.map(Value::text).ok_or_else(|| {
            let (given, family) = (given.unwrap_or_default(), family.unwrap_or_default());
            let (given, family) = (Fault::quote(given), Fault::quote(family));
            Fault::conflict(format!("{given} and {family} would not be read again as such"))
        })
    }
}

/// The given names and the family name.
fn split(name: &str) -> (Option<&str>, Option<&str>) {
    let name = name.trim();
    let (given, family) = match (name.split_once(','), name.rsplit_once(char::is_whitespace)) {
        (Some((family, given)), _) | (None, Some((given, family))) => (given, family),
        (None, None) => (name, ""),
    };
    (some(given.trim()), some(family.trim()))
}

fn some(part: &str) -> Option<&str> {
    Some(part).filter(|part| !part.is_empty())
}

fn part<'v>(value: &'v Value<'_>) -> Result<Option<&'v str>, Fault> {
    match value {
        Value::Text(text) => Ok(some(text)),
        value if value.is_empty() => Ok(None),
        value => Err(Fault::kind(&Kind::Text, value)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws;
    use crate::{Kind, Value};

    const OP: &str = r#""split_name""#;

    #[test]
    fn the_last_word_is_the_family_unless_a_comma_says_otherwise() {
        #[track_caller]
        fn check(name: &str, parts: &str) {
            assert_eq!(laws::get(OP, name), parts);
        }
        check(r#""Ada Lovelace""#, r#"["Ada","Lovelace"]"#);
        check(r#"" Ada  King\tLovelace ""#, r#"["Ada  King","Lovelace"]"#);
        check(r#""van Gogh, Vincent""#, r#"["Vincent","van Gogh"]"#);
        check(r#""Plato""#, r#"["Plato",null]"#);
        check(r#""Gogh,""#, r#"[null,"Gogh"]"#);
        check(r#""""#, "[null,null]");
    }

    #[test]
    fn names_go_back_in_the_form_that_they_came_in() {
        #[track_caller]
        fn check(parts: &str, base: &str, name: &str) {
            assert_eq!(laws::put(OP, parts, base), name);
        }
        check(r#"["Ada","King"]"#, r#""Ada Lovelace""#, r#""Ada King""#);
        check(r#"["Ada","King"]"#, r#""Lovelace, Ada""#, r#""King, Ada""#);
        check(r#"["Vincent","van Gogh"]"#, r#""Ada Lovelace""#, r#""van Gogh, Vincent""#);
        check(r#"["Plato",null]"#, r#""Ada Lovelace""#, r#""Plato""#);
        check(r#"[null,"Gogh"]"#, "null", r#""Gogh,""#);
        check(r#"["a, b","c"]"#, "null", r#""c, a, b""#);
        check(r#"["a","b, c"]"#, "null", "mapping.conflict");
        check("[null,null]", r#""Ada""#, "\"\"");
        check("[1]", "null", "mapping.type");
    }

    #[test]
    fn the_laws_hold_for_any_text() {
        let names = || prop_oneof!["[aB ,]{0,8}", any::<String>()];
        laws::hold(OP, &Kind::Text, names().prop_map(Value::text));
    }
}
