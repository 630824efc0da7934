//! Sessions of browsers: the cookie, and what must come beside it.
//!
//! A browser sends the cookie along whoever has written the page that asks. So nothing is changed
//! on its account alone: a request must come from a page of this host, and show a token that no
//! other page can read.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use model::api_key::Session;
use model::{Error, Secret, hex};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::problem::Problem;
use crate::random::random;

/// The header that shows the token of a session.
pub const CSRF: &str = "x-csrf-token";

/// The cookie of a browser over TLS.
pub(crate) const COOKIE: &str = "__Host-plughouse-session";

/// Random bytes in a cookie.
const SECRET_BYTES: usize = 32;

/// What a token is drawn from, beside the secret, so that it tells nothing of the secret's hash.
const CSRF_OF: &[u8] = b"csrf token of ";

/// Where a request has come in, as far as cookies are concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'r> {
    /// The host that it is meant for, with its port.
    host: &'r str,
    secure: bool,
}

impl<'r> Place<'r> {
    /// By the headers of the request, and whether it came over TLS.
    pub(crate) fn of(headers: &'r HeaderMap, secure: bool) -> Self {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        Self { host: host.unwrap_or_default(), secure }
    }

    /// The name of the cookie.
    ///
    /// Over TLS it binds it to this very host. Without it there is loopback alone, where all ports
    /// share the cookies of a host, so the name tells the port.
    fn cookie(self) -> String {
        if self.secure {
            return COOKIE.to_owned();
        }
        let port = self.host.rsplit_once(':').map_or("80", |(_, port)| port);
        let port: String = port.chars().filter(char::is_ascii_digit).collect();
        format!("plughouse-session-{port}")
    }

    /// The secret that the browser holds.
    pub(crate) fn secret(self, headers: &HeaderMap) -> Option<SessionSecret> {
        cookie(headers, &self.cookie()).map(SessionSecret)
    }

    /// Refuses to give a browser a cookie that others could read on its way.
    pub(crate) fn hides(self) -> Result<(), Problem> {
        let name = self.host.rsplit_once(':').filter(|_| !self.host.ends_with(']'));
        let name = name.map_or(self.host, |(name, _)| name).trim_matches(['[', ']']);
        let address = name.parse::<std::net::IpAddr>();
        let local = address.map_or(name == "localhost" || name.ends_with(".localhost"), |it| {
            it.to_canonical().is_loopback()
        });
        if self.secure || local {
            return Ok(());
        }
        let detail = "a browser is signed in over https alone, or on a loopback address; serve TLS, \
                      or say which proxy does";
        Err(Problem::new(StatusCode::FORBIDDEN, "api.insecure", detail))
    }

    /// Refuses what a page of another origin has sent.
    ///
    /// Browsers say themselves where a request comes from; of older ones the origin must be this
    /// host. What is no browser says neither.
    pub(crate) fn same_origin(self, headers: &HeaderMap) -> Result<(), Problem> {
        let text = |name: &str| headers.get(name).map(|it| it.to_str().unwrap_or_default());
        let same = match (text("sec-fetch-site"), text("origin")) {
            (Some(site), _) => matches!(site, "same-origin" | "none"),
            (None, Some(origin)) => {
                let scheme = if self.secure { "https://" } else { "http://" };
                origin.strip_prefix(scheme).is_some_and(|it| it.eq_ignore_ascii_case(self.host))
            }
            (None, None) => true,
        };
        if same { Ok(()) } else { Err(forged("it was sent by a page of another origin")) }
    }

    /// The header that gives the cookie, for so many seconds.
    pub(crate) fn set(self, secret: &SessionSecret, seconds: i64) -> HeaderValue {
        self.header(secret.0.expose(), seconds)
    }

    /// The header that takes the cookie away.
    pub(crate) fn clear(self) -> HeaderValue {
        self.header("", 0)
    }

    fn header(self, value: &str, seconds: i64) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Strict{secure}",
            self.cookie()
        );
        let mut header = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }
}

/// The value of a cookie.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).map(str::trim);
    let value = pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(Secret::new(value.to_owned()))
}

/// What a browser holds of a session.
#[derive(Clone, Debug)]
pub(crate) struct SessionSecret(Secret);

impl SessionSecret {
    pub(crate) fn draw() -> Result<Self, Error> {
        Ok(Self(Secret::new(hex::text(&random::<SECRET_BYTES>()?))))
    }

    /// What the store has of it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose()).into()
    }

    /// The token that is to be shown with every change. It follows from the secret, so that all
    /// tabs of a browser have the same one, and any of them can ask for it again.
    pub(crate) fn csrf(&self) -> String {
        hex::text(&Sha256::new().chain_update(CSRF_OF).chain_update(self.0.expose()).finalize())
    }
}

/// Refuses what a page of another origin may have sent in the name of this session: a change, and
/// what only looks as well. A page of the same site gets the cookie sent along, and that site is
/// all of a domain, or all ports of this machine; and an authorisation begins with a look.
pub(super) fn guard(
    session: &Session,
    place: Place<'_>,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    place.same_origin(headers)?;
    if method.is_safe() {
        return Ok(());
    }
    let token = headers.get(CSRF).map_or(&[][..], HeaderValue::as_bytes);
    let shown: [u8; 32] = Sha256::digest(token).into();
    if bool::from(shown.ct_eq(&session.csrf)) {
        return Ok(());
    }
    Err(forged("it does not show the token of its session as `X-CSRF-Token`"))
}

fn forged(why: &str) -> Problem {
    let detail = format!("{why}; `GET /api/session` tells the token to the console's own pages");
    Problem::new(StatusCode::FORBIDDEN, "api.csrf", detail)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[track_caller]
    fn check(host: &'static str, secure: bool, set: Result<&str, &str>) {
        let headers = headers(&[("host", host)]);
        let place = Place::of(&headers, secure);
        let given = place.hides().map(|()| place.header("v", 9));
        let given = given.as_ref().map(|it| it.to_str().unwrap()).map_err(Problem::code);
        assert_eq!(given, set, "{host}");
    }

    #[test]
    fn cookie_is_bound_as_far_as_the_way_allows() {
        let attributes = "=v; Max-Age=9; Path=/; HttpOnly; SameSite=Strict";
        let secure = format!("__Host-plughouse-session{attributes}; Secure");
        check("host.example", true, Ok(&secure));
        check("host.example:8443", true, Ok(&secure));
        let local = |port| format!("plughouse-session-{port}{attributes}");
        check("127.0.0.1:8470", false, Ok(&local("8470")));
        check("[::1]:8470", false, Ok(&local("8470")));
        check("localhost", false, Ok(&local("80")));
        check("app.localhost:1", false, Ok(&local("1")));
        for open in ["host.example", "192.0.2.1:80", "[2001:db8::1]", "localhost.example", ""] {
            check(open, false, Err("api.insecure"));
        }
    }

    #[track_caller]
    fn same(pairs: &[(&'static str, &'static str)], secure: bool, expected: bool) {
        let headers = headers(pairs);
        assert_eq!(
            Place::of(&headers, secure).same_origin(&headers).is_ok(),
            expected,
            "{pairs:?}"
        );
    }

    #[test]
    fn page_of_another_origin_is_found_out() {
        let host = ("host", "host.example:8443");
        same(&[host], true, true);
        same(&[host, ("sec-fetch-site", "same-origin")], true, true);
        for site in ["same-site", "cross-site", "", "SAME-ORIGIN"] {
            let own = ("origin", "https://host.example:8443");
            same(&[host, ("sec-fetch-site", site), own], true, false);
        }
        same(&[host, ("origin", "https://host.example:8443")], true, true);
        same(&[host, ("origin", "https://Host.Example:8443")], true, true);
        same(&[host, ("origin", "https://host.example:8443")], false, false);
        for origin in ["null", "", "https://host.example", "https://host.example:8443.evil.example"]
        {
            same(&[host, ("origin", origin)], true, false);
        }
    }

    #[test]
    fn cookie_is_found_among_others() {
        let headers = headers(&[("cookie", "a=b; x=1; xx=no"), ("cookie", "y=2")]);
        let find = |name| cookie(&headers, name).map(|it| it.expose().to_owned());
        assert_eq!((find("x"), find("y"), find("z")), (Some("1".into()), Some("2".into()), None));
    }
}
