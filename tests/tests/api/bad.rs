//! Requests that nobody should send: each is refused clearly or cut off, and whoever asks beside
//! them is answered.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use e2e::Api;

use crate::world::World;

/// Somebody who asks for nothing special all the while.
pub(crate) struct Neighbour {
    stop: Arc<AtomicBool>,
    asking: JoinHandle<u32>,
}

impl Neighbour {
    pub(crate) fn of(api: &Api) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (api, until) = (api.clone(), Arc::clone(&stop));
        let asking = std::thread::spawn(move || {
            let mut answered = 0;
            while !until.load(Ordering::Relaxed) {
                api.get("/api/me");
                answered += 1;
            }
            answered
        });
        Self { stop, asking }
    }

    /// It was answered each time, and is still.
    pub(crate) fn ends_well(self) {
        self.stop.store(true, Ordering::Relaxed);
        assert!(self.asking.join().unwrap() > 0);
    }
}

/// Sends bytes as they are; the status, and the whole answer. Nothing where the connection is cut
/// before, as it is under the hands of who still writes when the answer is there.
fn raw(api: &Api, bytes: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(api.address()).unwrap();
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer))
}

/// A request with a key, in bytes.
fn request(api: &Api, what: &[u8], headers: &[u8], body: &[u8]) -> Vec<u8> {
    let fixed = format!(
        " HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {}\r\n",
        api.address(),
        api.key()
    );
    [what, fixed.as_bytes(), headers, b"\r\n", body].concat()
}

/// Is refused with one of these.
#[track_caller]
fn refused(api: &Api, bytes: &[u8], expected: &[u16]) {
    let shown = String::from_utf8_lossy(bytes.get(..80).unwrap_or(bytes)).into_owned();
    let Some((status, answer)) = raw(api, bytes) else {
        assert!(expected.contains(&0), "{shown}: cut off");
        return;
    };
    assert!(expected.contains(&status), "{shown}: {answer}");
    if answer.contains("application/problem+json") {
        assert!(answer.contains("\"code\":\"api."), "{shown}: {answer}");
    }
}

/// Content in JSON.
fn json(api: &Api, body: &[u8]) -> Vec<u8> {
    let headers = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    request(api, b"POST /api/integrations", headers.as_bytes(), body)
}

#[test]
fn content_that_is_bad_is_refused() {
    let world = World::with_contacts(1);
    let (_served, people) = world.ready();
    let (api, neighbour) = (&people.admin, Neighbour::of(&people.operator));
    let large = [b"{\"name\":\"".as_slice(), &vec![b'x'; 5 << 20], b"\"}"].concat();
    refused(api, &json(api, &large), &[413, 0]);
    let deep = "[".repeat(100_000);
    refused(api, &json(api, deep.as_bytes()), &[400, 422]);
    refused(api, &json(api, format!("{{\"name\":{deep}").as_bytes()), &[400, 422]);
    for body in [&b"\xff\xfe"[..], b"{\"name\":\"\xc3\x28\"}", b"", b"{", b"null{}", b"\0"] {
        refused(api, &json(api, body), &[400, 422]);
    }
    refused(api, &json(api, b"{\"provider\":\"hubspot\",\"nmae\":\"x\"}"), &[422]);
    refused(api, &json(api, b"{\"provider\":\"hubspot\",\"provider\":\"x\"}"), &[400, 422]);
    for kind in ["text/plain", "application/xml", "application/jsonx", "\u{e9}"] {
        let headers = format!("content-type: {kind}\r\ncontent-length: 2\r\n");
        refused(api, &request(api, b"POST /api/integrations", headers.as_bytes(), b"{}"), &[415]);
    }
    refused(api, &request(api, b"POST /api/integrations", b"content-length: 2\r\n", b"{}"), &[415]);
    // What a proxy and a host could take for different requests.
    for headers in [
        &b"content-length: 2\r\ncontent-length: 3\r\n"[..],
        b"content-length: -1\r\n",
        b"content-length: 99999999999999999999\r\n",
        b"transfer-encoding: gzip\r\n",
        b"transfer-encoding: chunked, identity\r\n",
    ] {
        refused(api, &request(api, b"POST /api/integrations", headers, b"{}"), &[400, 501, 0]);
    }
    let chunked = b"content-type: application/json\r\ntransfer-encoding: chunked\r\n";
    let chunks = b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n";
    refused(api, &request(api, b"POST /api/integrations", chunked, chunks), &[400, 0]);
    neighbour.ends_well();
}

#[test]
fn paths_lead_nowhere_but_where_they_say() {
    let world = World::with_contacts(1);
    let (_served, people) = world.ready();
    let (api, neighbour) = (&people.admin, Neighbour::of(&people.operator));
    for path in [
        "/api/records/..%2fme",
        "/api/records/../me",
        "/api/./me",
        "/api//me",
        "//api/me",
        "/api/me/",
        "/api/me%20",
        "/API/ME",
        "/api/%6de%2f",
        "/api/connections/%00",
        "/api/connections/crm%00",
        "/api/connections/a%2fb",
        "/api/connections/%2e%2e",
        "/api/connections/%ff%fe",
        "/api/connections/..;/me",
        "/api/plugins/..%2f..%2fme/hubspot",
        "/api/runs/crm:1%2f..%2f..",
        "/api/errors/..%5c..",
        "/etc/passwd",
        "/",
        "/api/connections/%zz",
    ] {
        let path = format!("GET {path}");
        refused(api, &request(api, path.as_bytes(), b"", b""), &[400, 403, 404]);
    }
    for query in
        ["nmae=x", "limit=0", "limit=99999999999", "cursor=%ff", "cursor=x", "limit=1&limit=2"]
    {
        let what = format!("GET /api/records?{query}");
        refused(api, &request(api, what.as_bytes(), b"", b""), &[400, 422]);
    }
    refused(api, &request(api, b"GET /api/records/\xff\xfe", b"", b""), &[400, 404]);
    let long = format!("GET /api/records?type={}", "x".repeat(80 << 10));
    refused(api, &request(api, long.as_bytes(), b"", b""), &[414, 431, 400, 0]);
    for method in ["PUT", "PATCH", "TRACE", "BREW", "PROPFIND"] {
        refused(api, &request(api, format!("{method} /api/me").as_bytes(), b"", b""), &[405]);
    }
    neighbour.ends_well();
}

#[test]
fn heads_that_are_bad_are_refused() {
    let world = World::with_contacts(1);
    let (_served, people) = world.ready();
    let (api, neighbour) = (&people.admin, Neighbour::of(&people.operator));
    let me = |headers: &[u8]| request(api, b"GET /api/me", headers, b"");
    let many = "x-many: y\r\n".repeat(300);
    refused(api, &me(many.as_bytes()), &[431, 400, 0]);
    let long = format!("x-long: {}\r\n", "y".repeat(200 << 10));
    refused(api, &me(long.as_bytes()), &[431, 400, 0]);
    refused(api, &me(b"plughouse-tenant: \xff\xfe\r\n"), &[400, 404]);
    refused(api, &me(b"plughouse-tenant: ../acme\r\n"), &[400, 404]);
    refused(api, &me(b"no colon here\r\n"), &[400]);
    refused(api, &me(b"x: y\r\n folded: z\r\n"), &[400]);
    refused(api, &me(b"x\0: y\r\n"), &[400]);
    refused(api, &me(b"authorization: Bearer ph_x_y\r\n"), &[400, 401]);
    let host = api.address().to_string();
    let bare = |head: &str| format!("{head}\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    refused(api, bare("GET /api/me HTTP/1.1").as_bytes(), &[401]);
    refused(api, bare("GET /api/me HTTP/9.9").as_bytes(), &[400, 505, 0]);
    refused(api, bare("GET /api/me HTTP/1.1\r\nauthorization: Basic cGg6eA==").as_bytes(), &[401]);
    let bytes = bare("GET /api/me HTTP/1.1\r\nauthorization: Bearer \u{e9}");
    refused(api, bytes.as_bytes(), &[401, 400]);
    refused(api, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &[400, 0]);
    refused(api, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[400, 505, 0]);
    refused(api, &[0; 4096], &[400, 0]);
    let key = request(
        api,
        b"POST /api/integrations",
        b"idempotency-key: \xff\r\ncontent-type: application/json\r\ncontent-length: 2\r\n",
        b"{}",
    );
    refused(api, &key, &[400]);
    neighbour.ends_well();
}
