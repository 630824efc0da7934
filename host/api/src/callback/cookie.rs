//! The cookie that binds an authorisation to the browser that began it.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue};
use model::credential::FLOW_MAX;
use model::{Secret, hex};
use sha2::{Digest as _, Sha256};

/// Bytes of the name that tell one authorisation from others of the same browser.
const NAME_BYTES: usize = 8;

/// The cookie of one authorisation.
///
/// It is no use to scripts, and comes along when a provider sends the browser back, but with no
/// request that another page makes. Its name goes by the address where the authorisation ends and
/// by its state, so that several go on in one browser at a time, and one that comes back to the
/// address of another provider finds none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Cookie {
    name: String,
    attributes: &'static str,
}

impl Cookie {
    /// The cookie of the authorisation of this state, which ends at this redirect address. Over
    /// `https` its name binds it to this very host.
    pub(crate) fn of(redirect_uri: &str, state: &str) -> Self {
        let hash = Sha256::new().chain_update(redirect_uri).chain_update([0]).chain_update(state);
        let hash: [u8; 32] = hash.finalize().into();
        let (name, _) = hash.split_at(NAME_BYTES);
        let hex = hex::text(name);
        if redirect_uri.starts_with("https://") {
            return Self { name: format!("__Host-plughouse-{hex}"), attributes: "; Secure" };
        }
        Self { name: format!("plughouse-{hex}"), attributes: "" }
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
    use super::*;

    const ADDRESS: &str = "https://host.example/api/integrations/oauth/callback/desk";

    #[track_caller]
    fn check(redirect_uri: &str, start: &str, end: &str) {
        let cookie = Cookie::of(redirect_uri, "s");
        let set = cookie.set(&Secret::new("v".to_owned()));
        let set = set.to_str().unwrap();
        assert!(set.starts_with(start) && set.ends_with(end), "{set}");
    }

    #[test]
    fn cookie_is_bound_as_far_as_the_way_allows() {
        let attributes = "=v; Max-Age=600; Path=/; HttpOnly; SameSite=Lax";
        check(ADDRESS, "__Host-plughouse-", &format!("{attributes}; Secure"));
        check("http://127.0.0.1:8765/x", "plughouse-", attributes);
    }

    #[test]
    fn each_authorisation_has_a_cookie_of_its_own() {
        let names = [(ADDRESS, "s"), (ADDRESS, "t"), ("https://host.example/other", "s")]
            .map(|(address, state)| Cookie::of(address, state).name);
        assert!(names[0] != names[1] && names[0] != names[2], "{names:?}");
        assert_eq!(names[0], Cookie::of(ADDRESS, "s").name);
    }
}
