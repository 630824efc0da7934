//! Paths as routes see them: decoded once, and refused where two readers could differ.

use std::fmt;

/// Longest raw path: servers refuse more than 8 KiB of request line anyway.
pub const PATH_BYTES_MAX: usize = 8 * 1024;

/// A path in decoded segments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CanonicalPath(Vec<String>);

impl CanonicalPath {
    /// The decoded segments; `/` is one empty segment.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| write!(f, "/{segment}"))
    }
}

/// Why a path is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PathError {
    /// It is not absolute.
    #[error("a path begins with `/`")]
    Start,
    /// It is longer than [`PATH_BYTES_MAX`].
    #[error("the path is longer than {PATH_BYTES_MAX} bytes")]
    Long,
    /// A character that must be encoded, or a fragment.
    #[error("the path holds a character that must be percent-encoded")]
    Character,
    /// `%` without two hex digits.
    #[error("the path holds `%` without two hex digits")]
    Escape,
    /// The decoded bytes are no UTF-8.
    #[error("a segment of the path decodes to something that is not UTF-8")]
    Utf8,
    /// A control character, written as an escape.
    #[error("a segment of the path decodes to a control character")]
    Control,
    /// `%2F`, `%5C` or `\`.
    #[error("a slash or a backslash inside a segment reads differently from server to server")]
    Separator,
    /// `//`.
    #[error("an empty segment reads differently from server to server")]
    Empty,
    /// `.` or `..`, however it is written.
    #[error("a dot segment leads to another path than the one that is checked")]
    Dots,
}

/// Reads a raw path; a query behind `?` is not looked at.
///
/// `%252F` is data: it decodes to the text `%2F`, once, as the server that gave the link does.
pub fn canonical(raw: &str) -> Result<CanonicalPath, PathError> {
    let path = raw.split_once('?').map_or(raw, |(path, _)| path);
    if path.len() > PATH_BYTES_MAX {
        return Err(PathError::Long);
    }
    let inside = path.strip_prefix('/').ok_or(PathError::Start)?;
    let segments = inside.split('/').map(segment).collect::<Result<Vec<_>, _>>()?;
    let last = segments.len() - 1;
    if segments.iter().enumerate().any(|(index, segment)| segment.is_empty() && index != last) {
        return Err(PathError::Empty);
    }
    Ok(CanonicalPath(segments))
}

fn segment(raw: &str) -> Result<String, PathError> {
    if raw.contains('\\') {
        return Err(PathError::Separator);
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let high = bytes.next().and_then(hex).ok_or(PathError::Escape)?;
                let low = bytes.next().and_then(hex).ok_or(PathError::Escape)?;
                decoded.push(high * 16 + low);
            }
            b'#' => return Err(PathError::Character),
            0x21..=0x7e => decoded.push(byte),
            _ => return Err(PathError::Character),
        }
    }
    let text = String::from_utf8(decoded).map_err(|_not_utf8| PathError::Utf8)?;
    if text.contains(['/', '\\']) {
        return Err(PathError::Separator);
    }
    if text.contains(char::is_control) {
        return Err(PathError::Control);
    }
    // Some servers cut `;…` off before they resolve dots.
    if matches!(text.split(';').next(), Some("." | "..")) {
        return Err(PathError::Dots);
    }
    Ok(text)
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: Result<&[&str], PathError>) {
        let path = canonical(raw);
        let segments = path.as_ref().map(|path| path.segments().collect::<Vec<_>>());
        assert_eq!(segments.map_err(|error| *error), expected.map(<[&str]>::to_vec), "{raw}");
    }

    #[test]
    fn paths_are_decoded_exactly_once() {
        check("/", Ok(&[""]));
        check("/a/b", Ok(&["a", "b"]));
        check("/a/", Ok(&["a", ""]));
        check("/a%20b/%C3%A9", Ok(&["a b", "é"]));
        check("/m/%252F%252Fuuid%253D%253D", Ok(&["m", "%2F%2Fuuid%3D%3D"]));
        check("/%252e%252e/x", Ok(&["%2e%2e", "x"]));
        check("/v9.2/$batch", Ok(&["v9.2", "$batch"]));
        check("/v9.2/%24batch", Ok(&["v9.2", "$batch"]));
        check("/accounts(name='O''Neil')", Ok(&["accounts(name='O''Neil')"]));
        check("/...", Ok(&["..."]));
        check("/a%3Fb%23c", Ok(&["a?b#c"]));
    }

    #[test]
    fn the_query_is_not_part_of_the_path() {
        check("/a?x=/../b//c", Ok(&["a"]));
        check("/?", Ok(&[""]));
        check("?a", Err(PathError::Start));
    }

    #[test]
    fn whatever_two_servers_may_read_differently_is_refused() {
        check("", Err(PathError::Start));
        check("a", Err(PathError::Start));
        check("https://host/a", Err(PathError::Start));
        check("//host/a", Err(PathError::Empty));
        check("/a//b", Err(PathError::Empty));
        check("/a/../b", Err(PathError::Dots));
        check("/a/./b", Err(PathError::Dots));
        check("/a/..", Err(PathError::Dots));
        check("/%2e%2e/b", Err(PathError::Dots));
        check("/.%2E/b", Err(PathError::Dots));
        check("/..;x=1/b", Err(PathError::Dots));
        check("/a\\b", Err(PathError::Separator));
        check("/a%5cb", Err(PathError::Separator));
        check("/a%2Fb", Err(PathError::Separator));
        check("/a%00", Err(PathError::Control));
        check("/a%0d%0a", Err(PathError::Control));
        check("/a%7f", Err(PathError::Control));
        check("/a%c2%85", Err(PathError::Control));
        check("/a%ff", Err(PathError::Utf8));
        check("/a%2", Err(PathError::Escape));
        check("/a%zz", Err(PathError::Escape));
        check("/a%", Err(PathError::Escape));
        check("/a b", Err(PathError::Character));
        check("/é", Err(PathError::Character));
        check("/a#b", Err(PathError::Character));
        check("/a\r\nb", Err(PathError::Character));
        check(&format!("/{}", "a".repeat(PATH_BYTES_MAX)), Err(PathError::Long));
    }
}
