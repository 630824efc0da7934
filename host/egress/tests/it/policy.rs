//! Who may do what: manifest, grant, access, consent, provenance; and the hints of denials.

use bytes::Bytes;
use egress::{Gateway, Options};
use model::egress::{Access, HttpBudget, Request};
use model::{Clock, Error, ErrorKind};
use package::Manifest;

use crate::support::{MANIFEST, Memory, Setup, budget, connection, detail, get, manifest, send};

#[track_caller]
fn denied(error: &Error, layer: &str, allow: &str) {
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert_eq!(detail(error, "layer"), layer, "{error}");
    assert_eq!(detail(error, "allow"), allow, "{error}");
    assert!(!error.request_sent, "{error}");
}

fn post(endpoint: &str, path: &str) -> Request {
    Request { method: "POST".to_owned(), ..get(endpoint, path) }
}

#[tokio::test]
async fn allowed_request_carries_what_the_manifest_and_the_host_add() {
    let memory = Memory::saying("{}");
    let mut request = get("api", "/v1/items?a=1");
    request.query = vec![("b".to_owned(), "x y".to_owned())];
    request.headers = vec![("Accept".to_owned(), "application/json".to_owned())];
    let answer = Setup::new().call(&memory).send(request).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (200, &b"{}"[..]));
    assert_eq!(memory.uris(), ["https://api.sample.example/v1/items?a=1&b=x%20y"]);
    assert_eq!(memory.last_header("x-version").as_deref(), Some("3"));
    assert_eq!(memory.last_header("accept-encoding").as_deref(), Some("gzip"));
    assert_eq!(memory.last_header("accept").as_deref(), Some("application/json"));
    assert!(memory.last_header("user-agent").unwrap().starts_with("Plughouse/"));
}

#[tokio::test]
async fn route_that_the_manifest_lacks_is_denied_with_the_line_to_write() {
    let error = send(get("api", "/v2/items")).await.unwrap_err();
    denied(&error, "manifest", r#"endpoint.api.read = ["GET /v2/items"]"#);
    let error = send(get("api", "/v1/items/a%20b/c")).await.unwrap_err();
    denied(&error, "manifest", r#"endpoint.api.read = ["GET /v1/items/*/c"]"#);
    let error = send(get("api", "/v1/$batch")).await.unwrap_err();
    denied(&error, "manifest", r#"endpoint.api.read = ["GET /v1/$batch"]"#);
    let error = send(get("nope", "/")).await.unwrap_err();
    assert_eq!(detail(&error, "layer"), "manifest");
}

#[tokio::test]
async fn write_route_is_shut_for_calls_that_read() {
    let error = send(post("api", "/v1/items")).await.unwrap_err();
    denied(&error, "access", r#"endpoint.api.read = ["POST /v1/items"]"#);
    assert!(send(post("api", "/v1/search")).await.is_ok());
}

#[tokio::test]
async fn write_route_is_open_for_calls_that_write() {
    let gateway =
        Gateway::with_transport(Clock::system(), Options::default(), Memory::saying("{}")).unwrap();
    let call = Setup::new().door(&gateway).unwrap().open(Access::Write, budget());
    assert!(call.send(post("api", "/v1/items")).await.is_ok());
    assert!(call.send(get("api", "/v1/items")).await.is_ok());
}

#[tokio::test]
async fn grant_that_is_narrower_than_the_manifest_wins() {
    let mut setup = Setup::new();
    let api = setup.grant.endpoints.get_mut("api").unwrap();
    api.read.retain(|route| route.to_string() != "GET /v1/items/*");
    setup.grant.endpoints.remove("open");
    let call = setup.call(&Memory::saying("{}"));
    assert!(call.send(get("api", "/v1/items")).await.is_ok());
    let error = call.send(get("api", "/v1/items/7")).await.unwrap_err();
    denied(&error, "grant", r#"endpoint.api.read = ["GET /v1/items/7"]"#);
    let error = call.send(get("open", "/public/x")).await.unwrap_err();
    assert_eq!(detail(&error, "layer"), "grant");
}

#[tokio::test]
async fn grant_for_another_origin_or_without_the_credential_opens_nothing() {
    for change in [0, 1] {
        let mut setup = Setup::new();
        let api = setup.grant.endpoints.get_mut("api").unwrap();
        match change {
            0 => api.origin = Some("https://other.example".to_owned()),
            _ => api.credential = false,
        }
        let error = setup.call(&Memory::saying("{}")).send(get("api", "/v1/items")).await;
        assert_eq!(detail(&error.unwrap_err(), "layer"), "grant");
    }
}

#[tokio::test]
async fn endpoint_with_terms_stays_shut_until_the_tenant_accepts() {
    let error = send(get("news", "/rss")).await.unwrap_err();
    denied(&error, "consent", r#"consents = ["news"]"#);
    let mut setup = Setup::new();
    let text = setup.manifest.endpoints["news"].consent.clone().unwrap();
    setup.connection.consents.insert("news".to_owned(), text);
    assert!(setup.call(&Memory::saying("")).send(get("news", "/rss")).await.is_ok());
    setup.connection.consents.insert("news".to_owned(), "older terms".to_owned());
    let error = setup.call(&Memory::saying("")).send(get("news", "/rss")).await.unwrap_err();
    denied(&error, "consent", r#"consents = ["news"]"#);
}

#[tokio::test]
async fn host_by_pattern_must_stand_in_an_answer_of_this_call() {
    let memory = Memory::saying(r#"{"url":"https://eu1.files.example/a?sig=1"}"#);
    let call = Setup::new().call(&memory);
    let error = call.send(get("links@eu1.files.example", "/a")).await.unwrap_err();
    denied(&error, "provenance", r#"endpoint.links.origin = "https://eu1.files.example""#);
    call.send(get("api", "/v1/items")).await.unwrap();
    assert!(call.send(get("links@eu1.files.example", "/a")).await.is_ok());
    let error = call.send(get("links@evil.files.example", "/a")).await.unwrap_err();
    assert_eq!(detail(&error, "layer"), "provenance");
    let error = call.send(get("links@eu1.files.example.evil.example", "/a")).await.unwrap_err();
    denied(&error, "manifest", r#"endpoint.links.hosts = ["eu1.files.example.evil.example"]"#);
}

#[tokio::test]
async fn host_that_a_provider_only_repeats_is_not_proven() {
    let memory = Memory::saying(r#"{"next":"https://evil.files.example/?q=1"}"#);
    let call = Setup::new().call(&memory);
    let request = get("api", "/v1/items?next=https%3A%2F%2Fevil.files.example%2F");
    call.send(request).await.unwrap();
    let error = call.send(get("links@evil.files.example", "/a")).await.unwrap_err();
    assert_eq!(detail(&error, "layer"), "provenance");
    let call = Setup::new().call(&Memory::saying(r#"{"name":"evil.files.example"}"#));
    call.send(get("api", "/v1/items")).await.unwrap();
    let error = call.send(get("links@evil.files.example", "/a")).await.unwrap_err();
    assert_eq!(detail(&error, "layer"), "provenance");
}

#[tokio::test]
async fn answer_of_a_host_by_pattern_proves_no_other_host() {
    let memory = Memory::new(|request| {
        let other = "https://other.files.example/";
        let body = match request.uri().host() {
            Some("eu1.files.example") => other,
            _ => "https://eu1.files.example/",
        };
        (200, Vec::new(), Bytes::from_static(body.as_bytes()))
    });
    let call = Setup::new().call(&memory);
    call.send(get("api", "/v1/items")).await.unwrap();
    call.send(get("links@eu1.files.example", "/a")).await.unwrap();
    let error = call.send(get("links@other.files.example", "/a")).await.unwrap_err();
    assert_eq!(detail(&error, "layer"), "provenance");
}

#[tokio::test]
async fn location_of_an_answer_proves_its_host() {
    let memory = Memory::new(|_| {
        let location = ("location", "https://eu2.files.example/x".to_owned());
        (302, vec![location], Bytes::new())
    });
    let call = Setup::new().call(&memory);
    call.send(get("api", "/v1/items")).await.unwrap();
    assert!(call.send(get("links@eu2.files.example", "/x")).await.is_ok());
}

#[tokio::test]
async fn origin_over_a_variable_is_checked_when_the_door_opens() {
    let mut setup = Setup::new();
    let call = setup.call(&Memory::saying("{}"));
    let error = call.send(get("regional", "/x")).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Invalid, "egress.variable"));
    let mut open = |host: &str| {
        setup.connection.variables.insert("region".to_owned(), host.to_owned());
        setup.try_call(&Memory::saying("{}")).map(drop)
    };
    assert!(open("eu1.regional.example").is_ok());
    for host in
        ["evil.example", "regional.example.evil.example", "127.0.0.1", "a.regional.example/"]
    {
        assert_eq!(open(host).unwrap_err().code, "egress.variable", "{host}");
    }
}

#[tokio::test]
async fn name_and_shape_of_an_endpoint_belong_together() {
    for name in ["links", "api@api.sample.example", "links@", "links@eu1.files.example:8443"] {
        let error = send(get(name, "/v1/items")).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Invalid | ErrorKind::Denied), "{name}: {error}");
    }
}

#[tokio::test]
async fn method_is_one_of_the_known_in_upper_case() {
    for method in ["get", "CONNECT", "TRACE", "OPTIONS", "", "GET /v1/items HTTP/1.1\r\nX:", "G ET"]
    {
        let request = Request { method: method.to_owned(), ..get("api", "/v1/items") };
        assert_eq!(send(request).await.unwrap_err().code, "egress.method", "{method}");
    }
}

#[tokio::test]
async fn budget_counts_what_was_sent_and_no_more() {
    let memory = Memory::saying("{}");
    let gateway = Gateway::with_transport(Clock::system(), Options::default(), memory).unwrap();
    let limits = HttpBudget { calls: 1, ..budget() };
    let call = Setup::new().door(&gateway).unwrap().open(Access::Read, limits);
    call.send(get("api", "/v2/denied")).await.unwrap_err();
    assert_eq!(call.usage().calls, 0);
    call.send(get("api", "/v1/items")).await.unwrap();
    let error = call.send(get("api", "/v1/items")).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::BudgetExhausted, "egress.calls"));
    assert_eq!((call.usage().calls, call.usage().bytes_in), (1, 2));
    assert_eq!(call.usage().bytes_out, 9);
}

#[tokio::test]
async fn refusals_are_not_endless() {
    let call = Setup::new().call(&Memory::saying("{}"));
    for _ in 0..budget().calls {
        let error = call.send(get("api", "/v2/denied")).await.unwrap_err();
        assert_eq!(error.code, "egress.denied");
    }
    for path in ["/v2/denied", "/v1/items"] {
        let error = call.send(get("api", path)).await.unwrap_err();
        assert_eq!(error.code, "egress.refusals");
    }
}

#[tokio::test]
async fn route_that_needs_a_secret_in_its_body_is_shut() {
    let manifest = manifest(|text| {
        let inject = r#"inject = [{ route = "POST /v1/search", secret = "webhook", json = "/a" }]"#;
        let wider = r#"read = ["POST /v1/*", "GET /v1/items""#;
        let webhook = r#"
            [webhook]
            setup = "api"
            secret = "generated"
            dedupe = "{body_sha256}"
            [[webhook.verify]]
            kind = "token"
            at = "header:x-secret""#;
        let text = text.replacen(r#"read = ["GET /v1/items""#, &format!("{inject}\n{wider}"), 1);
        format!("{text}\n{webhook}\n")
    });
    let memory = Memory::saying("{}");
    let call = Setup::of(manifest).call(&memory);
    let error = call.send(post("api", "/v1/search")).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unsupported, "egress.inject"));
    assert!(memory.uris().is_empty());
    call.send(post("api", "/v1/other")).await.unwrap();
}

#[tokio::test]
async fn request_that_reads_has_no_body() {
    for method in ["GET", "HEAD"] {
        let memory = Memory::saying("{}");
        let with = |body: &'static str| Request {
            method: method.to_owned(),
            body: Some(Bytes::from_static(body.as_bytes())),
            ..get("api", "/v1/items")
        };
        let error = Setup::new().call(&memory).send(with("x")).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Invalid, "egress.body"));
        assert!(memory.uris().is_empty());
        Setup::new().call(&memory).send(with("")).await.unwrap();
    }
}

#[test]
fn override_of_no_endpoint_is_refused() {
    let setup = Setup::new().over("nope", "http://127.0.0.1:1");
    let error = setup.try_call(&Memory::saying("")).map(drop).unwrap_err();
    assert_eq!(error.code, "egress.override");
    let setup = Setup::new().over("api", "127.0.0.1:1");
    let error = setup.try_call(&Memory::saying("")).map(drop).unwrap_err();
    assert_eq!(error.code, "egress.override");
}

/// The hint, written into the manifest in place of what stood there, makes the request pass.
#[tokio::test]
async fn line_of_a_denial_parses_and_allows() {
    for path in ["/v2/items", "/v1/$batch", "/v1/items/a%20b/c", "/a'b(c)/d", "/x/%C3%A9"] {
        let error = send(get("api", path)).await.unwrap_err();
        let hint = detail(&error, "allow");
        let (key, value) = hint.split_once(" = ").unwrap();
        let list = key.strip_prefix("endpoint.api.").unwrap();
        let line =
            MANIFEST.lines().find(|line| line.starts_with("read = [\"GET /v1/items\"")).unwrap();
        let text = MANIFEST.replace(line, &format!("{list} = {value}"));
        let manifest = Manifest::parse(&text).unwrap_or_else(|error| panic!("{hint}: {error}"));
        let setup = Setup::of(manifest.into());
        let answer = setup.call(&Memory::saying("{}")).send(get("api", path)).await;
        assert!(answer.is_ok(), "{hint}: {answer:?}");
    }
}

#[tokio::test]
async fn consent_and_provenance_hints_name_what_would_allow() {
    let mut setup = Setup::new();
    let error = setup.call(&Memory::saying("")).send(get("news", "/rss")).await.unwrap_err();
    assert_eq!(detail(&error, "allow"), r#"consents = ["news"]"#);
    setup.connection = connection();
    let hosts = manifest(|text| {
        text.replace(r#"hosts = ["*.files.example"]"#, r#"origin = "https://eu1.files.example""#)
    });
    let call = Setup::of(hosts).call(&Memory::saying(""));
    assert!(call.send(get("links", "/a")).await.is_ok());
}

#[test]
fn main_host_is_that_of_the_first_endpoint_with_the_credential() {
    let host = |setup: &Setup| egress::main_host(&setup.connection, &setup.manifest);
    let with =
        |from: &'static str, to: &'static str| Setup::of(manifest(|text| text.replace(from, to)));
    assert_eq!(host(&Setup::new()).as_deref(), Some("api.sample.example"));
    let odd = with("https://api.sample.example", "https://api.sample.example:8443");
    assert_eq!(host(&odd).as_deref(), Some("api.sample.example:8443"));
    let over = Setup::new().over("api", "http://127.0.0.1:8080");
    assert_eq!(host(&over).as_deref(), Some("127.0.0.1:8080"));
    // The endpoint by name before it has no credential, or its variable has no value yet.
    let none = with("credential = \"account\"", "");
    assert_eq!(host(&none).as_deref(), Some("api.sample.example"));
    let mut regional = with("https://api.sample.example", "https://{region}");
    assert_eq!(host(&regional).as_deref(), Some("media.sample.example"));
    let region = ("region".to_owned(), "eu.regional.example".to_owned());
    regional.connection.variables.extend([region]);
    assert_eq!(host(&regional).as_deref(), Some("eu.regional.example"));
}
