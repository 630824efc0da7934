//! Between the contract's requests and answers and those of a provider.

use plughouse_sdk::{Error, ErrorKind, Pair, Response, Target};

use crate::message::{Answer, Delivery, Request};

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
    let query = request.query.iter().map(|it| (it.name.as_str(), it.value.as_str()));
    let sent = Request::to_endpoint(&request.endpoint, &request.method, &request.path, query)
        .with_body(request.body.clone().unwrap_or_default());
    let headers = request.headers.iter();
    Ok(headers.fold(sent, |sent, it| sent.header_added(&it.name, it.value.as_str())))
}

/// What reaches the adapter, or the error that the host would report.
pub(super) fn response(id: u64, answer: &Answer) -> Result<Response, Error> {
    if answer.status == Answer::UNMATCHED {
        let message = String::from_utf8_lossy(&answer.body);
        return Err(error(ErrorKind::Other, "testkit.unmatched", &message));
    }
    match answer.delivery {
        Delivery::Stalled | Delivery::StalledAfter(_) => {
            return Err(sent(ErrorKind::Timeout, "egress.silent", "no answer in time"));
        }
        Delivery::Truncated(_) | Delivery::ChunksCut(_) => {
            let message = "the connection ended before the end of the body";
            return Err(sent(ErrorKind::Unavailable, "egress.truncated", message));
        }
        Delivery::Severed => {
            let message = "the connection ended before an answer";
            return Err(sent(ErrorKind::Unavailable, "egress.connection", message));
        }
        Delivery::Endless => return Err(too_large()),
        Delivery::Whole | Delivery::Chunked => {}
    }
    let body = answer.unpacked(RESPONSE_BYTES_MAX + 1).map_err(|cause| {
        sent(ErrorKind::Malformed, "egress.encoding", &format!("the body cannot be read: {cause}"))
    })?;
    if body.len() > RESPONSE_BYTES_MAX {
        return Err(too_large());
    }
    let headers = answer.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    let headers = headers
        .filter(|(name, _)| !STRIPPED.contains(&name.as_str()))
        .map(|(name, value)| Pair { name, value: value.clone().into_owned() })
        .collect();
    Ok(Response { id, status: answer.status, headers, body: body.into_owned() })
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
