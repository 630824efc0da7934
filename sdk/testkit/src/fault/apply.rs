//! What each fault does to an answer.

use std::time::Duration;

use crate::fault::{Fault, bomb};
use crate::message::{Answer, Delivery, Request};
use crate::provider::Provider;

/// What a portal of another kind says in place of the provider: a captcha, a maintenance page.
const PAGE: &str = "<!doctype html><html><head><title>Are you a robot?</title></head>\
    <body><h1>Unusual traffic</h1><p>Please confirm that you are a person.</p></body></html>";

/// The refusal that a fault stands for, if it is one.
pub(super) fn refusal(
    fault: &Fault,
    provider: &impl Provider,
    request: &Request,
) -> Option<Answer> {
    match fault {
        Fault::Unauthorized => Some(provider.refusal(request, 401)),
        Fault::Forbidden => Some(provider.refusal(request, 403)),
        Fault::TooMany(None) => Some(provider.refusal(request, 429)),
        Fault::TooMany(Some(wait)) => {
            Some(provider.refusal(request, 429).header("retry-after", wait.clone()))
        }
        Fault::Status(status) => Some(provider.refusal(request, *status)),
        _ => None,
    }
}

/// The answer after a fault that changes it; refusals have been answered before.
pub(super) fn change(fault: &Fault, answer: Answer, request: &Request) -> Answer {
    match fault {
        Fault::Stall => answer.delivered(Delivery::Stalled),
        Fault::StallAfter(bytes) => answer.delivered(Delivery::StalledAfter(*bytes)),
        Fault::Truncate(bytes) => answer.delivered(Delivery::Truncated(*bytes)),
        Fault::CutChunks(bytes) => answer.delivered(Delivery::ChunksCut(*bytes)),
        Fault::Endless => answer.delivered(Delivery::Endless),
        Fault::Malformed => {
            let half = answer.body.len() / 2;
            let body = answer.body.get(..half).unwrap_or_default().into();
            Answer { body, ..answer }
        }
        Fault::Huge(mib) => {
            let mut body = answer.body.to_vec();
            body.resize(body.len() + (mib << 20), b' ');
            Answer { body: body.into(), ..answer }
        }
        Fault::GzipBomb(mib) => {
            Answer { body: bomb::gzip(*mib).into(), ..answer }.header("content-encoding", "gzip")
        }
        Fault::Html => Answer::new(200, "text/html; charset=utf-8", PAGE.as_bytes()),
        Fault::Redirect(location) => Answer::empty(302).header("location", location.clone()),
        Fault::Body(body) => Answer { body: body.as_bytes().into(), ..answer },
        Fault::DuplicateRow => duplicated(answer),
        Fault::Latency(ms) => answer.delayed(Duration::from_millis(*ms)),
        Fault::EchoAuthorization => echoed(answer, request),
        Fault::Header(name, value) => answer.header(name.clone(), value.clone()),
        Fault::Drift
        | Fault::Unauthorized
        | Fault::Forbidden
        | Fault::TooMany(_)
        | Fault::Status(_) => answer,
    }
}

/// Repeats the last row: of the longest list in a JSON answer, or the last RSS item.
fn duplicated(answer: Answer) -> Answer {
    let body = json_duplicated(&answer.body).or_else(|| rss_duplicated(&answer.body));
    match body {
        Some(body) => Answer { body: body.into(), ..answer },
        None => answer,
    }
}

fn json_duplicated(body: &[u8]) -> Option<Vec<u8>> {
    let mut value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let lists = value.as_object_mut()?.values_mut().filter_map(|value| value.as_array_mut());
    let rows = lists.max_by_key(|rows| rows.len())?;
    rows.push(rows.last()?.clone());
    serde_json::to_vec(&value).ok()
}

fn rss_duplicated(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let end = text.rfind("</item>")? + "</item>".len();
    let start = text.get(..end)?.rfind("<item>")?;
    let (head, tail) = text.split_at_checked(end)?;
    Some([head, text.get(start..end)?, tail].concat().into_bytes())
}

/// Puts what was sent as `authorization` into a header and around the body, in JSON.
fn echoed(answer: Answer, request: &Request) -> Answer {
    let sent = request.header("authorization").unwrap_or_default().to_owned();
    let body = String::from_utf8_lossy(&answer.body);
    let value: serde_json::Value =
        serde_json::from_str(&body).unwrap_or_else(|_| body.clone().into_owned().into());
    let wrapped = serde_json::json!({ "you-sent": sent, "answer": value });
    Answer { body: wrapped.to_string().into_bytes().into(), ..answer }.header("x-you-sent", sent)
}

#[cfg(test)]
mod tests {
    use crate::fault::{Fault, Faulty, Rule};
    use crate::message::{Answer, Delivery, Request};
    use crate::provider::{Provider as _, from_fn};

    const PAGE: &str = r#"{"results":[{"id":"1"},{"id":"2"}]}"#;

    fn answer(fault: Fault) -> Answer {
        let provider = from_fn(|_| Answer::json(200, PAGE.as_bytes()));
        let request = Request::new("GET", "/").header_added("Authorization", "Bearer t");
        Faulty::new(provider, [Rule::always(fault)]).answer(&request)
    }

    /// Status, delivery, last header and body of an answer with that fault.
    #[track_caller]
    fn check(fault: Fault, status: u16, header: &str, body: &str) {
        let answer = answer(fault);
        let (name, value) = answer.headers.last().unwrap();
        let found = (answer.status, format!("{name}: {value}"), &*answer.body);
        assert_eq!(found, (status, header.to_owned(), body.as_bytes()));
        assert_eq!(answer.delivery, Delivery::Whole);
    }

    #[test]
    fn every_fault_changes_the_answer_in_its_way() {
        let json = "content-type: application/json;charset=utf-8";
        let refused =
            |status| format!(r#"{{"message":"refused by the simulator","status":{status}}}"#);
        check(
            Fault::Unauthorized,
            401,
            "content-type: application/json;charset=utf-8",
            &refused(401),
        );
        check(Fault::Forbidden, 403, json, &refused(403));
        check(Fault::TooMany(None), 429, json, &refused(429));
        check(Fault::TooMany(Some("1.5".into())), 429, "retry-after: 1.5", &refused(429));
        check(Fault::Status(503), 503, json, &refused(503));
        check(Fault::Malformed, 200, json, &PAGE[..17]);
        check(Fault::Body("[]".into()), 200, json, "[]");
        check(Fault::DuplicateRow, 200, json, r#"{"results":[{"id":"1"},{"id":"2"},{"id":"2"}]}"#);
        check(Fault::Html, 200, "content-type: text/html; charset=utf-8", super::PAGE);
        check(
            Fault::Redirect("http://169.254.169.254/".into()),
            302,
            "location: http://169.254.169.254/",
            "",
        );
        check(Fault::Header("set-cookie".into(), "a=b".into()), 200, "set-cookie: a=b", PAGE);
        let echo = format!(r#"{{"answer":{PAGE},"you-sent":"Bearer t"}}"#);
        check(Fault::EchoAuthorization, 200, "x-you-sent: Bearer t", &echo);
        check(Fault::Drift, 200, json, PAGE);
    }

    #[test]
    fn faults_of_the_wire_change_the_delivery() {
        assert_eq!(answer(Fault::Stall).delivery, Delivery::Stalled);
        assert_eq!(answer(Fault::StallAfter(3)).delivery, Delivery::StalledAfter(3));
        assert_eq!(answer(Fault::Truncate(3)).delivery, Delivery::Truncated(3));
        assert_eq!(answer(Fault::CutChunks(3)).delivery, Delivery::ChunksCut(3));
        assert_eq!(answer(Fault::Endless).delivery, Delivery::Endless);
        assert_eq!(answer(Fault::Latency(50)).delay.as_millis(), 50);
        assert_eq!(answer(Fault::Huge(2)).body.len(), PAGE.len() + (2 << 20));
        assert!(answer(Fault::GzipBomb(1)).body.starts_with(&[0x1f, 0x8b]));
    }

    #[test]
    fn the_last_item_of_a_feed_is_repeated() {
        let feed = "<rss><item>a</item><item>b</item></rss>";
        let doubled = super::duplicated(Answer::new(200, "application/xml", feed.as_bytes()));
        let expected = "<rss><item>a</item><item>b</item><item>b</item></rss>";
        assert_eq!(&*doubled.body, expected.as_bytes());
        let text = super::duplicated(Answer::plain(200, "no rows"));
        assert_eq!(&*text.body, b"no rows");
    }

    #[test]
    fn faults_may_happen_together_and_a_refused_request_has_no_effect() {
        let mut seen = 0;
        let provider = from_fn(|_| {
            seen += 1;
            Answer::json(200, PAGE.as_bytes())
        });
        let rules = [
            Rule::nth(1, Fault::Status(500)),
            Rule::always(Fault::Header("x-a".into(), "1".into())),
            Rule::always(Fault::Truncate(1)),
        ];
        let mut faulty = Faulty::new(provider, rules);
        let request = Request::new("GET", "/");
        let first = faulty.answer(&request);
        assert_eq!((first.status, first.delivery), (500, Delivery::Truncated(1)));
        assert_eq!(faulty.answer(&request).status, 200);
        faulty.faults.clear();
        faulty.faults.push(Rule::always(Fault::Status(502)));
        assert_eq!(faulty.answer(&request).status, 502);
        drop(faulty);
        assert_eq!(seen, 1);
    }
}
