use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::*;
use crate::message::Delivery;
use crate::{Fault, Faulty, HubSpot, Rule, Server, Shared, text};

const REDIRECT: &str = "http://127.0.0.1:1/callback";
/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn server() -> AuthServer {
    AuthServer::new("app", "s3cret").redirect_uri(REDIRECT).seed(7)
}

fn page(more: &str) -> Request {
    let redirect = text::encoded(REDIRECT);
    let base = "/oauth/authorize?response_type=code&client_id=app&state=s%2F1&redirect_uri=";
    Request::new("GET", format!("{base}{redirect}{more}"))
}

/// Where the browser is sent.
#[track_caller]
fn location(server: &mut AuthServer, more: &str) -> String {
    let answer = server.answer(&page(more));
    assert_eq!(answer.status, 302, "{}", String::from_utf8_lossy(&answer.body));
    let (_, location) = answer.headers.iter().find(|(name, _)| name == "location").unwrap();
    location.clone().into_owned()
}

#[track_caller]
fn code(server: &mut AuthServer, more: &str) -> String {
    let location = location(server, more);
    let code = location.split_once("?code=").unwrap().1;
    code.split_once('&').unwrap().0.to_owned()
}

fn post(path: &str, body: &str) -> Request {
    Request::new("POST", path)
        .header_added("content-type", "application/x-www-form-urlencoded")
        .with_body(body)
}

fn token(more: &str) -> Request {
    post("/oauth/v3/token", &format!("client_id=app&client_secret=s3cret&{more}"))
}

fn redeem(code: &str, more: &str) -> Request {
    let redirect = text::encoded(REDIRECT);
    token(&format!("grant_type=authorization_code&code={code}&redirect_uri={redirect}{more}"))
}

fn refresh(token_text: &str) -> Request {
    token(&format!("grant_type=refresh_token&refresh_token={token_text}"))
}

fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

#[track_caller]
fn refused(server: &mut AuthServer, request: &Request, status: u16, error: &str) {
    let answer = server.answer(request);
    assert_eq!((answer.status, body(&answer)["error"].as_str()), (status, Some(error)));
}

/// Access token and refresh token of a good answer.
#[track_caller]
fn tokens(server: &mut AuthServer, request: &Request) -> (String, String) {
    let answer = server.answer(request);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let body = body(&answer);
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (text("access_token"), text("refresh_token"))
}

fn resource(server: &mut AuthServer, access: &str) -> u16 {
    let request = Request::new("GET", "/resource");
    server.answer(&request.header_added("authorization", format!("Bearer {access}"))).status
}

#[test]
fn code_is_redeemed_once_by_whoever_asked_for_it() {
    let pkce = format!("&scope=a%20b&code_challenge={CHALLENGE}&code_challenge_method=S256");
    let verifier = format!("&code_verifier={VERIFIER}");
    let mut server = server().pkce_required();
    let issued = code(&mut server, &pkce);
    let mut stranger = redeem(&issued, &verifier);
    stranger.body = String::from_utf8(stranger.body).unwrap().replace("s3cret", "other").into();
    refused(&mut server, &stranger, 401, "invalid_client");
    refused(&mut server, &redeem(&issued, ""), 400, "invalid_grant");
    refused(&mut server, &redeem(&issued, "&code_verifier=other"), 400, "invalid_grant");
    let elsewhere = redeem(&issued, &verifier);
    let elsewhere = String::from_utf8(elsewhere.body).unwrap().replace("callback", "other");
    refused(&mut server, &post("/token", &elsewhere), 400, "invalid_grant");
    let answer = server.answer(&redeem(&issued, &verifier));
    assert_eq!((answer.status, body(&answer)["scope"].as_str()), (200, Some("a b")));
    assert_eq!((server.live_chains(), server.reuses()), (1, 0));
    refused(&mut server, &redeem(&issued, &verifier), 400, "invalid_grant");
    assert_eq!(server.live_chains(), 0);
    let late = code(&mut server, &pkce);
    server.advance(60);
    refused(&mut server, &redeem(&late, &verifier), 400, "invalid_grant");
}

#[test]
fn browser_is_sent_back_to_registered_addresses_only() {
    let mut server = server().quirk(Quirk::Issuer("https://as.example".to_owned()));
    let back = location(&mut server, "");
    assert!(back.starts_with(&format!("{REDIRECT}?code=sim_code_")), "{back}");
    assert!(back.ends_with("&state=s%2F1&iss=https%3A%2F%2Fas.example"), "{back}");
    let other = page("").target.replace("callback", "callback%2F");
    refused(&mut server, &Request::new("GET", other), 400, "invalid_request");
    let other = page("").target.replace("client_id=app", "client_id=other");
    refused(&mut server, &Request::new("GET", other), 400, "invalid_request");
    let plain = location(&mut server, "&code_challenge=x&code_challenge_method=plain");
    assert!(plain.starts_with(&format!("{REDIRECT}?error=invalid_request")), "{plain}");
    server.deny(true);
    let denied = location(&mut server, "");
    assert!(denied.starts_with(&format!("{REDIRECT}?error=access_denied")), "{denied}");
    assert!(denied.contains("&state=s%2F1"), "{denied}");
}

#[test]
fn client_shows_itself_where_it_should() {
    let basic = |request: Request| {
        let body = String::from_utf8(request.body.clone()).unwrap();
        let body = body.replace("client_id=app&client_secret=s3cret&", "");
        request.with_body(body).header_added("authorization", "Basic YXBwOnMzY3JldA==")
    };
    let request = token("grant_type=client_credentials");
    let both = request.clone().header_added("authorization", "Basic YXBwOnMzY3JldA==");
    for (place, in_body, in_header) in [
        (ClientAuth::Either, 200, 200),
        (ClientAuth::Body, 200, 401),
        (ClientAuth::Basic, 401, 200),
    ] {
        let mut server = server().client_auth(place);
        assert_eq!(server.answer(&request).status, in_body, "{place:?}");
        assert_eq!(server.answer(&basic(request.clone())).status, in_header, "{place:?}");
    }
    refused(&mut server(), &both, 401, "invalid_client");
    let mut server = server();
    let json = Request::new("POST", "/v1/oauth/token")
        .header_added("content-type", "application/json")
        .header_added("authorization", "Basic YXBwOnMzY3JldA==")
        .with_body(r#"{"grant_type":"client_credentials"}"#);
    assert_eq!(server.answer(&json).status, 200);
    let query =
        Request::new("POST", "/oauth2/generate-customer-token?grant_type=client_credentials")
            .header_added("authorization", "Basic YXBwOnMzY3JldA==");
    assert_eq!(server.answer(&query).status, 200);
    server.replace_secret("new");
    refused(&mut server, &query, 401, "invalid_client");
    refused(&mut server, &token("grant_type=password"), 401, "invalid_client");
}

#[test]
fn spent_refresh_token_ends_its_grant() {
    let mut server = server();
    let (first, one) = server.granted("read");
    let (second, two) = tokens(&mut server, &refresh(&one));
    assert_eq!((resource(&mut server, &first), resource(&mut server, &second)), (200, 200));
    let (_, three) = tokens(&mut server, &refresh(&two));
    refused(&mut server, &refresh(&one), 400, "invalid_grant");
    assert_eq!((server.live_chains(), server.reuses()), (0, 1));
    refused(&mut server, &refresh(&three), 400, "invalid_grant");
    assert_eq!((resource(&mut server, &second), server.reuses()), (401, 1));
}

#[test]
fn leeway_lets_an_answer_be_asked_for_again() {
    let mut timed = server().leeway(Leeway::seconds(30));
    let (_, one) = timed.granted("");
    tokens(&mut timed, &refresh(&one));
    timed.advance(30);
    let (_, again) = tokens(&mut timed, &refresh(&one));
    timed.advance(1);
    tokens(&mut timed, &refresh(&again));
    refused(&mut timed, &refresh(&one), 400, "invalid_grant");
    assert_eq!((timed.live_chains(), timed.reuses()), (0, 1));

    let mut counted = server().leeway(Leeway::once());
    let (_, one) = counted.granted("");
    tokens(&mut counted, &refresh(&one));
    counted.advance(1 << 40);
    tokens(&mut counted, &refresh(&one));
    refused(&mut counted, &refresh(&one), 400, "invalid_grant");
}

#[test]
fn access_tokens_end_with_time_successor_or_grant() {
    let mut server = server().without_rotation().newest_only().life(100);
    let (first, one) = server.granted("");
    server.advance(99);
    assert_eq!(server.standing(&first), Standing::Live);
    let (second, none) = tokens(&mut server, &refresh(&one));
    assert_eq!((none.as_str(), server.standing(&first)), ("", Standing::Ended));
    assert_eq!(server.standing(&second), Standing::Live);
    server.advance(100);
    assert_eq!(server.standing(&second), Standing::Ended);
    let (third, _) = tokens(&mut server, &refresh(&one));
    server.expire_access();
    assert_eq!((server.standing(&third), server.live_chains()), (Standing::Ended, 1));
    let (fourth, _) = tokens(&mut server, &refresh(&one));
    let revoke = post("/oauth/revoke", &format!("client_id=app&client_secret=s3cret&token={one}"));
    assert_eq!(server.answer(&revoke).status, 200);
    assert_eq!((server.standing(&fourth), server.live_chains()), (Standing::Ended, 0));
    refused(&mut server, &refresh(&one), 400, "invalid_grant");
    assert_eq!(server.answer(&revoke).status, 200);
    let (fifth, _) = server.granted("");
    server.revoke_all();
    assert_eq!(server.standing(&fifth), Standing::Ended);
    assert_eq!((server.standing("x"), resource(&mut server, "x")), (Standing::Unknown, 401));
}

#[test]
fn lost_answers_have_happened_and_the_seed_decides_which() {
    let run = |seed| {
        let mut server = server().seed(seed).leeway(Leeway::seconds(60)).losing(Loss::percent(30));
        let (_, mut held) = server.granted("");
        let mut kinds = Vec::new();
        for _ in 0..300 {
            let answer = server.answer(&refresh(&held));
            kinds.push((answer.status, answer.delivery));
            if (answer.status, answer.delivery) == (200, Delivery::Whole) {
                held = body(&answer)["refresh_token"].as_str().unwrap().to_owned();
            }
        }
        assert_eq!((server.live_chains(), server.reuses()), (1, 0));
        (kinds, server.lost())
    };
    let (kinds, lost) = run(1);
    assert!((60..120).contains(&lost), "{lost}");
    assert_eq!(run(1), (kinds.clone(), lost));
    assert_ne!(run(2).0, kinds);
    assert!(kinds.contains(&(200, Delivery::Severed)) && kinds.contains(&(502, Delivery::Whole)));
    assert!(kinds.iter().any(|(_, delivery)| matches!(delivery, Delivery::Truncated(_))));
}

#[test]
fn severed_connection_ends_without_a_byte() {
    let shared = Shared::new(server().losing(Loss::percent(100)).seed(3));
    let served = Server::start(shared.clone());
    let mut empty = 0;
    for _ in 0..12 {
        let request = refresh(&shared.with(|server| server.granted("")).1);
        let start = format!(
            "POST {} HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            request.target,
            request.body.len()
        );
        let mut stream = TcpStream::connect(served.address()).unwrap();
        stream.write_all(&[start.as_bytes(), &request.body].concat()).unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        empty += usize::from(received.is_empty());
    }
    assert!((1..12).contains(&empty), "{empty}");
    assert_eq!(shared.with(|server| server.lost()), 12);
}

#[test]
fn quirks_change_the_answer_and_not_what_has_happened() {
    let request = token("grant_type=client_credentials&scope=a");
    let mut form = server().quirk(Quirk::Form).quirk(Quirk::TextLife);
    let answer = form.answer(&request);
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(
        text.starts_with("access_token=sim_at_") && text.contains("&expires_in=3600&"),
        "{text}"
    );
    let mut odd = server()
        .quirk(Quirk::NoLife)
        .quirk(Quirk::RefusesWith200)
        .quirk(Quirk::Member("hub_id".to_owned(), 7.into()));
    let answer = body(&odd.answer(&request));
    assert_eq!((answer.get("expires_in"), &answer["hub_id"]), (None, &7.into()));
    let answer = odd.answer(&refresh("unknown"));
    assert_eq!(
        (answer.status, body(&answer)),
        (200, json!({"ok": false, "error": "invalid_grant"}))
    );
    let text = server().quirk(Quirk::TextLife).answer(&request);
    assert_eq!(body(&text)["expires_in"], "3600");
}

#[test]
fn assertions_are_checked_by_form_and_by_whoever_knows_the_key() {
    let part = |json: Value| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json.to_string())
    };
    let jwt = |alg: &str, iss: &str, life: i64| {
        let claims = json!({"iss": iss, "aud": "a", "iat": 100, "exp": 100 + life, "scope": "r"});
        format!("{}.{}.c2ln", part(json!({ "alg": alg })), part(claims))
    };
    let sent = |jwt: &str| {
        let grant_type = text::encoded(assertion::GRANT_TYPE);
        post("/token", &format!("grant_type={grant_type}&assertion={jwt}"))
    };
    let mut server = server();
    let answer = server.answer(&sent(&jwt("RS256", "me", 180)));
    assert_eq!((answer.status, body(&answer)["scope"].as_str()), (200, Some("r")));
    for bad in [jwt("none", "me", 180), jwt("RS256", "", 180), jwt("RS256", "me", 3601)] {
        refused(&mut server, &sent(&bad), 400, "invalid_grant");
    }
    refused(&mut server, &sent("a.b"), 400, "invalid_grant");
    let mut strict = server.verifier(|signed, signature| signed.len() > 50 && signature != b"sig");
    refused(&mut strict, &sent(&jwt("RS256", "me", 180)), 400, "invalid_grant");
}

#[test]
fn faults_refuse_in_its_own_words() {
    let rules =
        [Rule::nth(1, Fault::TooMany(Some("7".to_owned()))), Rule::nth(2, Fault::Status(503))];
    let mut faulty = Faulty::new(server(), rules);
    let (_, one) = faulty.provider.granted("");
    for (status, error) in [(429, "slow_down"), (503, "temporarily_unavailable")] {
        let answer = faulty.answer(&refresh(&one));
        assert_eq!((answer.status, body(&answer)["error"].as_str()), (status, Some(error)));
    }
    assert_eq!(faulty.answer(&refresh(&one)).status, 200);
    refused(&mut server(), &Request::new("GET", "/nowhere"), 404, "not_found");
    let twice = token("grant_type=client_credentials&grant_type=refresh_token");
    refused(&mut server(), &twice, 400, "invalid_request");
}

#[test]
fn hubspot_takes_the_tokens_of_its_server() {
    let authority = Shared::new(server());
    let (access, _) = authority.with(|server| server.granted(""));
    let mut crm = HubSpot::with_contacts(1, 1).authorised_by(authority.clone());
    let mut status = |token: &str| {
        let request = Request::new("GET", "/crm/v3/objects/contacts");
        let answer = crm.answer(&request.header_added("authorization", format!("Bearer {token}")));
        (answer.status, body(&answer)["category"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(status(&access).0, 200);
    assert_eq!(status("x"), (401, "INVALID_AUTHENTICATION".to_owned()));
    authority.with(AuthServer::expire_access);
    assert_eq!(status(&access), (401, "EXPIRED_AUTHENTICATION".to_owned()));
}

#[test]
fn secrets_are_all_that_were_made_and_none_is_printed() {
    let mut server = server();
    let issued = code(&mut server, "");
    let (access, refresh) = tokens(&mut server, &redeem(&issued, ""));
    let secrets = server.secrets();
    assert!([&issued, &access, &refresh].iter().all(|token| secrets.contains(token)));
    let printed = format!("{server:?}");
    assert!(secrets.iter().all(|secret| !printed.contains(secret)), "{printed}");
}
