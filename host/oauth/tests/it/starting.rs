use oauth::{RequestError, begin, digest};
use package::manifest::{Auth, Template};

use crate::support::{REDIRECT, Setup};

#[test]
fn secrets_are_new_every_time_and_of_256_bits() {
    let setup = Setup::of("salesforce", "oauth");
    let first = begin(&setup.values(), REDIRECT).unwrap();
    let second = begin(&setup.values(), REDIRECT).unwrap();
    let all = [&first, &second].map(|begun| {
        let verifier = begun.verifier.as_ref().unwrap();
        [begun.state.expose(), begun.browser.expose(), verifier.expose()]
    });
    let all = all.concat();
    assert!(all.iter().all(|secret| secret.len() == 43), "{all:?}");
    let distinct: std::collections::BTreeSet<_> = all.iter().map(|text| digest(text)).collect();
    assert_eq!(distinct.len(), 6);
    let hidden = [first.browser.expose(), first.verifier.as_ref().unwrap().expose()];
    assert!(hidden.iter().all(|secret| !first.url.contains(secret)), "{}", first.url);
}

#[test]
fn operator_sends_the_browser_elsewhere() {
    let app = Setup::of("salesforce", "oauth").at("http://127.0.0.1:9/");
    let url = begin(&app.values(), REDIRECT).unwrap().url;
    assert!(
        url.starts_with("http://127.0.0.1:9/services/oauth2/authorize?response_type="),
        "{url}"
    );
    let mut own = app;
    own.connection.overrides.insert("auth".to_owned(), "http://127.0.0.1:8".to_owned());
    let url = begin(&own.values(), REDIRECT).unwrap().url;
    assert!(url.starts_with("http://127.0.0.1:8/services/oauth2/authorize?"), "{url}");
}

#[track_caller]
fn refused(setup: &Setup, expected: &str) {
    let error = begin(&setup.values(), REDIRECT).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_is_missing_or_not_allowed_is_named() {
    let mut without = Setup::of("salesforce", "oauth");
    without.app = None;
    refused(
        &without,
        "no app of `plughouse/salesforce` is registered; register its client id first",
    );
    refused(
        &Setup::of("salesforce", "client"),
        "the auth method `client` of the connection does not work that way; choose another one",
    );
    refused(
        &Setup::of("salesforce", "nonesuch"),
        "the auth method `nonesuch` of the connection does not work that way; choose another one",
    );
    refused(
        &Setup::of("dynamics365", "oauth"),
        "`environment` has no value; set it on the connection",
    );
    refused(
        &Setup::of("salesforce", "oauth").variable("login_host", "evil.example"),
        "the host of `login_host` is `evil.example`; it must end in .salesforce.com",
    );
    for tenant in ["..", ".", "organizations/../..", "a/./b", "a\\..\\b", "../"] {
        refused(
            &Setup::of("onedrive", "oauth").variable("tenant", tenant),
            "`tenant` leads to another place of `https://{login}/{tenant}/oauth2/v2.0/authorize`; \
             set it anew",
        );
    }
}

#[test]
fn variables_stay_where_the_manifest_has_put_them() {
    let setup = Setup::of("onedrive", "oauth").variable("tenant", "a/..b?x=1#y @evil.example");
    let url = begin(&setup.values(), REDIRECT).unwrap().url;
    let page = "https://login.microsoftonline.com/a%2F..b%3Fx%3D1%23y%20%40evil.example/oauth2";
    assert!(url.starts_with(page), "{url}");
}

#[test]
fn begun_authorisation_is_not_printed_with_its_state() {
    let begun = begin(&Setup::of("salesforce", "oauth").values(), REDIRECT).unwrap();
    let printed = format!("{begun:?}");
    assert!(!printed.contains(begun.state.expose()), "{printed}");
}

#[test]
fn a_parameter_of_the_manifest_does_not_stand_beside_the_hosts_own() {
    for name in ["state", "redirect_uri", "code_challenge_method", "response_type"] {
        let mut setup = Setup::of("salesforce", "oauth");
        let Some(Auth::OAuth2(rule)) = setup.manifest.auth.get_mut("oauth") else { panic!() };
        rule.authorize_params.insert(name.to_owned(), Template::parse("x").unwrap());
        let error = begin(&setup.values(), REDIRECT).map(|_| ()).unwrap_err();
        assert_eq!(error, RequestError::Twice(name.to_owned()));
    }
}

#[test]
fn a_variable_does_not_become_two_scopes() {
    let scoped = "client_auth = \"body\"\nscopes = [\"read:{account}\"]";
    let setup = Setup::custom(scoped, "").variable("account", "1 admin");
    let error = begin(&setup.values(), REDIRECT).map(|_| ()).unwrap_err();
    let message = "`read:{account}` becomes more than one scope; set it anew";
    assert_eq!(error, RequestError::Refused(message.to_owned()));
}

#[test]
fn a_page_with_a_query_keeps_it() {
    let good = include_str!("../../../../registry/package/tests/manifests/good.toml");
    let manifest = good.replace("https://{host}/authorize", "https://{host}/authorize?v=2");
    let setup = Setup::new(&manifest, "oauth").variable("host", "eu.acme.com");
    let url = begin(&setup.values(), REDIRECT).unwrap().url;
    assert!(url.starts_with("https://eu.acme.com/authorize?v=2&response_type=code&"), "{url}");
}
