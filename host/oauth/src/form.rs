//! `application/x-www-form-urlencoded`, written and read.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use crate::values::RequestError;

/// Pairs as a form, in their order. Spaces are `%20` and not `+`: every reader takes the one for
/// a space, and some take the other for a plus.
pub(crate) fn encoded(pairs: &[(&str, &str)]) -> Zeroizing<String> {
    // Reserved at its largest, so that no copy of a secret is left behind by growing.
    let most: usize = pairs.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut out = Zeroizing::new(String::with_capacity(most));
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        encode(&mut out, name);
        out.push('=');
        encode(&mut out, value);
    }
    out
}

/// Refuses pairs of which two have one name.
pub(crate) fn check(pairs: &[(&str, &str)]) -> Result<(), RequestError> {
    let mut names = BTreeSet::new();
    match pairs.iter().find(|(name, _)| !names.insert(name)) {
        Some((name, _)) => Err(RequestError::Twice((*name).to_owned())),
        None => Ok(()),
    }
}

/// The text with everything but RFC 3986's unreserved characters encoded.
pub(crate) fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode(&mut out, text);
    out
}

fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
}

fn hex(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16).unwrap_or('0').to_ascii_uppercase()
}

/// The decoded pairs of a form, in their order; nothing if one of them is not properly encoded.
pub(crate) fn decoded(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let mut value = 0;
                for digit in digits {
                    value = value * 16 + char::from(digit).to_digit(16)?;
                }
                u8::try_from(value).ok()?
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_leaves_only_unreserved_characters() {
        let pairs = [("a", "x y+z"), ("b", "ä/&=~"), ("c", "")];
        assert_eq!(*encoded(&pairs), "a=x%20y%2Bz&b=%C3%A4%2F%26%3D~&c=");
        assert_eq!(*encoded(&[]), "");
    }

    #[track_caller]
    fn check(text: &str, expected: Option<&[(&str, &str)]>) {
        let owned = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(decoded(text), expected.map(owned), "{text}");
    }

    #[test]
    fn reading_takes_what_is_properly_encoded() {
        check("", Some(&[]));
        check("a=1&&b=x+y%2B", Some(&[("a", "1"), ("b", "x y+")]));
        check("a", Some(&[("a", "")]));
        check("a=b=c", Some(&[("a", "b=c")]));
        for broken in ["a=%", "a=%4", "a=%zz", "a=%+1", "%ff=1"] {
            check(broken, None);
        }
    }
}
