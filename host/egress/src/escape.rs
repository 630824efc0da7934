//! Takes the escapes of URLs and of JSON out of bytes, where there are any.

use std::borrow::Cow;

use memchr::memmem;

/// The two ways to write a byte as text that this host looks through.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Escape {
    /// `%2B`.
    Percent,
    /// `\u002B`.
    Unicode,
}

/// What stands between two stretches of text that were not neighbours: no text holds it.
const GAP: u8 = 0xff;

/// The bytes with the escapes decoded, or nothing where none stands in them.
pub(crate) fn decoded(bytes: &[u8], escape: Escape) -> Option<Vec<u8>> {
    decoded_near(bytes, escape, usize::MAX, |_any| true)
}

/// The same for a search: of the escapes those that mean something searched for, and of the text
/// what lies within `reach` of one. The rest was searched already, as it stood.
pub(crate) fn decoded_near(
    bytes: &[u8],
    escape: Escape,
    reach: usize,
    matters: impl Fn(char) -> bool,
) -> Option<Vec<u8>> {
    match escape {
        Escape::Percent => {
            splice(bytes, percents(bytes).filter(|found| matters(found.means)), reach)
        }
        Escape::Unicode => {
            splice(bytes, unicodes(bytes).filter(|found| matters(found.means)), reach)
        }
    }
}

/// The bytes with the escapes decoded, and where each of them stood, with the end of all after the
/// last; nothing where there is no escape.
pub(crate) fn located(bytes: &[u8], escape: Escape) -> Option<(Vec<u8>, Vec<usize>)> {
    match escape {
        Escape::Percent => locate(bytes, percents(bytes)),
        Escape::Unicode => locate(bytes, unicodes(bytes)),
    }
}

/// The whole text with both escapes decoded, percent first.
pub(crate) fn plain(bytes: &[u8]) -> Cow<'_, [u8]> {
    let once = decoded(bytes, Escape::Percent).map_or(Cow::Borrowed(bytes), Cow::Owned);
    decoded(&once, Escape::Unicode).map_or(once, Cow::Owned)
}

/// An escape: where it stands, how long it is, what it means.
struct Found {
    at: usize,
    length: usize,
    means: char,
}

fn percents(bytes: &[u8]) -> impl Iterator<Item = Found> {
    memchr::memchr_iter(b'%', bytes).filter_map(|at| percent(bytes, at))
}

fn unicodes(bytes: &[u8]) -> impl Iterator<Item = Found> {
    memmem::find_iter(bytes, br"\u").filter_map(|at| unicode(bytes, at))
}

fn percent(bytes: &[u8], at: usize) -> Option<Found> {
    let byte = u8::try_from(hex(bytes.get(at + 1..at + 3)?)?).ok()?;
    Some(Found { at, length: 3, means: char::from(byte) })
}

/// Halves of a surrogate pair stay as they are: secrets and hosts have none.
fn unicode(bytes: &[u8], at: usize) -> Option<Found> {
    let means = char::from_u32(hex(bytes.get(at + 2..at + 6)?)?)?;
    Some(Found { at, length: 6, means })
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
}

fn splice(bytes: &[u8], found: impl Iterator<Item = Found>, reach: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut end = None;
    for Found { at, length, means } in found {
        // An escape within the one before, as in `%2%2B`, is none.
        let Some(between) = bytes.get(end.unwrap_or(0)..at) else { continue };
        if end.is_some() && between.len() <= reach.saturating_mul(2) {
            out.extend_from_slice(between);
        } else {
            if end.is_some() {
                out.extend_from_slice(first(between, reach));
                out.push(GAP);
            }
            out.extend_from_slice(last(between, reach));
        }
        push(&mut out, means, length);
        end = Some(at + length);
    }
    out.extend_from_slice(first(bytes.get(end?..).unwrap_or_default(), reach));
    Some(out)
}

fn locate(bytes: &[u8], found: impl Iterator<Item = Found>) -> Option<(Vec<u8>, Vec<usize>)> {
    let (mut out, mut places) = (Vec::new(), Vec::new());
    let mut end = 0;
    for Found { at, length, means } in found {
        // An escape within the one before, as in `%2%2B`, is none.
        let Some(between) = bytes.get(end..at) else { continue };
        out.extend_from_slice(between);
        places.extend(end..at);
        push(&mut out, means, length);
        places.resize(out.len(), at);
        end = at + length;
    }
    out.extend_from_slice(bytes.get(end..).unwrap_or_default());
    places.extend(end..=bytes.len());
    (end > 0).then_some((out, places))
}

/// A percent escape is one byte of whatever the text is; the other is a character.
fn push(out: &mut Vec<u8>, means: char, length: usize) {
    match u8::try_from(means) {
        Ok(byte) if length == 3 => out.push(byte),
        _ => out.extend_from_slice(means.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

fn first(bytes: &[u8], reach: usize) -> &[u8] {
    bytes.get(..reach).unwrap_or(bytes)
}

fn last(bytes: &[u8], reach: usize) -> &[u8] {
    bytes.get(bytes.len().saturating_sub(reach)..).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, escape: Escape, reach: usize, expected: Option<&[u8]>) {
        let found = decoded_near(text.as_bytes(), escape, reach, |means| means != '!');
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn escapes_are_decoded_and_the_rest_stays() {
        check("a%2Bb%2bc", Escape::Percent, usize::MAX, Some(b"a+b+c"));
        check("%C3%A9", Escape::Percent, usize::MAX, Some("\u{e9}".as_bytes()));
        check("%%41%2%42", Escape::Percent, usize::MAX, Some(b"%A%2B"));
        check(r"a\u002Bb\u00e9", Escape::Unicode, usize::MAX, Some("a+b\u{e9}".as_bytes()));
        check(r"\\u0041\ud83d\u004", Escape::Unicode, usize::MAX, Some(br"\A\ud83d\u004"));
        check("100% of %zz and %4", Escape::Percent, usize::MAX, None);
        check(r"\ux \u12", Escape::Unicode, usize::MAX, None);
        assert_eq!(&*plain(br"%5Cu0041\u0042c"), b"ABc");
    }

    #[test]
    fn every_byte_knows_where_it_stood() {
        let located = |text: &str, escape| located(text.as_bytes(), escape);
        let (plain, places) = located("a%2Bb%C3%A9", Escape::Percent).unwrap();
        assert_eq!((plain.as_slice(), places), ("a+b\u{e9}".as_bytes(), vec![0, 1, 4, 5, 8, 11]));
        let (plain, places) = located(r"\u00e9\u002B", Escape::Unicode).unwrap();
        assert_eq!((plain.as_slice(), places), ("\u{e9}+".as_bytes(), vec![0, 0, 6, 12]));
        assert_eq!(located("%2%2B", Escape::Percent).unwrap(), (b"%2+".to_vec(), vec![0, 1, 2, 5]));
        assert_eq!(located("100% of it", Escape::Percent), None);
    }

    #[test]
    fn only_the_neighbourhood_of_an_escape_is_kept() {
        check("abcdefg%41hijklmno%42pqrst", Escape::Percent, 2, Some(b"fgAhi\xffnoBpq"));
        check("abc%41defg%21hijk", Escape::Percent, 2, Some(b"bcAde"));
        check("%21", Escape::Percent, 2, None);
        check("abc%41defg%42hi", Escape::Percent, 2, Some(b"bcAdefgBhi"));
    }
}
