//! Routes: `METHOD /path` with wildcards, matched on the path decoded once.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document::{Decode, FileError, Item};
use crate::path::CanonicalPath;

/// The methods that a route may have.
pub const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// A method and a path pattern.
///
/// `*` stands for one or more characters of a segment, one `**` for one or more whole segments,
/// at the end or, as OneDrive's paths of files need it, before what follows.
/// Neither ever matches a segment that begins with `$`, so that `$batch` must be written out.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Route {
    method: String,
    /// The segments before `**`, or all.
    head: Vec<String>,
    /// The segments behind `**`, if there is one.
    tail: Option<Vec<String>>,
}

impl Route {
    /// Reads a route.
    pub fn parse(text: &str) -> Result<Self, RouteError> {
        let (method, path) = text.split_once(' ').ok_or(RouteError::Form)?;
        if !METHODS.contains(&method) {
            return Err(RouteError::Method);
        }
        let path = path.strip_prefix('/').ok_or(RouteError::Form)?;
        let mut head: Vec<String> = path.split('/').map(str::to_owned).collect();
        let last = head.len() - 1;
        for (index, segment) in head.iter().enumerate().filter(|(_, segment)| *segment != "**") {
            check_segment(segment, index == last)?;
        }
        let rest = head.iter().position(|segment| segment == "**").map(|at| head.split_off(at));
        let tail = rest.map(|rest| rest.into_iter().skip(1).collect::<Vec<_>>());
        if tail.iter().flatten().any(|segment| segment == "**") {
            return Err(RouteError::Rest);
        }
        Ok(Self { method: method.to_owned(), head, tail })
    }

    /// The method, in upper case.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Whether a request with this method and path is covered.
    pub fn matches(&self, method: &str, path: &CanonicalPath) -> bool {
        self.method == method && self.fits(path.as_slice(), fits)
    }

    /// Whether everything that `other` matches is matched by this route too.
    ///
    /// Errs on the side of no: two patterns with stars inside a segment are compared as text.
    pub fn covers(&self, other: &Self) -> bool {
        if self.method != other.method {
            return false;
        }
        match (&self.tail, &other.tail) {
            (_, None) => self.fits(&other.head, contains),
            (None, Some(_)) => false,
            (Some(tail), Some(inner)) => {
                let front = other.head.split_at_checked(self.head.len());
                let back = inner.len().checked_sub(tail.len()).map(|at| inner.split_at(at));
                let (Some((front, more)), Some((rest, back))) = (front, back) else { return false };
                all_fit(&self.head, front, contains)
                    && all_fit(tail, back, contains)
                    && more.iter().chain(rest).all(|segment| !segment.starts_with('$'))
            }
        }
    }

    fn fits(&self, segments: &[String], fits: Fits) -> bool {
        let Some((front, rest)) = segments.split_at_checked(self.head.len()) else { return false };
        let Some(tail) = &self.tail else {
            return rest.is_empty() && all_fit(&self.head, front, fits);
        };
        let Some(at) = rest.len().checked_sub(tail.len()) else { return false };
        let (middle, back) = rest.split_at(at);
        // The empty segment alone is the root's, and the last one of a path that ends in a slash.
        let root = self.head.is_empty() && tail.is_empty();
        let some = match middle {
            [] => false,
            [only] => root || !only.is_empty(),
            _ => true,
        };
        some && middle.iter().all(|segment| !segment.starts_with('$'))
            && all_fit(&self.head, front, fits)
            && all_fit(tail, back, fits)
    }
}

type Fits = fn(&str, &str) -> bool;

fn all_fit(patterns: &[String], segments: &[String], fits: Fits) -> bool {
    patterns.iter().zip(segments).all(|(pattern, segment)| fits(pattern, segment))
}

/// Whether every segment that fits the inner pattern fits the outer one.
fn contains(outer: &str, inner: &str) -> bool {
    outer == inner
        || outer == "*" && !inner.is_empty() && !inner.starts_with('$')
        || !inner.contains('*') && fits(outer, inner)
}

/// Whether a segment fits a pattern of literal pieces between stars.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    if text.starts_with('$') {
        return false;
    }
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        // The shortest stretch of at least one character before the piece leaves the most behind.
        let Some(behind) = after_one(text).and_then(|text| text.split_once(piece)) else {
            return false;
        };
        text = behind.1;
    }
    after_one(text).is_some_and(|text| text.ends_with(last))
}

fn after_one(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    chars.next().map(|_| chars.as_str())
}

fn check_segment(segment: &str, last: bool) -> Result<(), RouteError> {
    if segment.is_empty() {
        return if last { Ok(()) } else { Err(RouteError::Empty) };
    }
    if segment.contains("**") {
        return Err(RouteError::Rest);
    }
    if segment == "." || segment == ".." {
        return Err(RouteError::Dots);
    }
    if segment.starts_with('$') && segment.contains('*') {
        return Err(RouteError::Dollar);
    }
    if segment.chars().any(|c| c.is_control() || c == ' ' || "%?#\\".contains(c)) {
        return Err(RouteError::Character);
    }
    Ok(())
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.method)?;
        self.head.iter().try_for_each(|segment| write!(f, "/{segment}"))?;
        let Some(tail) = &self.tail else { return Ok(()) };
        f.write_str("/**")?;
        tail.iter().try_for_each(|segment| write!(f, "/{segment}"))
    }
}

impl TryFrom<String> for Route {
    type Error = RouteError;

    fn try_from(text: String) -> Result<Self, RouteError> {
        Self::parse(&text)
    }
}

impl From<Route> for String {
    fn from(route: Route) -> Self {
        route.to_string()
    }
}

impl Decode for Route {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.parsed(Self::parse, "write a route, as in \"GET /v1/users/*\" or \"GET /files/**\"")
    }
}

/// Why a text is no route.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RouteError {
    /// It is not a method, one space and a path.
    #[error("a route is a method, one space and a path that begins with `/`")]
    Form,
    /// The method is not one of [`METHODS`].
    #[error("the method must be GET, HEAD, POST, PUT, PATCH or DELETE")]
    Method,
    /// An empty segment that is not the last.
    #[error("an empty segment inside the path is never matched")]
    Empty,
    /// `**` inside a segment, or twice.
    #[error("`**` is a whole segment and stands there once")]
    Rest,
    /// A dot segment.
    #[error("a dot segment is never matched")]
    Dots,
    /// A star behind `$`.
    #[error("a star never matches a segment that begins with `$`; write the segment out")]
    Dollar,
    /// A character that no decoded path is matched with.
    #[error("a route holds the decoded path: no space, control character, `%`, `?`, `#` or `\\`")]
    Character,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::canonical;

    #[track_caller]
    fn check(route: &str, request: &str, expected: bool) {
        let route = Route::parse(route).unwrap();
        let (method, path) = request.split_once(' ').unwrap();
        assert_eq!(route.matches(method, &canonical(path).unwrap()), expected, "{request}");
    }

    #[test]
    fn literals_match_exactly() {
        check("GET /v2/users", "GET /v2/users", true);
        check("GET /v2/users", "GET /v2/users?page=2", true);
        check("GET /v2/users", "GET /v2/%75sers", true);
        check("GET /v2/users", "POST /v2/users", false);
        check("GET /v2/users", "GET /v2/Users", false);
        check("GET /v2/users", "GET /v2/users/", false);
        check("GET /v2/users", "GET /v2", false);
        check("GET /v2/users", "GET /v2/users/1", false);
        check("GET /", "GET /", true);
    }

    #[test]
    fn a_star_stands_for_characters_of_one_segment() {
        check("GET /m/*", "GET /m/%252F%252Fuuid", true);
        check("GET /m/*", "GET /m/", false);
        check("GET /m/*", "GET /m/a/b", false);
        check("POST /x/*/M.D.CRM.*", "POST /x/accounts/M.D.CRM.CreateMultiple", true);
        check("POST /x/*/M.D.CRM.*", "POST /x/accounts/M.D.CRM.", false);
        check("POST /x/*/M.D.CRM.*", "POST /x/accounts/M.E.CRM.Create", false);
        check("GET /a*b*c", "GET /a1b2c", true);
        check("GET /a*b*c", "GET /abbbc", true);
        check("GET /a*b*c", "GET /abc", false);
        check("GET /a*a", "GET /aa", false);
        check("GET /*é", "GET /%C3%A9%C3%A9", true);
    }

    #[test]
    fn a_double_star_stands_for_the_rest() {
        check("GET /**", "GET /", true);
        check("GET /**", "GET /a/b/", true);
        check("GET /rec/**", "GET /rec/a", true);
        check("GET /rec/**", "GET /rec/a/b", true);
        check("GET /rec/**", "GET /rec", false);
        check("GET /rec/**", "GET /rec/", false);
        check("GET /rec/**", "GET /record", false);
        check("POST /items/**/upload", "POST /items/root:/a/b:/upload", true);
        check("POST /items/**/upload", "POST /items/upload", false);
        check("POST /items/**/upload", "POST /items/a/uploads", false);
    }

    #[test]
    fn wildcards_never_match_a_dollar_segment() {
        check("POST /data/*", "POST /data/$batch", false);
        check("POST /data/*", "POST /data/%24batch", false);
        check("GET /data/**", "GET /data/accounts/$ref", false);
        check("GET /**", "GET /$metadata", false);
        check("POST /a/**/b", "POST /a/$x/b", false);
        check("POST /data/$batch", "POST /data/$batch", true);
        check("GET /data/*", "GET /data/a$b", true);
    }

    #[test]
    fn what_cannot_match_is_refused() {
        let errors = [
            ("/a", RouteError::Form),
            ("GET", RouteError::Form),
            ("GET a", RouteError::Form),
            ("GET  /a", RouteError::Form),
            ("get /a", RouteError::Method),
            ("TRACE /a", RouteError::Method),
            ("GET /a//b", RouteError::Empty),
            ("GET //**", RouteError::Empty),
            ("GET /**/a/**", RouteError::Rest),
            ("GET /a**", RouteError::Rest),
            ("GET /a/../b", RouteError::Dots),
            ("GET /$*", RouteError::Dollar),
            ("GET /a?b", RouteError::Character),
            ("GET /a%20b", RouteError::Character),
            ("GET /a b", RouteError::Character),
        ];
        for (text, error) in errors {
            assert_eq!(Route::parse(text), Err(error), "{text}");
        }
    }

    #[track_caller]
    fn covers(outer: &str, inner: &str, expected: bool) {
        let (outer_route, inner_route) = (Route::parse(outer), Route::parse(inner));
        assert_eq!(outer_route.unwrap().covers(&inner_route.unwrap()), expected, "{outer} {inner}");
    }

    #[test]
    fn a_wider_route_covers_a_narrower_one() {
        covers("GET /a", "GET /a", true);
        covers("GET /a", "POST /a", false);
        covers("GET /a/*", "GET /a/b", true);
        covers("GET /a/*", "GET /a/b*", true);
        covers("GET /a/b*", "GET /a/*", false);
        covers("GET /a/b*", "GET /a/bc", true);
        covers("GET /a/*", "GET /a/$b", false);
        covers("GET /a/**", "GET /a/*/c", true);
        covers("GET /a/**", "GET /a/b/**", true);
        covers("GET /a/b/**", "GET /a/**", false);
        covers("GET /a/**", "GET /a/$b/**", false);
        covers("GET /a/**", "GET /a", false);
        covers("GET /a/*", "GET /a/**", false);
        covers("GET /**", "GET /", true);
        covers("GET /a/**", "GET /a/", false);
        covers("GET /a/**", "GET /a/**/b", true);
        covers("GET /a/**", "GET /a/**/$b", false);
        covers("GET /a/**/b", "GET /a/**", false);
        covers("GET /a/**/b", "GET /a/x/**/y/b", true);
        covers("GET /a/**/b", "GET /a/*/b", true);
    }

    #[test]
    fn a_route_is_written_as_it_was_read() {
        for text in ["GET /", "GET /**", "GET /a/*/b/**", "POST /a/**/b", "PATCH /a*b", "GET /a/"] {
            assert_eq!(Route::parse(text).unwrap().to_string(), text);
        }
    }
}
