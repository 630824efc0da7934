//! The corpus of ways out: every host, link, path and header here has led somewhere else in some
//! program. None may leave, by whichever door it knocks.
//!
//! What a name leads to is another matter: the tests of the gateway ask a resolver that lies.

use bytes::Bytes;
use model::egress::Request;

use crate::support::{Memory, Setup, get};

/// Spellings of hosts that are not the provider's.
const HOSTS: &str = "127.0.0.1 127.0.0.2 127.1 127.0.1 127.255.255.254 0 0.0.0.0 2130706433 \
    017700000001 0x7f000001 0x7f.0.0.1 0x7f.1 0177.0.0.1 0177.0.0.01 00000177.0.0.1 127.0.0.1. \
    10.0.0.1 10.255.255.255 167772161 172.16.0.1 172.31.255.255 192.168.0.1 192.168.1.1 3232235777 \
    169.254.169.254 169.254.170.2 2852039166 0xa9fea9fe 0xa9.0xfe.0xa9.0xfe 0251.0376.0251.0376 \
    169.254.43518 169.16689662 100.64.0.1 100.100.100.200 192.0.0.192 192.0.2.1 198.18.0.1 \
    198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 \
    168.63.129.16 [::] [::1] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] \
    [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] \
    [64:ff9b::a9fe:a9fe] [64:ff9b:1::1] [2001::1] [2001:db8::1] [2002:7f00:1::1] [2002:a9fe:a9fe::] \
    [3fff::1] [5f00::1] [fc00::1] [fd00:ec2::254] [fd12:3456::1] [fe80::1] [fe80::1%25eth0] \
    [fe80::1%eth0] [fec0::1] [ff02::1] [100::1] localhost LOCALHOST localhost. foo.localhost \
    metadata.google.internal metadata.internal instance-data.ec2.internal kubernetes.default.svc \
    printer.local router.home.arpa intranet db a.files.example.evil.example evil.example \
    evilfiles.example files.example api.sample.example.evil.example evil-api.sample.example \
    apixsample.example %31%32%37.0.0.1 127%2e0.0.1 api.sample.example%00.evil.example \
    api.sample.example%2f.evil.example a.files.example%23.evil.example xn--evil.example \
    ⓔvil.example 127。0。0。1 ①②⑦.0.0.1 a.files.example\u{2044}evil a..files.example \
    .files.example -";

/// Links with another origin than it looks, or none.
const LINKS: &[&str] = &[
    "//evil.example/",
    "///evil.example/",
    "\\\\evil.example\\",
    "/\\evil.example/",
    "http://api.sample.example/v1/items",
    "HTTP://api.sample.example/v1/items",
    "ftp://api.sample.example/v1/items",
    "file:///etc/passwd",
    "gopher://api.sample.example:6379/_INFO",
    "dict://127.0.0.1:11211/stat",
    "ldap://127.0.0.1/",
    "jar:https://evil.example!/x",
    "data:text/html,x",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "https:api.sample.example/v1/items",
    "https:/api.sample.example/v1/items",
    "https:///api.sample.example/v1/items",
    "https:\\\\api.sample.example\\v1\\items",
    "https://api.sample.example@evil.example/v1/items",
    "https://api.sample.example:x@evil.example/v1/items",
    "https://api.sample.example%40evil.example/v1/items",
    "https://user@api.sample.example/v1/items",
    "https://user:pass@api.sample.example/v1/items",
    "https://@api.sample.example/v1/items",
    "https://evil.example#@api.sample.example/v1/items",
    "https://evil.example?@api.sample.example/v1/items",
    "https://evil.example/@api.sample.example/v1/items",
    "https://evil.example\\@api.sample.example/v1/items",
    "https://evil.example\\.api.sample.example/v1/items",
    "https://api.sample.example\\@evil.example/v1/items",
    "https://api.sample.example#.evil.example/v1/items",
    "https://api.sample.example:443.evil.example/v1/items",
    "https://api.sample.example:8443/v1/items",
    "https://api.sample.example:80/v1/items",
    "https://api.sample.example:0/v1/items",
    "https://api.sample.example:65979/v1/items",
    "https://api.sample.example:/v1/items",
    "https://api.sample.example: 443/v1/items",
    "https://api.sample.example:+443/v1/items",
    "https://api.sample.example:443:443/v1/items",
    "https://api.sample.example..evil.example/v1/items",
    "https://api.sample.example../v1/items",
    "https://api.sample.example /v1/items",
    "https://api.sample.example\t/v1/items",
    "https://api.sample.example\r\n/v1/items",
    "https://api.sample.example\0/v1/items",
    "https://api.sample.example/v1/items#fragment",
    "https://api.sample.example/v1/items\r\nHost: evil.example",
    "https://api.sample.example/v1/ items",
    "https://api.sample.example/v1/items\u{0}",
    " https://api.sample.example/v1/items",
    "\u{1}https://api.sample.example/v1/items",
    "https\u{ff1a}//api.sample.example/v1/items",
    "https://api\u{ad}.sample.example/v1/items",
    "https://api\u{3002}sample.example/v1/items",
    "https://[api.sample.example]/v1/items",
    "https://[::1]api.sample.example/v1/items",
    "https://api.sample.example/v1/items/../../admin",
    "https://api.sample.example/v1/items/%2e%2e/admin",
    "https://api.sample.example/v1//items",
    "https://api.sample.example//v1/items",
    "https://api.sample.example/v1%2Fitems",
    "",
    "https://",
    "https",
];

/// Paths that would be another request, another origin or another resource.
const PATHS: &[&str] = &[
    "",
    "*",
    "v1/items",
    "?q=1",
    "@evil.example/v1/items",
    ":443/v1/items",
    ".evil.example/v1/items",
    "//evil.example/v1/items",
    "/\\evil.example/v1/items",
    "\\\\evil.example",
    "https://evil.example/v1/items",
    "https://api.sample.example/v1/items",
    "http:/v1/items",
    "/v1/items HTTP/1.1",
    "/v1/items HTTP/1.1\r\nHost: evil.example\r\n\r\nGET /admin",
    "/v1/items\r\nX-A: b",
    "/v1/items\nX-A: b",
    "/v1/items\rX-A: b",
    "/v1/items\0",
    "/v1/items\t",
    "/v1/items\u{7f}",
    "/v1/items?q=a\r\nHost: evil.example",
    "/v1/items?q=a b",
    "/v1/items?q=a#b",
    "/v1/items?q=\0",
    "/v1/items?q=é",
    "/v1/items?q=\u{a0}",
    "/v1/items#x",
    "/v1/../admin",
    "/v1/./items",
    "/v1/items/..",
    "/v1/items/../../admin",
    "/v1/items/%2e%2e/admin",
    "/v1/items/%2E%2E/admin",
    "/v1/items/.%2e/admin",
    "/v1/items/%2e./admin",
    "/v1/items/..;/admin",
    "/v1/items/..;x=y/admin",
    "/v1/items/..%2fadmin",
    "/v1/items/%2fadmin",
    "/v1/items%2f..%2fadmin",
    "/v1/items/..%5cadmin",
    "/v1/items\\..\\admin",
    "/v1/items/%5c..%5cadmin",
    "/v1//items",
    "/v1/items//",
    "/v1/items/%00",
    "/v1/items/%0d%0aX:y",
    "/v1/items/%7f",
    "/v1/items/%",
    "/v1/items/%2",
    "/v1/items/%zz",
    "/v1/items/%ff",
    "/v1/items/%c0%ae%c0%ae/admin",
    "/v1/items/é",
    "/v1/items/$batch",
    "/v1/items/%24batch",
    "/v1/Items",
    "/V1/items",
    "/v1/items/a/b",
    "/admin",
    "/v1",
    "/",
];

/// Headers by which a request becomes another one.
const HEADERS: &[(&str, &str)] = &[
    ("Host", "evil.example"),
    ("host", "evil.example"),
    ("HOST", "evil.example"),
    ("Host ", "evil.example"),
    (" Host", "evil.example"),
    ("Host\t", "evil.example"),
    ("Host:", "evil.example"),
    ("Authorization", "Bearer other"),
    ("authorization", "Basic eDp5"),
    ("Proxy-Authorization", "Basic eDp5"),
    ("Proxy-Connection", "keep-alive"),
    ("Cookie", "session=1"),
    ("Content-Length", "0"),
    ("content-length", "5"),
    ("Transfer-Encoding", "chunked"),
    ("Transfer-Encoding", "chunked, identity"),
    ("transfer-encoding", "xchunked"),
    ("TE", "trailers"),
    ("Trailer", "X-A"),
    ("Connection", "close, X-Version"),
    ("Keep-Alive", "timeout=1"),
    ("Upgrade", "h2c"),
    ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
    ("Expect", "100-continue"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "http"),
    ("X-Real-IP", "127.0.0.1"),
    ("Forwarded", "for=127.0.0.1"),
    ("Via", "1.1 evil.example"),
    ("Accept-Encoding", "br"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-HTTP-Method", "DELETE"),
    ("x-method-override", "DELETE"),
    ("X-Original-URL", "/admin"),
    ("X-Rewrite-URL", "/admin"),
    ("X-Version", "1"),
    ("x-version", "1"),
    ("X-A", "b\r\nHost: evil.example"),
    ("X-A", "b\nHost: evil.example"),
    ("X-A", "b\rc"),
    ("X-A", "b\0c"),
    ("X-A\r\nHost", "evil.example"),
    ("X-A\nHost", "evil.example"),
    ("", "x"),
    ("X A", "x"),
    ("X:A", "x"),
    ("X\u{e9}", "x"),
];

/// What got through, and how many were tried.
#[derive(Default)]
struct Tally {
    tried: usize,
    through: Vec<String>,
}

impl Tally {
    fn note(&mut self, what: &str, passed: bool) {
        self.tried += 1;
        if passed {
            self.through.push(what.to_owned());
        }
    }
}

/// A provider that names every host of the corpus, so that provenance is not what refuses them.
async fn guest(tally: &mut Tally) {
    let linked: Vec<_> = HOSTS.split_whitespace().map(|host| format!("https://{host}/")).collect();
    let linked = Bytes::from(linked.join(" "));
    let memory = Memory::new(move |_| (200, Vec::new(), linked.clone()));
    for host in HOSTS.split_whitespace() {
        let call = Setup::new().call(&memory);
        call.send(get("api", "/v1/items")).await.unwrap();
        let sent = call.send(get(&format!("links@{host}"), "/x")).await;
        tally.note(&format!("links@{host}"), sent.is_ok());
        let located = call.locate(&format!("https://{host}/v1/items"));
        tally.note(&format!("locate https://{host}"), located.is_ok());
    }
    let call = Setup::new().call(&memory);
    for link in LINKS {
        tally.note(&format!("locate {link:?}"), call.locate(link).is_ok());
    }
    // A call a request: refusals are not endless.
    for path in PATHS {
        let call = Setup::new().call(&memory);
        let sent = call.send(get("api", path)).await;
        tally.note(&format!("path {path:?}"), sent.is_ok());
    }
    for (name, value) in HEADERS {
        let headers = vec![((*name).to_owned(), (*value).to_owned())];
        let request = Request { headers, ..get("api", "/v1/items") };
        let call = Setup::new().call(&memory);
        let sent = call.send(request).await;
        tally.note(&format!("header {name:?}: {value:?}"), sent.is_ok());
    }
    let hosts =
        memory.uris().into_iter().filter(|uri| !uri.starts_with("https://api.sample.example/"));
    tally.through.extend(hosts);
}

/// A provider that redirects to the corpus; what follows the redirect is the first request alone.
async fn redirected(tally: &mut Tally) {
    let hosts = HOSTS.split_whitespace().map(|host| format!("https://{host}/v1/items"));
    let links = LINKS.iter().map(|link| (*link).to_owned());
    let cases = hosts.chain(links.filter(|link| http::HeaderValue::try_from(link).is_ok()));
    for location in cases {
        let told = location.clone();
        let memory = Memory::new(move |_| (302, vec![("location", told.clone())], Bytes::new()));
        let sent = Setup::new().call(&memory).send(get("media", "/x")).await;
        tally.note(&format!("redirect {location:?}"), sent.is_ok());
        if memory.uris().len() != 1 {
            tally.through.push(format!("redirect {location:?} to {:?}", memory.uris()));
        }
    }
}

#[tokio::test]
async fn nothing_of_the_corpus_leaves() {
    let mut tally = Tally::default();
    guest(&mut tally).await;
    redirected(&mut tally).await;
    println!("{} ways out were tried", tally.tried);
    assert!(tally.tried >= 300);
    assert!(tally.through.is_empty(), "{:#?}", tally.through);
}
