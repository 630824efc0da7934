//! Against an authorisation server that is not ours, where node and its packages are there.

mod browser;
mod process;

use model::Secret;
use model::outbound::HostRequest;
use oauth::{
    Begun, Held, Outcome, TokenAnswer, TokenError, TokenErrorKind, begin, check_issuer,
    check_revoked, grant, parse, read_callback, redeem, refresh, revoke,
};

use crate::support::{Setup, now, secret};
use process::Peer;

const REDIRECT: &str = "http://127.0.0.1:9/callback?of=us";

/// A client of the peer, whose secret stands in that place.
fn client(peer: &Peer, place: &str) -> Setup {
    let lines = format!(
        "client_auth = \"{place}\"\nissuer = \"https://{{host}}\"\nscopes = [\"openid\", \"read\"]\n\
         revoke = {{ url = \"https://{{host}}/revoke\", token = \"refresh\" }}\n\
         [auth.own]\nkind = \"client\"\ntoken = \"https://{{host}}/token\"\n\
         client_auth = \"{place}\"\nscopes = [\"read\"]"
    );
    let mut setup = Setup::custom(&lines, "").at(&peer.issuer);
    setup.app.as_mut().unwrap().client_id = place.to_owned();
    setup.client_secret = Some(secret("peer-secret"));
    setup
}

fn answer(setup: &Setup, request: &HostRequest) -> Result<TokenAnswer, TokenError> {
    parse(&setup.values(), &browser::send(request), now())
}

#[track_caller]
fn refused(setup: &Setup, request: &HostRequest, kind: TokenErrorKind) {
    let error = answer(setup, request).unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
}

/// Goes through the pages of the peer, and answers the code that comes back.
fn authorised(setup: &Setup, begun: &Begun) -> Secret {
    let query = browser::visit(&begun.url, REDIRECT);
    let callback = read_callback(&query).unwrap();
    assert_eq!(callback.state.expose(), begun.state.expose());
    check_issuer(&setup.values(), &callback).unwrap();
    match callback.outcome {
        Outcome::Code(code) => code,
        denied @ Outcome::Denied { .. } => panic!("{denied:?}"),
    }
}

/// Authorises, and answers the tokens.
fn tokens(setup: &Setup) -> TokenAnswer {
    let begun = begin(&setup.values(), REDIRECT).unwrap();
    let code = authorised(setup, &begun);
    let request = redeem(&setup.values(), &code, REDIRECT, begun.verifier.as_ref()).unwrap();
    let tokens = answer(setup, &request).unwrap();
    assert_eq!(tokens.scopes, ["openid", "read"]);
    assert_eq!(tokens.expires_in.unwrap().as_secs(), 600);
    tokens
}

#[test]
fn another_server_takes_our_requests_and_we_its_answers() {
    let Some(peer) = Peer::start(&[REDIRECT]) else { return };
    for place in ["body", "basic"] {
        let mut setup = client(&peer, place);
        codes_are_bound(&setup);
        refresh_tokens_are_good_once(&setup);
        revoked_grants_are_gone(&setup);
        "own".clone_into(&mut setup.connection.auth);
        let own = answer(&setup, &grant(&setup.values(), now()).unwrap()).unwrap();
        assert_eq!((own.refresh.is_none(), own.scopes.join(" ").as_str()), (true, "read"));
        setup.client_secret = Some(secret("other"));
        let request = grant(&setup.values(), now()).unwrap();
        refused(&setup, &request, TokenErrorKind::InvalidClient);
    }
}

fn codes_are_bound(setup: &Setup) {
    let begun = begin(&setup.values(), REDIRECT).unwrap();
    let code = authorised(setup, &begun);
    let other = secret(&"v".repeat(43));
    let request = redeem(&setup.values(), &code, REDIRECT, Some(&other)).unwrap();
    refused(setup, &request, TokenErrorKind::InvalidGrant);
}

fn refresh_tokens_are_good_once(setup: &Setup) {
    let first = tokens(setup);
    assert_eq!(browser::account(setup.values().origin().unwrap(), &first.access), 200);
    let spent = refresh(&setup.values(), first.refresh.as_ref().unwrap()).unwrap();
    let second = answer(setup, &spent).unwrap();
    let next = refresh(&setup.values(), second.refresh.as_ref().unwrap()).unwrap();
    refused(setup, &spent, TokenErrorKind::InvalidGrant);
    refused(setup, &next, TokenErrorKind::InvalidGrant);
    assert_eq!(browser::account(setup.values().origin().unwrap(), &second.access), 401);
}

fn revoked_grants_are_gone(setup: &Setup) {
    let tokens = tokens(setup);
    let held = Held { access: &tokens.access, refresh: tokens.refresh.as_ref() };
    let request = revoke(&setup.values(), held).unwrap().unwrap();
    for _ in 0..2 {
        check_revoked(&setup.values(), &browser::send(&request), now()).unwrap();
    }
    let request = refresh(&setup.values(), tokens.refresh.as_ref().unwrap()).unwrap();
    refused(setup, &request, TokenErrorKind::InvalidGrant);
}
