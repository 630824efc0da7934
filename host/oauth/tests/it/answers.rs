//! What the ten providers answer, as their sheets have it, and what others do.

use std::time::Duration;

use oauth::{TokenAnswer, TokenErrorKind};
use serde_json::json;

use crate::support::Setup;

/// What a caller takes from an answer, in one line each.
fn told(tokens: &TokenAnswer) -> [String; 5] {
    let variables: Vec<_> =
        tokens.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    [
        tokens.access.expose().to_owned(),
        tokens.refresh.as_ref().map_or("-", |token| token.expose()).to_owned(),
        tokens.expires_in.map_or("-".to_owned(), |life| life.as_secs().to_string()),
        tokens.scopes.join(" "),
        variables.join(" "),
    ]
}

#[track_caller]
fn check(setup: &Setup, body: &str, expected: [&str; 5]) {
    let tokens = setup.parse(200, body).unwrap_or_else(|error| panic!("{error}: {body}"));
    assert_eq!(told(&tokens), expected, "{body}");
}

#[test]
fn salesforce_tells_where_the_account_is_and_no_lifetime() {
    let body = json!({
        "id": "https://login.salesforce.com/id/00Dx0000000BV7z/005x00000012Q9P",
        "issued_at": "1278448832702", "instance_url": "https://na1.salesforce.com",
        "signature": "0CmxinZir53Yex7nE0TD+zMpvIWYGb/bdJh6XfOH6EQ=", "token_type": "Bearer",
        "access_token": "00Dx0000000BV7z!AR8AQAxo9UfVkh8A", "refresh_token": "5Aep861...",
        "scope": "api refresh_token",
    });
    let setup = Setup::of("salesforce", "oauth");
    let expected = [
        "00Dx0000000BV7z!AR8AQAxo9UfVkh8A",
        "5Aep861...",
        "-",
        "api refresh_token",
        "instance=https://na1.salesforce.com",
    ];
    check(&setup, &body.to_string(), expected);
    let refreshed = r#"{"access_token":"a2","instance_url":"https://eu9.my.salesforce.com"}"#;
    check(&setup, refreshed, ["a2", "-", "-", "", "instance=https://eu9.my.salesforce.com"]);
}

#[test]
fn entra_rotates_and_has_an_id_token() {
    let body = r#"{"token_type":"Bearer","scope":"https://acme.crm4.dynamics.com/user_impersonation",
        "expires_in":3599,"ext_expires_in":3599,"access_token":"eyJ0.a","refresh_token":"AwABAA",
        "id_token":"eyJ0.i"}"#;
    let scope = "https://acme.crm4.dynamics.com/user_impersonation";
    for (provider, method) in
        [("dynamics365", "oauth"), ("microsoft_teams", "oauth"), ("onedrive", "oauth")]
    {
        check(&Setup::of(provider, method), body, ["eyJ0.a", "AwABAA", "3599", scope, ""]);
    }
    let own = r#"{"token_type":"Bearer","expires_in":3600,"access_token":"eyJ0.b"}"#;
    check(&Setup::of("onedrive", "client"), own, ["eyJ0.b", "-", "3600", "", ""]);
}

#[test]
fn hubspot_has_a_list_of_scopes_and_a_number_for_the_account() {
    let body = r#"{"access_token":"CKT","refresh_token":"na1-1","expires_in":1800,
        "token_type":"bearer","hub_id":147893286,"user_id":88842095,
        "scopes":["oauth","crm.objects.contacts.read"],"token_use":"access_token","id_token":null}"#;
    let scopes = "oauth crm.objects.contacts.read";
    let setup = Setup::of("hubspot", "oauth");
    check(&setup, body, ["CKT", "na1-1", "1800", scopes, "hub_id=147893286"]);
    let first =
        r#"{"access_token":"C","refresh_token":"r","expires_in":1800,"token_type":"bearer"}"#;
    check(&setup, first, ["C", "r", "1800", "", ""]);
}

#[test]
fn notion_may_have_no_refresh_token_and_always_more_members() {
    let body = r#"{"access_token":"ntn_1","token_type":"bearer","refresh_token":null,
        "bot_id":"b3414d65","workspace_id":"2c1b","workspace_name":"Acme","workspace_icon":null,
        "owner":{"type":"user","user":{"object":"user","id":"u","type":"person"}},
        "duplicated_template_id":null,"request_id":"r"}"#;
    let variables = "bot_id=b3414d65 workspace_id=2c1b";
    let setup = Setup::of("notion", "oauth");
    check(&setup, body, ["ntn_1", "-", "-", "", variables]);
    let rotating = body.replace("\"refresh_token\":null", "\"refresh_token\":\"nrt_1\"");
    check(&setup, &rotating, ["ntn_1", "nrt_1", "-", "", variables]);
}

#[test]
fn zoom_tells_the_region_of_the_account() {
    let body = r#"{"access_token":"eyJz","token_type":"bearer","refresh_token":"eyJr",
        "expires_in":3599,"scope":"recording:read user:read","api_url":"https://api.zoom.us"}"#;
    let expected = ["eyJz", "eyJr", "3599", "recording:read user:read", "api=https://api.zoom.us"];
    check(&Setup::of("zoom", "oauth"), body, expected);
    let own = r#"{"access_token":"eyJs","token_type":"bearer","expires_in":3600,
        "scope":"user:read:admin","api_url":"https://api-eu.zoom.us"}"#;
    let expected = ["eyJs", "-", "3600", "user:read:admin", "api=https://api-eu.zoom.us"];
    check(&Setup::of("zoom", "server"), own, expected);
}

#[test]
fn gong_tells_the_origin_of_the_customer() {
    let body = r#"{"access_token":"eyJg","token_type":"bearer","refresh_token":"eyJh",
        "expires_in":86400,"scope":"api:calls:read:basic api:users:read",
        "api_base_url_for_customer":"https://company-17.api.gong.io"}"#;
    let scopes = "api:calls:read:basic api:users:read";
    let variables = "api=https://company-17.api.gong.io";
    check(&Setup::of("gong", "oauth"), body, ["eyJg", "eyJh", "86400", scopes, variables]);
}

#[test]
fn google_has_a_refresh_token_once() {
    let scope = "https://www.googleapis.com/auth/drive.readonly";
    let body = format!(
        r#"{{"access_token":"ya29.a","expires_in":3599,"refresh_token":"1//r","scope":"{scope}",
        "token_type":"Bearer","refresh_token_expires_in":604799}}"#
    );
    let setup = Setup::of("google_drive", "oauth");
    check(&setup, &body, ["ya29.a", "1//r", "3599", scope, ""]);
    let own = r#"{"access_token":"ya29.c","expires_in":3599,"token_type":"Bearer"}"#;
    check(&Setup::of("google_drive", "service"), own, ["ya29.c", "-", "3599", "", ""]);
}

#[track_caller]
fn lives(expires_in: &str, expected: Option<u64>) {
    let body = format!(r#"{{"access_token":"a","expires_in":{expires_in}}}"#);
    let tokens = Setup::of("notion", "oauth").parse(200, &body).unwrap();
    assert_eq!(tokens.expires_in, expected.map(Duration::from_secs), "{expires_in}");
}

#[test]
fn lifetimes_come_in_all_types() {
    lives("3600", Some(3600));
    lives("\"3600\"", Some(3600));
    lives("\" 3600 \"", Some(3600));
    lives("3599.9", Some(3599));
    lives("3.6e3", Some(3600));
    for nothing in ["0", "-1", "null", "\"\"", "\"soon\"", "1e300", "1767268800", "[3600]", "true"]
    {
        lives(nothing, None);
    }
}

#[test]
fn form_is_read_as_well_whatever_the_answer_calls_itself() {
    let setup = Setup::of("gong", "oauth");
    let body = "access_token=a%2B1&token_type=bearer&scope=repo%2Cgist&expires_in=28800\
                &refresh_token=ghr_1";
    check(&setup, body, ["a+1", "ghr_1", "28800", "repo gist", ""]);
    check(&setup, "\u{feff} {\"access_token\":\"a\"}\r\n", ["a", "-", "-", "", ""]);
    check(&setup, r#"{"ok":true,"access_token":"a","error":null}"#, ["a", "-", "-", "", ""]);
    check(&setup, r#"{"access_token":"a","token_type":"bot","error":""}"#, ["a", "-", "-", "", ""]);
}

#[track_caller]
fn malformed(body: &str, why: &str) {
    let error = Setup::of("salesforce", "oauth").parse(200, body).unwrap_err();
    let message = format!("the answer of the token endpoint {why}");
    assert_eq!((error.kind, error.message), (TokenErrorKind::Malformed, message), "{body}");
}

#[test]
fn success_without_a_usable_token_is_malformed() {
    malformed("", "is neither JSON nor a form");
    malformed("null", "is neither JSON nor a form");
    malformed("[\"access_token\"]", "is neither JSON nor a form");
    malformed("{\"access_token\":\"a\"", "is neither JSON nor a form");
    malformed("<html><a href=\"x?y=z\">sign in</a>", "is neither JSON nor a form");
    malformed("access_token=%zz", "is neither JSON nor a form");
    malformed("{}", "has no access token");
    malformed("{\"access_token\":\"\"}", "has no access token");
    malformed("{\"access_token\":17}", "has no access token");
    malformed("{\"access_token\":\"a b\"}", "has an access token that no header can carry");
    malformed("access_token=a%0Ab", "has an access token that no header can carry");
    let long = format!("{{\"access_token\":\"{}\"}}", "a".repeat(16 * 1024 + 1));
    malformed(&long, "has an access token that no header can carry");
    let bound = "has a token that is bound to a key, which this host cannot use";
    malformed(r#"{"access_token":"a","token_type":"DPoP"}"#, bound);
}

#[test]
fn variable_that_the_manifest_does_not_allow_stops_and_the_tokens_are_kept() {
    for url in ["https://evil.example", "http://na1.salesforce.com", "https://na1.salesforce.com/x"]
    {
        let body = format!(r#"{{"access_token":"a","refresh_token":"r2","instance_url":"{url}"}}"#);
        let error = Setup::of("salesforce", "oauth").parse(200, &body).unwrap_err();
        assert_eq!(error.kind, TokenErrorKind::Malformed);
        let why = "tells a value of `instance` that the manifest does not allow";
        assert_eq!(error.to_string(), format!("the answer of the token endpoint {why}"));
        let kept = error.kept.unwrap();
        assert_eq!(told(&kept), ["a", "r2", "-", "", ""]);
    }
}
