//! Between the contract's requests and answers and those of a provider.

use std::io::Read as _;

use plughouse_sdk::{Error, ErrorKind, Pair, Response, Target};

use crate::message::{Answer, Delivery, Request};
use crate::text;

/// Bytes of an answer after decompression, as the default budget of a manifest allows.
const RESPONSE_BYTES_MAX: usize = 32 << 20;

/// Headers that the host keeps to itself.
const STRIPPED: [&str; 4] =
    ["set-cookie", "content-encoding", "content-length", "transfer-encoding"];

/// What reaches the provider: the query encoded and appended, names of headers lower-case.
pub(super) fn request(request: &plughouse_sdk::Request) -> Result<Request, Error> {
    if !request.path.starts_with('/') {
        let message = format!("the path `{}` does not begin with a slash", request.path);
        return Err(error(ErrorKind::Denied, "egress.path", &message));
    }
    let headers = request.headers.iter();
    Ok(Request {
        endpoint: Some(request.endpoint.clone()),
        method: request.method.clone(),
        target: target(request),
        headers: headers.map(|it| (it.name.to_ascii_lowercase(), it.value.clone())).collect(),
        body: request.body.clone().unwrap_or_default(),
        head: Vec::new(),
    })
}

fn target(request: &plughouse_sdk::Request) -> String {
    let mut target = request.path.clone();
    for pair in &request.query {
        target.push(if target.contains('?') { '&' } else { '?' });
        target.push_str(&text::encoded(&pair.name));
        target.push('=');
        target.push_str(&text::encoded(&pair.value));
    }
    target
}

/// What reaches the adapter, or the error that the host would report.
pub(super) fn response(id: u64, answer: Answer) -> Result<Response, Error> {
    match answer.delivery {
        Delivery::Stalled => {
            return Err(sent(ErrorKind::Timeout, "egress.timeout", "no answer in time"));
        }
        Delivery::Truncated(_) | Delivery::ChunksCut(_) => {
            let message = "the connection ended before the end of the body";
            return Err(sent(ErrorKind::Unavailable, "egress.body", message));
        }
        Delivery::Endless => return Err(too_large()),
        Delivery::Whole | Delivery::Chunked => {}
    }
    let body = unpacked(&answer)?;
    if body.len() > RESPONSE_BYTES_MAX {
        return Err(too_large());
    }
    let headers = answer.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    let headers = headers
        .filter(|(name, _)| !STRIPPED.contains(&name.as_str()))
        .map(|(name, value)| Pair { name, value: value.clone().into_owned() })
        .collect();
    Ok(Response { id, status: answer.status, headers, body })
}

/// The body without its content coding, up to one byte more than is allowed.
fn unpacked(answer: &Answer) -> Result<Vec<u8>, Error> {
    let packed = answer.headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("content-encoding") && value.eq_ignore_ascii_case("gzip")
    });
    if !packed {
        return Ok(answer.body.to_vec());
    }
    let mut body = Vec::new();
    let cap = u64::try_from(RESPONSE_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    flate2::read::GzDecoder::new(&*answer.body).take(cap).read_to_end(&mut body).map_err(
        |cause| sent(ErrorKind::Malformed, "egress.coding", &format!("not a gzip body: {cause}")),
    )?;
    Ok(body)
}

fn too_large() -> Error {
    sent(ErrorKind::BudgetExhausted, "egress.response-bytes", "the answer is larger than 32 MiB")
}

/// The target of a link, if the origin covers it.
pub(super) fn located(url: &str, name: &str, origin: &str) -> Option<Target> {
    let (scheme, host) = origin.split_once("://")?;
    let rest = url.strip_prefix(scheme)?.strip_prefix("://")?;
    let split = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (url_host, path) = rest.split_at_checked(split)?;
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let endpoint = match host.strip_prefix('*') {
        None => (url_host == host).then(|| name.to_owned()),
        Some(suffix) => {
            let label = url_host.strip_suffix(suffix).filter(|label| !label.is_empty());
            label.map(|_| format!("{name}@{url_host}"))
        }
    }?;
    Some(Target { endpoint, path })
}

/// An error about which nothing was sent.
pub(super) fn error(kind: ErrorKind, code: &str, message: &str) -> Error {
    Error {
        kind,
        code: code.to_owned(),
        message: message.to_owned(),
        retry_after_ms: None,
        request_sent: false,
        details: Vec::new(),
    }
}

fn sent(kind: ErrorKind, code: &str, message: &str) -> Error {
    Error { request_sent: true, ..error(kind, code, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_located_by_origin() {
        let api = "https://api.example.com";
        check("https://api.example.com/a%2fb?x=1", api, Some(("e", "/a%2fb?x=1")));
        check("https://api.example.com", api, Some(("e", "/")));
        check("https://api.example.com.evil.test/a", api, None);
        check("http://api.example.com/a", api, None);
        check("https://user@api.example.com/a", api, None);
        let files = "https://*.example.com";
        check("https://eu1.example.com/a", files, Some(("e@eu1.example.com", "/a")));
        check("https://.example.com/a", files, None);
        check("https://example.com/a", files, None);
    }

    #[track_caller]
    fn check(url: &str, origin: &str, expected: Option<(&str, &str)>) {
        let target = located(url, "e", origin);
        let found = target.as_ref().map(|it| (it.endpoint.as_str(), it.path.as_str()));
        assert_eq!(found, expected);
    }
}
