use plughouse_sdk::{
    Account, Adapter, Entity, Error, Next, Page, Pair, Payload, PullRequest, Record, Request, Span,
    http, unsupported,
};

use super::*;
use crate::cassette::{Recorder, Redaction};
use crate::fault::{Fault, Faulty, Rule};
use crate::native::TestHost;
use crate::{HubSpot, Provider};

/// The smallest adapter of contacts: the checkpoint is the `after` of the next page.
struct Contacts;

impl Adapter for Contacts {
    const ID: &'static str = "contacts";
    const VERSION: &'static str = "0.0.0";
    const ENTITIES: &'static [&'static str] = &["contact"];

    fn check() -> Result<Account, Error> {
        Err(unsupported("not needed"))
    }

    fn discover(_: Option<&str>, _: Option<&str>) -> Result<Vec<Entity>, Error> {
        Err(unsupported("not needed"))
    }

    fn pull(request: PullRequest) -> Result<Page, Error> {
        let limit = request.limit.to_string();
        let mut query: Vec<Pair> = vec![("limit", limit.as_str()).into()];
        query.extend(request.checkpoint.as_deref().map(|after| Pair::from(("after", after))));
        let response = http::send(&Request {
            endpoint: "api".into(),
            method: "GET".into(),
            path: "/crm/v3/objects/contacts".into(),
            query,
            headers: vec![("accept", "application/json").into()],
            body: None,
        })?;
        if response.status != 200 {
            let code = format!("contacts.{}", response.status);
            return Err(Error { code, ..unsupported("refused") });
        }
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        let length = u32::try_from(response.body.len()).unwrap();
        let records = body["results"].as_array().unwrap().iter().map(|record| Record {
            entity: "contact".into(),
            id: record["id"].as_str().unwrap().into(),
            version: None,
            modified_ms: None,
            payload: Payload::Span(Span { response: response.id, offset: 0, length }),
            contents: vec![],
            details: vec![],
        });
        let next = match body["paging"]["next"]["after"].as_str() {
            Some(after) => Next::More(after.into()),
            None => Next::Done(String::new()),
        };
        let records = records.collect();
        Ok(Page { records, tombstones: vec![], rejects: vec![], next, details: vec![] })
    }
}

fn recorded(provider: impl Provider + 'static, pages: usize) -> Cassette {
    let recorder = Recorder::new(provider, Redaction::default());
    let tape = recorder.tape();
    let host = TestHost::new(recorder);
    let mut request = PullRequest {
        entity: "contact".into(),
        part: None,
        selection: plughouse_sdk::Selection::All,
        checkpoint: None,
        fields: vec![],
        limit: 2,
    };
    for _ in 0..pages {
        let Ok(page) = host.run(|| Contacts::pull(request.clone())) else { break };
        let (Next::More(after) | Next::Done(after) | Next::Partial(after)) = page.next;
        request.checkpoint = Some(after);
    }
    tape.cassette()
}

fn case(expect: &str) -> Case {
    Case::parse(&format!(
        r#"{{"entity":"contact","limit":2,"cassette":"x.jsonl","expect":{expect}}}"#
    ))
    .unwrap()
}

#[test]
fn a_case_that_comes_out_as_expected_passes() {
    let crm = HubSpot::with_contacts(3, 1);
    let ids = crm.ids(crate::hubspot::Kind::Contacts);
    let (a, b, c) = (&ids[0], &ids[1], &ids[2]);
    let expect = format!(
        r#"{{"pages":[{{"records":["{a}","{b}"],"next":"more"}},{{"records":["{c}"],"next":"done"}}]}}"#
    );
    assert_eq!(case(&expect).run::<Contacts>(recorded(crm, 2)), Ok(()));
}

#[test]
fn another_page_than_expected_is_shown() {
    let cassette = recorded(HubSpot::with_contacts(1, 1), 1);
    let id = &HubSpot::with_contacts(1, 1).ids(crate::hubspot::Kind::Contacts)[0];
    let expect = r#"{"pages":[{"records":["7"],"next":"done"}]}"#;
    check(
        case(expect).run::<Contacts>(cassette),
        &format!(
            "page 1:\n  expected {{\"records\":[\"7\"],\"tombstones\":[],\"rejects\":0,\"next\":\"done\"}}\n  \
             came     {{\"records\":[\"{id}\"],\"tombstones\":[],\"rejects\":0,\"next\":\"done\"}}"
        ),
    );
}

#[test]
fn an_error_can_be_what_is_expected() {
    let faulty = Faulty::new(HubSpot::new(), [Rule::always(Fault::Forbidden)]);
    let cassette = recorded(faulty, 1);
    let expected = r#"{"error":{"kind":"unsupported","code":"contacts.403"}}"#;
    assert_eq!(case(expected).run::<Contacts>(cassette.clone()), Ok(()));
    check(
        case(r#"{"pages":[]}"#).run::<Contacts>(cassette),
        "error:\n  expected nothing\n  \
         came     {\"kind\":\"unsupported\",\"code\":\"contacts.403\"} refused",
    );
}

#[test]
fn a_request_that_was_not_recorded_is_the_reason_given() {
    let outcome = case(r#"{"pages":[]}"#).run::<Contacts>(Cassette::default());
    let text = outcome.unwrap_err().to_string();
    assert!(text.starts_with("no recorded exchange is left that answers GET /crm/v3/"), "{text}");
}

#[test]
fn recordings_that_nobody_asks_for_are_told() {
    let mut cassette = recorded(HubSpot::new(), 1);
    cassette.exchanges.extend_from_within(..);
    let expect = r#"{"pages":[{"next":"done"}]}"#;
    check(
        case(expect).run::<Contacts>(cassette),
        "the adapter did not ask for what is recorded on line 3 of x.jsonl",
    );
}

#[test]
fn a_run_stops_one_page_after_the_expected_ones() {
    let cassette = recorded(HubSpot::with_contacts(20, 1), 10);
    let outcome = case(r#"{"pages":[]}"#).run::<Contacts>(cassette);
    let text = outcome.unwrap_err().to_string();
    assert!(text.starts_with("page 1:\n  expected nothing") && !text.contains("page 2"), "{text}");
}

#[test]
fn unknown_keys_are_refused() {
    let text = r#"{"entity":"a","cassette":"a","expect":{},"limits":1}"#;
    let error = Case::parse(text).unwrap_err().to_string();
    assert!(error.starts_with("not a case: unknown field `limits`"), "{error}");
    let text = r#"{"entity":"a","cassette":"a","expect":{},"selection":{"window":{"from_ms":1,"until_ms":2}}}"#;
    let window = Selection::Window(Window { from_ms: 1, until_ms: 2 });
    assert_eq!(Case::parse(text).unwrap().selection, window);
}

#[test]
fn a_directory_of_cases_is_run_and_the_failures_are_named() {
    let directory = std::env::temp_dir().join(format!("plughouse-cases-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let error = run_all::<Contacts>(&directory).unwrap_err().to_string();
    assert!(error.ends_with("there is no file that ends in .case.json"), "{error}");
    recorded(HubSpot::new(), 1).save(&directory.join("empty.jsonl")).unwrap();
    let good = Case { cassette: "empty.jsonl".into(), ..case(r#"{"pages":[{"next":"done"}]}"#) };
    let text = serde_json::to_string(&good).unwrap();
    std::fs::write(directory.join("good.case.json"), &text).unwrap();
    assert_eq!(run_all::<Contacts>(&directory), Ok(1));
    std::fs::write(directory.join("lost.case.json"), text.replace("empty", "lost")).unwrap();
    let error = run_all::<Contacts>(&directory).unwrap_err().to_string();
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(error.contains("lost.case.json: ") && error.contains("lost.jsonl: it cannot be read"));
}

#[track_caller]
fn check(outcome: Result<(), CaseError>, expected: &str) {
    assert_eq!(outcome.unwrap_err().to_string(), expected);
}
