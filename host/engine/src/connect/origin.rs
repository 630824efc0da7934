//! Origins that an operator may put in the place of a manifest's.

use std::net::Ipv6Addr;

/// Checks that the text is `http://host[:port]` or `https://host[:port]` and nothing more; else
/// says what is wanted.
///
/// Which addresses it may lead to is for egress to say: an override is the operator's word.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(authority) = authority else {
        return Err("must begin with `https://` or `http://`".to_owned());
    };
    let (host, port) = match authority.rfind(':') {
        Some(at) if !authority.ends_with(']') => {
            let (host, port) = authority.split_at(at);
            (host, Some(port.trim_start_matches(':')))
        }
        _ => (authority, None),
    };
    if !is_host(host) {
        return Err("must name a host in lower case, without user, path or query".to_owned());
    }
    let digits = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
    if port.is_some_and(|p| !digits(p) || !p.parse::<u16>().is_ok_and(|port| port > 0)) {
        return Err("must have a port of 1 to 65535, or none".to_owned());
    }
    Ok(())
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    host.len() <= 253 && host.split('.').all(|label| !label.is_empty() && label.bytes().all(inner))
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(text: &str, valid: bool) {
        assert_eq!(super::check(text).is_ok(), valid, "{text}");
    }

    #[test]
    fn origin_is_scheme_host_and_port_and_nothing_more() {
        check("http://127.0.0.1:8080", true);
        check("https://api.example.com", true);
        check("http://[::1]:8080", true);
        check("http://[::1]", true);
        check("http://localhost", true);
        check("ftp://localhost", false);
        check("http://", false);
        check("http://localhost/", false);
        check("http://localhost?x", false);
        check("http://user@localhost", false);
        check("http://localhost:", false);
        check("http://localhost:0", false);
        check("http://localhost:65536", false);
        check("http://localhost:+80", false);
        check("http://LOCALHOST", false);
        check("http://a..b", false);
        check("http://[::1", false);
        check("http://::1", false);
    }
}
