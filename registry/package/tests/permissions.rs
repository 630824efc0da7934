//! Permissions: what a manifest asks for, and what an upgrade asks for beyond a grant.

#![cfg(test)]

use package::{Manifest, Permissions};

const GOOD: &str = include_str!("manifests/good.toml");

fn of(text: &str) -> Permissions {
    Permissions::of(&Manifest::parse(text).unwrap())
}

/// Changes one place and expects these lines beyond the grant of the unchanged manifest.
#[track_caller]
fn check(from: &str, to: &str, wider: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    let changed = of(&GOOD.replacen(from, to, 1));
    assert_eq!(changed.exceeds(&of(GOOD)), wider);
}

#[test]
fn what_is_the_same_or_narrower_passes() {
    check("id = \"acme\"", "id = \"acme\"", &[]);
    check("\"GET /v1/contacts\", \"GET /v1/contacts/*\"]", "\"GET /v1/contacts\"]", &[]);
    check("\"GET /v1/contacts/*\"", "\"GET /v1/contacts/me\"", &[]);
    check("\"POST /v1/contacts\", ", "", &[]);
    check("credential = \"account\"\n", "", &[]);
    check("hosts = [\"*.acmefiles.com\"]", "hosts = [\"eu.acmefiles.com\"]", &[]);
    check("suffix = [\".acme.com\"]", "suffix = [\".eu.acme.com\"]", &[]);
    check("suffix = [\".acme.com\"]", "choices = [\"eu.acme.com\"]", &[]);
    check("http_calls = 60", "http_calls = 59", &[]);
    check("redact = [\"token\"]", "redact = [\"token\", \"url\"]", &[]);
    check("scopes = [\"read\"]\n", "", &[]);
    check("redirect = [\"files\"]", "redirect = [\"files\"]\nconsent = \"agree\"", &[]);
}

#[test]
fn what_is_wider_is_named_line_by_line() {
    check(
        "redact = [\"token\"]",
        "profile = \"wasi\"",
        &[
            "the guest needs WASI, with nothing behind it",
            "`token` is no longer emptied before storing",
        ],
    );
    check(
        "\"GET /v1/contacts/*\"",
        "\"GET /v1/contacts/**\"",
        &["endpoint api: read GET /v1/contacts/**"],
    );
    check(
        "\"POST /v1/contacts\", ",
        "\"POST /v1/contacts\", \"DELETE /v1/contacts/*\", ",
        &["endpoint api: write DELETE /v1/contacts/*"],
    );
    let more = "[[limit]]\nscope = \"account\"\nconcurrent = 1\n[endpoint.more]\n\
                origin = \"https://more.acme.com\"\nread = [\"GET /\"]\n[[limit]]";
    check("[[limit]]", more, &["endpoint more: new, to https://more.acme.com"]);
}

#[test]
fn places_and_numbers_are_compared_as_well() {
    check(
        "hosts = [\"*.acmefiles.com\"]",
        "hosts = [\"*.acmefiles.com\", \"*.evil.com\"]",
        &["endpoint files: to *.acmefiles.com, *.evil.com instead of *.acmefiles.com"],
    );
    check(
        "hosts = [\"*.acmefiles.com\"]",
        "hosts = [\"*.acmefiles.com\"]\ncredential = \"account\"",
        &["endpoint files: the account's credential is added"],
    );
    check(
        "origin = \"https://{host}\"",
        "origin = \"https://api.{host}\"",
        &["endpoint api: to https://api.{host} instead of https://{host}"],
    );
    check("\"application/json\"", "\"text/html\"", &["endpoint api: the header Accept: text/html"]);
    check(
        "redirect = [\"files\"]",
        "redirect = [\"files\", \"api\"]",
        &["endpoint api: redirects to endpoint api"],
    );
    check(
        "json = \"/secret\"",
        "json = \"/token\"",
        &["endpoint api: the webhook secret in POST /v1/hooks /token = {secret}"],
    );
    check(
        "suffix = [\".acme.com\"]",
        "suffix = [\".acme.com\", \".evil.com\"]",
        &["variable host: hosts in .evil.com"],
    );
    check(
        "scopes = [\"read\"]",
        "scopes = [\"read\", \"admin\"]\nwrite_scopes = [\"read\", \"write\"]",
        &["auth oauth: scope admin", "auth oauth: scope for writing write"],
    );
    check(
        "/token\"\nclient",
        "/token2\"\nclient",
        &["auth oauth: tokens from https://{host}/token2"],
    );
    check(
        "name = \"X-Key\"",
        "name = \"X-Other\"",
        &["auth key: the credential as X-Other: {key}"],
    );
    check(
        "http_calls = 60",
        "http_calls = 61\ncpu_ms = 300",
        &["budget: cpu_ms 300 instead of 200", "budget: http_calls 61 instead of 60"],
    );
}

#[test]
fn a_consent_that_changes_or_falls_away_is_asked_for_again() {
    let with = |text: &str| {
        of(&GOOD.replace("redirect = [", &format!("consent = \"{text}\"\nredirect = [")))
    };
    assert_eq!(of(GOOD).exceeds(&with("agree")), ["endpoint api: opens without consent"]);
    assert_eq!(with("other").exceeds(&with("agree")), ["endpoint api: another consent: other"]);
}

#[test]
fn choices_that_open_are_wider() {
    let with = |rule: &str| of(&GOOD.replace("suffix = [\".acme.com\"]", rule));
    let closed = with("choices = [\"a.acme.com\"]");
    assert_eq!(
        with("choices = [\"a.acme.com\", \"b.acme.com\"]").exceeds(&closed),
        ["variable host: may be b.acme.com"]
    );
    assert_eq!(of(GOOD).exceeds(&closed), ["variable host: .acme.com instead of a.acme.com"]);
}

#[test]
fn permissions_are_stored_as_closed_json() {
    let permissions = of(GOOD);
    let json = serde_json::to_string(&permissions).unwrap();
    assert_eq!(serde_json::from_str::<Permissions>(&json).unwrap(), permissions);
    let strange = json.replacen('{', "{\"root\":true,", 1);
    assert!(serde_json::from_str::<Permissions>(&strange).is_err());
    let broken = json.replace("GET /v1/contacts\"", "GET v1/contacts\"");
    assert!(serde_json::from_str::<Permissions>(&broken).is_err());
}

#[test]
fn the_summary_is_for_people() {
    let text =
        of(&GOOD.replace("redact = [", "profile = \"wasi\"\nredact = [")).summary().join("\n");
    let expected = "\
needs WASI: linked, with no files, environment or sockets behind it
endpoint api: https://{host}, with the account's credential
  read  GET /v1/contacts
  read  GET /v1/contacts/*
  write POST /v1/contacts
  write POST /v1/hooks
  header Accept: application/json
  redirects to files
  webhook secret in POST /v1/hooks /secret = {secret}
endpoint files: *.acmefiles.com, without credential
  by redirect only
variable host: a host in .acme.com
auth key: sent as X-Key: {key}
auth oauth: sent as Authorization: Bearer
  tokens from: https://{host}/authorize, https://{host}/token
  scopes: read
emptied before storing: token
budget per call: cpu_ms 200, memory_mib 64, wall_s 60, http_calls 60, response_mib 16";
    assert_eq!(text, expected);
}
