//! A provider's link, taken apart without changing a byte of its path.
//!
//! A URL parser that normalises would rewrite `'` and fold `%2e%2e`, and the provider's own
//! signature over the link would no longer match.

use crate::origin::{Origin, OriginError, Scheme};

/// Scheme and authority as they stand, and the raw path with its query.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Link<'a> {
    scheme: Scheme,
    authority: &'a str,
    /// Begins with `/`; a link without path has the path `/`.
    pub(crate) path: String,
}

/// Why a text is not a link that a guest may follow.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum LinkError {
    /// Not absolute, or another scheme.
    #[error("is not an absolute http or https link")]
    Scheme,
    /// `#` is never sent, so a link with it means something that this host cannot do.
    #[error("has a fragment")]
    Fragment,
    /// Space, tab, line end or another control character.
    #[error("holds a space or a control character")]
    Control,
    /// The origin.
    #[error("{0}")]
    Origin(#[from] OriginError),
}

impl<'a> Link<'a> {
    /// Takes an absolute link apart.
    pub(crate) fn parse(url: &'a str) -> Result<Self, LinkError> {
        if url.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(LinkError::Control);
        }
        let (scheme, rest) = Scheme::strip(url).ok_or(LinkError::Scheme)?;
        if rest.contains('#') {
            return Err(LinkError::Fragment);
        }
        // Browsers end the host at `\` too; other programs do not: `Origin` refuses it.
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(OriginError::UserInfo.into());
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { scheme, authority, path })
    }

    /// The origin as a manifest would write it.
    pub(crate) fn public(&self) -> Result<Origin, OriginError> {
        Origin::public(&self.origin_text())
    }

    /// The origin as an operator's override would write it.
    pub(crate) fn operator(&self) -> Result<Origin, OriginError> {
        Origin::operator(&self.origin_text())
    }

    fn origin_text(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn path(url: &str, expected: &str) {
        assert_eq!(Link::parse(url).unwrap().path, expected, "{url}");
    }

    #[track_caller]
    fn refused(url: &str) {
        let found = Link::parse(url).map(|link| link.public());
        assert!(!matches!(found, Ok(Ok(_))), "{url}: {found:?}");
    }

    #[test]
    fn path_keeps_its_bytes() {
        path("https://a.example/x?$skiptoken='a%20b'", "/x?$skiptoken='a%20b'");
        path(
            "https://a.example/v2/past_meetings/%252Fabc%252F%3D%3D",
            "/v2/past_meetings/%252Fabc%252F%3D%3D",
        );
        path("https://a.example/a/%2e%2e/b", "/a/%2e%2e/b");
        path("https://a.example", "/");
        path("https://a.example?x=1", "/?x=1");
        path("https://a.example/?u=https://b.example/@c", "/?u=https://b.example/@c");
    }

    #[test]
    fn link_with_another_meaning_elsewhere_is_refused() {
        for url in [
            "//a.example/x",
            "/x",
            "",
            "javascript:alert(1)",
            "ftp://a.example/",
            "file:///etc/passwd",
            "gopher://a.example/_x",
            "https:a.example/x",
            "https:///a.example/x",
            "https://user@a.example/",
            "https://a.example:443@evil.example/",
            "https://evil.example\\@a.example/",
            "https://a.example\\.evil.example/",
            "https://a.example/#x",
            "https://a.example#@evil.example/",
            "https://a.example/ x",
            "https://a.example/\r\nHost: b",
            "https://a.example/\0",
            "https://a.example\t/",
            "https://a.example:99999/",
            "https://a.example:/",
            "https://%61.example/",
            "https://a.example%2f.evil.example/",
            "https://a.example%00.evil.example/",
        ] {
            refused(url);
        }
    }
}
