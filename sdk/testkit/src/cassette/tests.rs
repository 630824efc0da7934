use super::*;
use crate::HubSpot;
use crate::provider::Provider as _;

const TOKEN: &str = "pat-na1-very-secret";

fn recorded() -> Cassette {
    let mut recorder =
        Recorder::new(HubSpot::with_contacts(3, 1).token(TOKEN), Redaction::new([TOKEN]));
    let tape = recorder.tape();
    for request in asked() {
        recorder.answer(&request.header_added("Authorization", format!("Bearer {TOKEN}")));
    }
    recorder.answer(&Request::new("GET", "/crm/v3/objects/contacts?limit=3"));
    tape.cassette()
}

fn asked() -> Vec<Request> {
    let search = br#"{"limit":2,"filterGroups":[]}"#;
    vec![
        Request::new("GET", "/crm/v3/objects/contacts?limit=2&properties=email"),
        Request::new("POST", "/crm/v3/objects/contacts/search").with_body(*search),
        Request::new("GET", format!("/crm/v3/objects/contacts/{TOKEN}?apikey=x")),
    ]
}

#[test]
fn a_cassette_survives_its_file_and_holds_no_secret() {
    let cassette = recorded();
    let text = cassette.to_string();
    assert!(!text.contains(TOKEN) && !text.contains("uthorization"), "{text}");
    assert_eq!(text.lines().count(), 5);
    assert_eq!(Cassette::parse(&text).unwrap(), cassette);
}

#[test]
fn what_was_recorded_is_answered_once_and_in_any_spelling_of_the_query() {
    let mut replay = Replay::new(recorded());
    let shuffled = Request::new("GET", "/crm/v3/objects/contacts?properties=ema%69l&limit=2");
    assert!(replay.find(&shuffled).unwrap().body.starts_with(b"{\"results\":[{\"id\""));
    let spaced = br#"{ "filterGroups": [], "limit": 2 }"#;
    let search = Request::new("POST", "/crm/v3/objects/contacts/search").with_body(*spaced);
    assert_eq!(replay.find(&search).unwrap().status, 200);
    assert_eq!(replay.unused(), [4, 5]);
    let again = replay.find(&shuffled).unwrap_err();
    assert!(again.to_string().ends_with("recorded on line 2 and has been answered already"));
}

#[test]
fn a_request_without_a_recording_is_told_what_differs() {
    let mut replay = Replay::new(recorded());
    let body = br#"{"limit":5,"filterGroups":[],"after":"2"}"#;
    let request = Request::new("POST", "/crm/v3/objects/contacts/search").with_body(*body);
    let answer = replay.answer(&request);
    assert_eq!(answer.status, Answer::UNMATCHED);
    let expected = "no recorded exchange is left that answers POST /crm/v3/objects/contacts/search; \
        the nearest is on line 3 and differs:\n  body /limit: recorded `2`, asked `5`\n  \
        body /after: recorded nothing, asked `\"2\"`";
    assert_eq!(String::from_utf8_lossy(&answer.body), expected);

    let request = Request::new("GET", "/crm/v3/objects/contacts?limit=9&properties=email&after=1");
    let unmatched = replay.find(&request).unwrap_err();
    assert_eq!(unmatched.nearest, Some(2));
    assert_eq!(
        unmatched.differences,
        ["query limit: recorded `2`, asked `9`", "query after: recorded nothing, asked `1`"]
    );
    assert_eq!(replay.missed().len(), 2);
}

#[test]
fn what_the_host_adds_to_a_request_is_not_compared() {
    let mut replay = Replay::new(recorded()).hiding(Redaction::new(["made-up"]));
    let target = "/crm/v3/objects/contacts?limit=2&properties=email&k=made-up&apikey=other";
    let request = Request::new("GET", target).header_added("x-api-key", "made-up");
    assert_eq!(replay.find(&request).unwrap().status, 200);
}

#[test]
fn equal_requests_get_the_answers_of_the_recording_in_order() {
    let exchange = |status| Exchange {
        request: Redaction::default().asked(&Request::new("GET", "/a")),
        response: Answered { status, headers: Vec::new(), body: Content::default() },
    };
    let mut replay = Replay::new(Cassette { exchanges: vec![exchange(429), exchange(200)] });
    let request = Request::new("GET", "/a");
    assert_eq!(replay.answer(&request).status, 429);
    assert_eq!(replay.answer(&request).status, 200);
    assert_eq!(replay.answer(&request).status, Answer::UNMATCHED);
}

#[test]
fn endpoints_are_compared_where_both_are_known() {
    let mut request = Request::new("GET", "/a");
    request.endpoint = Some("api".into());
    let exchange = Exchange::of(&request, &Answer::empty(204), &Redaction::default());
    let mut replay = Replay::new(Cassette { exchanges: vec![exchange] });
    request.endpoint = Some("files".into());
    assert!(replay.find(&request).is_err());
    request.endpoint = None;
    assert_eq!(replay.find(&request).unwrap().status, 204);
}

#[test]
fn bodies_that_are_not_text_survive() {
    let answer = Answer::new(200, "application/octet-stream", vec![0, 159, 146, 150]);
    let exchange = Exchange::of(&Request::new("GET", "/a"), &answer, &Redaction::default());
    let cassette = Cassette { exchanges: vec![exchange] };
    let read = Cassette::parse(&cassette.to_string()).unwrap();
    assert_eq!(*Answer::from(&read.exchanges[0].response).body, *answer.body);
}

#[test]
fn broken_files_are_refused_with_their_line() {
    let good = recorded().to_string();
    let second = good.lines().nth(1).unwrap();
    check("", "cassette:1: not a cassette: the first line must be {\"plughouse-cassette\":1}");
    check("{\"plughouse-cassette\":2}", "cassette:1: format 2 is unknown, this version reads 1");
    check(
        "{\"plughouse-cassette\":1}\n\n{\"a\":1}",
        "cassette:3: not an exchange: unknown field `a`",
    );
    check(
        &format!("{{\"plughouse-cassette\":1}}\n{second}\n{{"),
        "cassette:3: not an exchange: EOF",
    );
    let binary = second.replace("\"body\":{\"text\":", "\"body\":{\"base64\":");
    check(&format!("{{\"plughouse-cassette\":1}}\n{binary}"), "cassette:2: a body is not base64");
}

#[test]
fn a_missing_file_is_named() {
    let error = Cassette::load(Path::new("no/such.jsonl")).unwrap_err();
    assert!(error.to_string().starts_with("no/such.jsonl: it cannot be read: "), "{error}");
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let error = Cassette::parse(text).unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
}
