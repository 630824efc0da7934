//! Addresses of the web.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::email::is_beyond_ascii;
use super::escape::{escaped, is_unreserved, push_octet};
use super::rewrite::{Rewrite, Rewritten};
use super::{BuildError, Example, Param, ParamKind, Spec};
use crate::{Class, Fault};

pub(super) const SPECS: &[Spec] = &[Spec {
    name: "url_norm",
    summary: "writes a URL in the form of RFC 3986: scheme and host in lower case, no port that \
              the scheme implies, no dot segments, percent-encoding only where it is needed and \
              with capitals, `/` for no path under http and https; query and order stay",
    params: &[Param {
        name: "scheme",
        kind: ParamKind::Text,
        required: false,
        summary: "what `example.com/a` gets in front; left out, a URL without a scheme is refused",
    }],
    types: "text → text",
    class: "canonicalising",
    reverse: "the URL, tidied",
    standard: Some("RFC 3986 §6.2.2, §6.2.3, §5.2.4; RFC 3987 §3.1 for characters beyond ASCII"),
    example: Example {
        op: r#"{"op": "url_norm", "scheme": "https"}"#,
        input: r#""Example.COM:443/a/../b%7e""#,
        output: r#""https://example.com/b~""#,
    },
    build: |args| {
        let scheme = args.text("scheme")?.map(|scheme| scheme.to_ascii_lowercase());
        if scheme.as_deref().is_some_and(|scheme| !is_scheme(scheme)) {
            return Err(BuildError::parameter("`scheme` must be a scheme, such as `https`"));
        }
        Ok(Box::new(Rewritten(UrlNorm { scheme })))
    },
}];

/// Octets of a URL; longer ones are data, and servers refuse a tenth of it.
const URL_MAX: usize = 64 << 10;

/// Schemes and the ports that they imply.
const PORTS: &[(&str, u16)] =
    &[("http", 80), ("https", 443), ("ws", 80), ("wss", 443), ("ftp", 21)];

/// Names beyond ASCII stay as they are, in lower case: what they become in the DNS is the matter
/// of whoever asks it.
#[derive(Debug)]
struct UrlNorm {
    scheme: Option<String>,
}

impl Rewrite for UrlNorm {
    const CLASS: Class = Class::Canonicalising;

    fn forth<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Fault> {
        let url = self.normal(text.trim()).map_err(|why| {
            let quoted = Fault::quote(&text);
            Fault::new("mapping.url", format!("{quoted} is no URL: {why}"))
        })?;
        Ok(if url == text { text } else { Cow::Owned(url) })
    }
}

impl UrlNorm {
    fn normal(&self, text: &str) -> Result<String, &'static str> {
        if text.len() > URL_MAX {
            return Err("it is longer than 64 KiB");
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("it holds spaces or control characters");
        }
        let (scheme, rest) = self.split_scheme(text)?;
        let (rest, fragment) = split_at(&rest, '#');
        let (rest, query) = split_at(rest, '?');
        let mut url = format!("{scheme}:");
        if let Some(rest) = rest.strip_prefix("//") {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            url.push_str("//");
            push_authority(&mut url, &scheme, authority)?;
            match path {
                "" if matches!(scheme.as_str(), "http" | "https") => url.push('/'),
                path => push_path(&mut url, path),
            }
        } else if rest.is_empty() {
            return Err("there is nothing behind the scheme");
        } else {
            push_encoded(&mut url, rest);
        }
        for part in [query, fragment] {
            push_encoded(&mut url, part);
        }
        Ok(url)
    }

    /// The scheme in lower case, and what follows its colon.
    fn split_scheme<'t>(&self, text: &'t str) -> Result<(String, Cow<'t, str>), &'static str> {
        let split = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme));
        match (split, &self.scheme) {
            // `example.com:8080` is a host and a port where a scheme may be left out.
            (Some((scheme, rest)), Some(_)) if rest.starts_with("//") => {
                Ok((scheme.to_ascii_lowercase(), Cow::Borrowed(rest)))
            }
            (Some((scheme, rest)), None) => Ok((scheme.to_ascii_lowercase(), Cow::Borrowed(rest))),
            (_, Some(scheme)) => {
                let rest = text.strip_prefix("//").unwrap_or(text);
                Ok((scheme.clone(), Cow::Owned(format!("//{rest}"))))
            }
            (None, None) => Err("it has no scheme, and none is given as `scheme`"),
        }
    }
}

fn is_scheme(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(allowed)
}

/// What is in front of the first `mark`, and the rest with it.
fn split_at(text: &str, mark: char) -> (&str, &str) {
    text.split_at(text.find(mark).unwrap_or(text.len()))
}

fn push_authority(url: &mut String, scheme: &str, text: &str) -> Result<(), &'static str> {
    let host = match text.rsplit_once('@') {
        Some((user, host)) => {
            push_encoded(url, user);
            url.push('@');
            host
        }
        None => text,
    };
    // The colons of an IPv6 address stand in brackets.
    let port_at = host.rfind(':').filter(|at| host.get(*at..).is_some_and(|p| !p.contains(']')));
    let (host, port) = host.split_at(port_at.unwrap_or(host.len()));
    let host = host.to_lowercase();
    let named =
        |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(c) || is_beyond_ascii(c);
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let fits = match literal {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(named),
    };
    if !fits {
        return Err("its host is empty or holds other characters");
    }
    url.push_str(&host);
    let port = port.trim_start_matches(':');
    if port.is_empty() {
        return Ok(());
    }
    let number: u16 = port.parse().map_err(|_not_a_port| "its port is no number up to 65535")?;
    if PORTS.contains(&(scheme, number)) {
        return Ok(());
    }
    write!(url, ":{number}").map_err(|_full| "it is too long")
}

/// A path without its dot segments.
fn push_path(url: &mut String, path: &str) {
    let mut encoded = String::with_capacity(path.len());
    push_encoded(&mut encoded, path);
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = encoded.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => {
                kept.push(segment);
                continue;
            }
        }
        if segments.peek().is_none() {
            kept.push("");
        }
    }
    for segment in kept {
        url.push('/');
        url.push_str(segment);
    }
}

/// Decodes what need not be encoded, writes the rest with capitals, and encodes what must be.
fn push_encoded(url: &mut String, text: &str) {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let decoded = if byte == b'%' { escaped(&mut bytes) } else { None };
        let reserved = decoded.is_none() && b":/?#[]@!$&'()*+,;=".contains(&byte);
        let octet = decoded.unwrap_or(byte);
        push_octet(url, octet, reserved || is_unreserved(octet));
    }
}

#[cfg(test)]
mod tests {
    use super::super::rewrite::table::{check, keeps_laws, refuses};

    const OP: &str = "url_norm";

    /// RFC 3986 §6.2.2, §6.2.3 and §5.4.
    #[test]
    fn equal_urls_are_written_alike() {
        let table = [
            ("HTTP://www.EXAMPLE.com/", "http://www.example.com/"),
            ("http://example.com", "http://example.com/"),
            ("http://example.com:/", "http://example.com/"),
            ("http://example.com:80/", "http://example.com/"),
            ("http://example.com:443/", "http://example.com:443/"),
            ("https://example.com:0443", "https://example.com/"),
            ("http://a/b/c/%7Efoo/%7bfoo%7d", "http://a/b/c/~foo/%7Bfoo%7D"),
            ("eXAMPLE://a/./b/../b/%63/%7bfoo%7d", "example://a/b/c/%7Bfoo%7D"),
            ("http://a/b/c/d/../../../../g", "http://a/g"),
            ("http://a/b/c/..", "http://a/b/"),
            ("http://a/b/c/.", "http://a/b/c/"),
            ("http://a/b//c/%2e%2E/g", "http://a/b//g"),
            ("http://a?b=%c3%a9&&c#%5f", "http://a/?b=%C3%A9&&c#_"),
            ("http://a/100%/é", "http://a/100%25/%C3%A9"),
            ("http://[2001:DB8::7]:8080/", "http://[2001:db8::7]:8080/"),
            ("mailto:A@Example.com", "mailto:A@Example.com"),
        ];
        for (text, url) in table {
            check(OP, text, url);
        }
    }

    #[test]
    fn scheme_stands_for_one_that_is_left_out() {
        let op = r#"{"op": "url_norm", "scheme": "https"}"#;
        check(op, "example.com:8080/a", "https://example.com:8080/a");
        check(op, "//example.com", "https://example.com/");
        check(op, "http://example.com", "http://example.com/");
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in [
            "",
            "example.com",
            "http:",
            "http://",
            "http://a:99999",
            "http://a b/",
            "http://[::x]/",
        ] {
            refuses(OP, text, "mapping.url");
        }
        refuses(OP, &("http://a/".to_owned() + &"../".repeat(400_000)), "mapping.url");
    }

    #[test]
    fn laws_hold() {
        keeps_laws(
            OP,
            "(HT|ht)tps?://[a-cA-Cİé.]{1,4}(:(80|443|7)?)?(/([a-c.]|%[24][1ef]|é|%){0,3}){0,5}",
        );
        keeps_laws(OP, "[a-c]{1,3}:(//[a-c]@)?[a-c]{1,3}[?][a-c%=+]{0,3}(#[a-c#]{0,3})?");
    }
}
