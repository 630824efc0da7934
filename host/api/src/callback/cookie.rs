//! The cookie that binds an authorisation to the browser that began it.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue};
use model::Secret;
use model::credential::FLOW_MAX;

/// The cookie of the authorisations that end at one address.
///
/// It is no use to scripts, and comes along when a provider sends the browser back, but with no
/// request that another page makes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cookie {
    name: String,
    attributes: &'static str,
}

impl Cookie {
    /// The cookie for this redirect address.
    ///
    /// Over `https` its name binds it to this very host. On loopback, where there is no `https`,
    /// all ports share the cookies of a host, so its name tells the port.
    pub fn of(redirect_uri: &str) -> Self {
        if redirect_uri.starts_with("https://") {
            return Self { name: "__Host-plughouse".to_owned(), attributes: "; Secure" };
        }
        let authority = redirect_uri.split('/').nth(2).unwrap_or_default();
        let port = authority.rsplit(':').next().unwrap_or_default();
        let port: String = port.chars().filter(char::is_ascii_digit).collect();
        Self { name: format!("plughouse-{port}"), attributes: "" }
    }

    /// The header that sets it.
    pub(super) fn set(&self, value: &Secret) -> HeaderValue {
        self.header(format_args!("{}; Max-Age={}", value.expose(), FLOW_MAX.as_secs()))
    }

    /// The header that takes it away.
    pub(super) fn clear(&self) -> HeaderValue {
        self.header(format_args!("; Max-Age=0"))
    }

    /// Its value in a request.
    pub(super) fn find(&self, headers: &HeaderMap) -> Option<Secret> {
        crate::auth::cookie(headers, &self.name)
    }

    fn header(&self, value: fmt::Arguments<'_>) -> HeaderValue {
        let Self { name, attributes } = self;
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{attributes}");
        let mut header = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    #[track_caller]
    fn check(redirect_uri: &str, set: &str) {
        let cookie = Cookie::of(redirect_uri);
        assert_eq!(cookie.set(&Secret::new("v".to_owned())), set);
    }

    #[test]
    fn cookie_is_bound_as_far_as_the_address_allows() {
        check(
            "https://host.example/api/integrations/oauth/callback/desk",
            "__Host-plughouse=v; Max-Age=600; Path=/; HttpOnly; SameSite=Lax; Secure",
        );
        check(
            "http://127.0.0.1:8765/api/integrations/oauth/callback/desk",
            "plughouse-8765=v; Max-Age=600; Path=/; HttpOnly; SameSite=Lax",
        );
        check("http://[::1]:80/x", "plughouse-80=v; Max-Age=600; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn cookie_is_found_among_others() {
        let cookie = Cookie::of("http://127.0.0.1:80/x");
        let find = |text: &'static str| {
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(text))]);
            cookie.find(&headers).map(|secret| secret.expose().to_owned())
        };
        assert_eq!(find("a=b; plughouse-80=secret; c=d").as_deref(), Some("secret"));
        assert_eq!(find("plughouse-8080=other; xplughouse-80=no; plughouse-80x=no"), None);
    }
}
