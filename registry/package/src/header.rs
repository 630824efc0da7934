//! Headers of a request that are the host's alone.

/// They frame the message, route it, change its method behind the routes' back or carry a
/// credential.
const HOST_ONLY: &[&str] = &[
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];
const HOST_ONLY_PREFIXES: &[&str] = &["proxy-", "x-forwarded-"];

/// True for a header that neither a manifest nor a guest may set, in any case of its letters.
pub fn is_host_only(name: &str) -> bool {
    let begins = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    HOST_ONLY.iter().any(|it| it.eq_ignore_ascii_case(name))
        || HOST_ONLY_PREFIXES.iter().any(|prefix| begins(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_route_and_credential_are_the_hosts() {
        for name in ["Host", "VIA", "x-original-url", "X-Rewrite-URL", "X-Forwarded-For", "Proxy-X"]
        {
            assert!(is_host_only(name), "{name}");
        }
        for name in ["accept", "Prefer", "x-api-key", "x-forwarded", "proxy", "hosts", "é"] {
            assert!(!is_host_only(name), "{name}");
        }
    }
}
