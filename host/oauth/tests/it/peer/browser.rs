//! As much of a browser as the pages of the other server need.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use model::Secret;
use model::outbound::{HostAnswer, HostRequest};

use crate::support::secret;

/// Redirects until the browser is back; the other server needs three.
const REDIRECTS_MAX: usize = 5;

/// Sends a request of the host's own to the origin that the operator has set.
pub(super) fn send(request: &HostRequest) -> HostAnswer {
    let path = request.url.splitn(4, '/').nth(3).unwrap();
    let headers: Vec<_> = request.headers.iter().map(|(n, v)| (n.as_str(), v.expose())).collect();
    let url = format!("{}/{path}", request.origin.as_ref().unwrap());
    exchange(request.method, &url, &headers, request.body.as_ref().unwrap().expose())
}

/// Opens an address and follows where it leads, with cookies; the query with which it comes back.
pub(super) fn visit(url: &str, back: &str) -> String {
    let mut url = url.to_owned();
    let mut cookies = BTreeMap::new();
    for _ in 0..REDIRECTS_MAX {
        let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = exchange("GET", &url, &[("cookie", &pairs.join("; "))], "");
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        let location = answer.headers.iter().find(|(name, _)| name == "location");
        let location =
            location.unwrap_or_else(|| panic!("{}: {}", answer.status, answer.body.expose()));
        if let Some(query) = location.1.strip_prefix(back) {
            return query.trim_start_matches('&').to_owned();
        }
        let origin: Vec<_> = url.splitn(4, '/').take(3).collect();
        url = if location.1.starts_with('/') {
            format!("{}{}", origin.join("/"), location.1)
        } else {
            location.1.clone()
        };
    }
    panic!("the pages do not lead back")
}

/// The status with which an access token opens the account.
pub(super) fn account(origin: &str, access: &Secret) -> u16 {
    let bearer = format!("Bearer {}", access.expose());
    exchange("GET", &format!("{origin}/me"), &[("authorization", &bearer)], "").status
}

fn exchange(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> HostAnswer {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    // The old version of the protocol: the answer ends with the connection.
    let mut head = format!("{method} /{path} HTTP/1.0\r\nhost: {host}\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(stream, "{head}content-length: {length}\r\n\r\n{body}").unwrap();
    let mut received = String::new();
    stream.read_to_string(&mut received).unwrap();
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    HostAnswer { status, headers: headers.collect(), body: secret(body) }
}
