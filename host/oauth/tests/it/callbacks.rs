use oauth::{CallbackError, Outcome, check_issuer, read_callback};

use crate::support::Setup;

#[track_caller]
fn gives(query: &str, state: &str, code: &str) {
    let callback = read_callback(query).unwrap();
    let Outcome::Code(read) = callback.outcome else { panic!("{query}") };
    assert_eq!((callback.state.expose(), read.expose()), (state, code), "{query}");
}

#[test]
fn codes_are_decoded_and_what_is_not_known_is_ignored() {
    gives("code=c&state=s", "s", "c");
    gives("state=s&code=4%2F0AbC%2B+x&scope=a+b&authuser=0&prompt=consent", "s", "4/0AbC+ x");
    gives("code=c&state=s&error=&session_state=1&session_state=2", "s", "c");
}

#[track_caller]
fn denied(query: &str, error: &str, description: &str) {
    let callback = read_callback(query).unwrap();
    let Outcome::Denied { error: code, description: text } = callback.outcome else {
        panic!("{query}")
    };
    assert_eq!((code.as_str(), text.as_str()), (error, description), "{query}");
}

#[test]
fn denials_are_told_in_the_words_of_the_provider() {
    denied("error=access_denied&state=s", "access_denied", "");
    denied(
        "error=access_denied&error_description=end-user%20denied%0Aauthorization&state=s",
        "access_denied",
        "end-user denied authorization",
    );
    denied("error=%3Cscript%3E&state=s", "error", "");
}

#[track_caller]
fn refused(query: &str, expected: &CallbackError) {
    assert_eq!(read_callback(query).map(|_| ()).unwrap_err(), *expected, "{query}");
}

#[test]
fn what_is_not_one_clear_answer_is_refused() {
    refused("", &CallbackError::Missing("state"));
    refused("code=c", &CallbackError::Missing("state"));
    refused("code=c&state=", &CallbackError::Missing("state"));
    refused("state=s", &CallbackError::Missing("code"));
    refused("state=s&code=c&error=access_denied", &CallbackError::Both);
    refused("state=s&code=c&code=d", &CallbackError::Twice("code"));
    refused("state=s&state=s&code=c", &CallbackError::Twice("state"));
    refused("state=s&code=c&iss=a&iss=a", &CallbackError::Twice("iss"));
    refused("state=s&code=%zz", &CallbackError::Encoding);
    refused("state=s&code=%ff", &CallbackError::Encoding);
    refused(&format!("state=s&code={}", "c".repeat(8 * 1024)), &CallbackError::Long);
}

#[track_caller]
fn issued(setup: &Setup, issuer: &str, expected: Option<&CallbackError>) {
    let callback = read_callback(&format!("state=s&code=c{issuer}")).unwrap();
    assert_eq!(check_issuer(&setup.values(), &callback).err().as_ref(), expected, "{issuer}");
}

#[test]
fn issuer_of_the_manifest_must_be_told_and_be_that() {
    let named = "client_auth = \"body\"\nissuer = \"https://{host}/oidc\"";
    let setup = Setup::custom(named, "");
    issued(&setup, "&iss=https%3A%2F%2Feu.acme.com%2Foidc", None);
    for other in ["eu.acme.com%2F", "us.acme.com%2Foidc", "eu.acme.com%2Foidc%2F"] {
        issued(&setup, &format!("&iss=https%3A%2F%2F{other}"), Some(&CallbackError::Issuer));
    }
    issued(&setup, "", Some(&CallbackError::Missing("iss")));
    let moved = Setup::custom(named, "").at("http://127.0.0.1:9");
    issued(&moved, "&iss=http%3A%2F%2F127.0.0.1%3A9%2Foidc", None);
    issued(&moved, "&iss=https%3A%2F%2Feu.acme.com%2Foidc", Some(&CallbackError::Issuer));
}

#[test]
fn issuer_that_is_told_anyway_is_of_the_page_that_was_opened() {
    let setup = Setup::of("google_drive", "oauth");
    issued(&setup, "", None);
    issued(&setup, "&iss=https://accounts.google.com", None);
    for other in ["http://accounts.google.com", "https://accounts.google.com.evil.example", "x"] {
        issued(&setup, &format!("&iss={other}"), Some(&CallbackError::Issuer));
    }
    let setup = Setup::of("onedrive", "oauth");
    issued(&setup, "&iss=https://login.microsoftonline.com/5a5f9f3e/v2.0", None);
}
