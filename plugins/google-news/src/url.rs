//! The parts of an article's address that identify it.

/// Parameters that say where a reader came from, not what is read.
const TRACKING_PREFIX: &str = "utm_";

/// Returns the address without fragment and tracking parameters, scheme and host in lower case.
pub(crate) fn normalise(url: &str) -> String {
    let url = url.trim();
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let mut normal = lower_origin(address);
    let mut separator = '?';
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let tracking = pair
            .get(..TRACKING_PREFIX.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(TRACKING_PREFIX));
        if !tracking {
            normal.push(separator);
            normal.push_str(pair);
            separator = '&';
        }
    }
    normal
}

/// Returns the publisher's domain: the host without port and leading `www.`.
pub(crate) fn domain(url: &str) -> Option<String> {
    let host = authority(url.trim())?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    (!host.is_empty()).then(|| host.to_owned())
}

/// Tells whether this is an absolute web address.
pub(crate) fn is_web(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, rest)| {
        (scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http"))
            && !rest.is_empty()
            && !rest.starts_with('/')
    })
}

fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

fn lower_origin(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    format!("{}://{}{path}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        assert_eq!(normalise(url), expected);
    }

    #[test]
    fn one_article_has_one_address() {
        check(
            "HTTPS://Www.Example.COM/A/b?utm_source=x&id=7&UTM_medium=y#top",
            "https://www.example.com/A/b?id=7",
        );
        check("https://e.com/a?utm_source=x", "https://e.com/a");
        check("https://e.com?b=1&a=2", "https://e.com?b=1&a=2");
        check(" https://e.com/ü?ü=ü ", "https://e.com/ü?ü=ü");
        check("not an address", "not an address");
    }

    #[test]
    fn domain_names_the_publisher() {
        let check =
            |url: &str, expected: Option<&str>| assert_eq!(domain(url).as_deref(), expected);
        check("https://www.WashingtonPost.com", Some("washingtonpost.com"));
        check("https://user@news.example:8443/a?b", Some("news.example"));
        check("https://www.", None);
        check("nothing", None);
    }

    #[test]
    fn only_web_addresses_count() {
        assert!(is_web("https://e.com/a"));
        assert!(is_web("HTTP://e.com"));
        assert!(!is_web("javascript://"));
        assert!(!is_web("ftp://e.com"));
        assert!(!is_web("https:///path"));
    }
}
