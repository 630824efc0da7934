//! What each fault does to an answer.

use std::time::Duration;

use crate::fault::{Fault, bomb};
use crate::message::{Answer, Delivery, Request};
use crate::provider::Provider;

/// What a portal of another kind says in place of the provider: a captcha, a maintenance page.
const PAGE: &str = "<!doctype html><html><head><title>Are you a robot?</title></head>\
    <body><h1>Unusual traffic</h1><p>Please confirm that you are a person.</p></body></html>";

/// The refusal that a fault stands for, if it is one.
pub(super) fn refusal(fault: &Fault, provider: &impl Provider) -> Option<Answer> {
    match fault {
        Fault::Unauthorized => Some(provider.refusal(401)),
        Fault::Forbidden => Some(provider.refusal(403)),
        Fault::TooMany(None) => Some(provider.refusal(429)),
        Fault::TooMany(Some(wait)) => {
            Some(provider.refusal(429).header("retry-after", wait.clone()))
        }
        Fault::Status(status) => Some(provider.refusal(*status)),
        _ => None,
    }
}

/// The answer after a fault that changes it; refusals have been answered before.
pub(super) fn change(fault: &Fault, answer: Answer, request: &Request) -> Answer {
    match fault {
        Fault::Stall => answer.delivered(Delivery::Stalled),
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

/// Repeats the last row: of the first list of objects in a JSON answer, or the last RSS item.
fn duplicated(answer: Answer) -> Answer {
    let body = json_duplicated(&answer.body).or_else(|| rss_duplicated(&answer.body));
    match body {
        Some(body) => Answer { body: body.into(), ..answer },
        None => answer,
    }
}

fn json_duplicated(body: &[u8]) -> Option<Vec<u8>> {
    let mut value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let rows = value.as_object_mut()?.values_mut().find_map(|value| value.as_array_mut())?;
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
