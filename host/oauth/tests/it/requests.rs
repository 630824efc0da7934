use oauth::{Held, RequestError, grant, redeem, refresh, revoke};
use package::manifest::{Auth, Template};

use crate::support::{APP, FORM, REDIRECT, Setup, now, secret, wire};

#[test]
fn operator_sends_requests_elsewhere_and_they_say_where_they_belong() {
    let setup = Setup::of("salesforce", "oauth").at("http://127.0.0.1:9/");
    let request = refresh(&setup.values(), &secret("r")).unwrap();
    assert_eq!(request.url, "https://login.salesforce.com/services/oauth2/token");
    assert_eq!(request.origin.as_deref(), Some("http://127.0.0.1:9"));
    let mut own = Setup::of("zoom", "server").variable("account_id", "1");
    own.connection.overrides.insert("auth".to_owned(), "http://127.0.0.1:8".to_owned());
    assert_eq!(grant(&own.values(), now()).unwrap().origin.as_deref(), Some("http://127.0.0.1:8"));
}

#[test]
fn requests_are_not_printed_with_what_is_secret() {
    let setup = Setup::of("notion", "oauth");
    let verifier = secret("v3rifier");
    let request = redeem(&setup.values(), &secret("c0de"), REDIRECT, Some(&verifier)).unwrap();
    let printed = format!("{request:?} {:?}", setup.values());
    for hidden in ["c0de", "v3rifier", "app+secret", "YXBwLW"] {
        assert!(!printed.contains(hidden), "{printed}");
    }
}

#[test]
fn secrets_in_a_query_are_not_printed() {
    let setup = Setup::of("gong", "oauth");
    let request = redeem(&setup.values(), &secret("c0de"), REDIRECT, None).unwrap();
    assert!(request.url.contains("code=c0de"), "{}", request.url);
    let printed = format!("{request:?}");
    assert!(!printed.contains("c0de") && printed.contains("app.gong.io"), "{printed}");
}

#[test]
fn what_was_entered_does_not_lead_a_request_elsewhere() {
    let setup = Setup::of("salesforce", "client").field("login_host", "evil.example");
    let url = grant(&setup.values(), now()).unwrap().url;
    assert_eq!(url, "https://login.salesforce.com/services/oauth2/token");
}

#[test]
fn a_parameter_of_the_manifest_does_not_take_the_place_of_the_apps() {
    let mut setup = Setup::of("zoom", "server").variable("account_id", "1");
    let Some(Auth::Client(rule)) = setup.manifest.auth.get_mut("server") else { panic!() };
    rule.params.insert("grant_type".to_owned(), Template::parse("x").unwrap());
    let error = grant(&setup.values(), now()).map(|_| ()).unwrap_err();
    assert_eq!(error, RequestError::Twice("grant_type".to_owned()));
}

#[test]
fn what_is_missing_is_named() {
    let mut setup = Setup::of("notion", "oauth");
    setup.client_secret = None;
    let error = refresh(&setup.values(), &secret("r")).map(|_| ()).unwrap_err();
    let message = "the app of `plughouse/notion` has no client secret; register it again with one";
    assert_eq!(error.to_string(), message);
    setup.client_secret = Some(secret("s"));
    setup.app.as_mut().unwrap().client_id = "a:b".to_owned();
    let error = refresh(&setup.values(), &secret("r")).map(|_| ()).unwrap_err();
    let message = "the client id of the app of `plughouse/notion` holds a colon; register it again";
    assert_eq!(error.to_string(), message);
    let error = grant(&Setup::of("zoom", "server").values(), now()).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "`account_id` has no value; set it on the connection");
}

#[test]
fn grant_without_a_refresh_token_ends_with_its_access_token() {
    let setup = Setup::of("salesforce", "oauth");
    let access = secret("a");
    let request = revoke(&setup.values(), Held { access: &access, refresh: None }).unwrap();
    let url = "https://login.salesforce.com/services/oauth2/revoke";
    let sent = "token=a&token_type_hint=access_token";
    assert_eq!(wire(&request.unwrap()), format!("POST {url}\n{FORM}{sent}&{APP}"));
}

#[test]
fn query_of_a_token_address_is_kept() {
    let good = include_str!("../../../../registry/package/tests/manifests/good.toml");
    let manifest = good
        .replace("https://{host}/token\"", "https://{host}/token?v=2\"\ntoken_body = \"query\"");
    let setup = Setup::new(&manifest, "oauth").variable("host", "eu.acme.com");
    let request = refresh(&setup.values(), &secret("r")).unwrap();
    let sent = "grant_type=refresh_token&refresh_token=r";
    assert_eq!(wire(&request), format!("POST https://eu.acme.com/token?v=2&{sent}&{APP}\n"));
}
