//! Emptying the members whose values nobody may keep.

use crate::cursor::Key;
use crate::paths::name_bit;
use crate::token::unescape;
use crate::walk::{Visit, walk};
use crate::{Error, ErrorKind, Span, validate};

/// Empties the value of every member with one of these names, at any depth: a string becomes `""`,
/// everything else `null`. Answers `None` when there was nothing to empty.
///
/// ```
/// let kept = plughouse_scan::redact(br#"{"a": 1, "b": {"key": "x"}}"#, &["key"])?;
/// assert_eq!(kept.as_deref(), Some(br#"{"a": 1, "b": {"key": ""}}"#.as_slice()));
/// # Ok::<(), plughouse_scan::Error>(())
/// ```
///
/// # Errors
/// The whole text is checked: what is not JSON could hide a member.
pub fn redact<N: AsRef<str>>(json: &[u8], names: &[N]) -> Result<Option<Vec<u8>>, Error> {
    if names.is_empty() {
        return validate(json).map(|()| None);
    }
    let bits = names.iter().fold(0, |bits, name| bits | name_bit(name.as_ref().as_bytes()));
    let mut redaction = Redaction { json, names, bits, out: Vec::new(), copied: 0 };
    walk(json, &mut redaction)?;
    if redaction.out.is_empty() {
        return Ok(None);
    }
    redaction.out.extend_from_slice(json.get(redaction.copied..).unwrap_or_default());
    Ok(Some(redaction.out))
}

struct Redaction<'a, N> {
    json: &'a [u8],
    names: &'a [N],
    bits: u64,
    out: Vec<u8>,
    /// How much of the input is already in `out`.
    copied: usize,
}

impl<N: AsRef<str>> Redaction<'_, N> {
    fn names(&self, name: &[u8]) -> bool {
        self.bits & name_bit(name) != 0
            && self.names.iter().any(|listed| listed.as_ref().as_bytes() == name)
    }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Open,
    Secret,
}

impl<N: AsRef<str>> Visit for Redaction<'_, N> {
    type Place = Place;

    fn root(&mut self) -> Place {
        Place::Open
    }

    fn opens(&self, place: Place) -> bool {
        place == Place::Open
    }

    fn member(&mut self, _: Place, key: Key<'_>, _: &mut usize) -> Place {
        let secret = if key.escaped {
            unescape(key.raw).is_some_and(|name| self.names(name.as_bytes()))
        } else {
            self.names(key.raw)
        };
        if secret { Place::Secret } else { Place::Open }
    }

    fn element(&mut self, _: Place, _: usize) -> Result<Place, ErrorKind> {
        Ok(Place::Open)
    }

    fn leave(&mut self, place: Place, span: Span, first: u8) {
        let empty: &[u8] = if first == b'"' { b"\"\"" } else { b"null" };
        if place == Place::Open || span.of(self.json) == empty {
            return;
        }
        let range = span.range();
        let kept = self.json.get(self.copied..range.start).unwrap_or_default();
        self.out.extend_from_slice(kept);
        self.out.extend_from_slice(empty);
        self.copied = range.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: Option<&str>) {
        let found = redact(json.as_bytes(), &["token", "a/b"]).unwrap();
        assert_eq!(found.map(|kept| String::from_utf8(kept).unwrap()).as_deref(), expected);
    }

    #[test]
    fn listed_members_are_emptied_at_any_depth() {
        check(r#"{"token":"x","b":1}"#, Some(r#"{"token":"","b":1}"#));
        check(
            r#"[{"a":[{"token":"x"}]}, {"token":12}]"#,
            Some(r#"[{"a":[{"token":""}]}, {"token":null}]"#),
        );
        check(r#"{"token":{"token":"x"}, "t":2}"#, Some(r#"{"token":null, "t":2}"#));
        check(r#"{"token":["x"]}"#, Some(r#"{"token":null}"#));
        check(r#"{"token":true,"token":"y"}"#, Some(r#"{"token":null,"token":""}"#));
        check(r#"{"\u0074oken":"x"}"#, Some(r#"{"\u0074oken":""}"#));
        check(r#"{"a\/b":"x"}"#, Some(r#"{"a\/b":""}"#));
    }

    #[test]
    fn nothing_to_empty_is_none() {
        check(r#"{"Token":"x","tokens":"y","x":"token"}"#, None);
        check(r#"{"token":"","a":{"token":null}}"#, None);
        check(r#""token""#, None);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        assert!(redact(br#"{"token":"x""#, &["token"]).is_err());
        assert!(redact(b"{]", &[""; 0]).is_err());
    }
}
