use std::sync::Mutex;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tower_service::Service as _;

use super::*;

/// Ends everything, and keeps what came.
#[derive(Default)]
struct Kept {
    returned: Mutex<Vec<(String, String)>>,
    refuse: bool,
    to: Option<String>,
}

#[async_trait]
impl Flows for Kept {
    async fn finish(&self, query: &str, browser: &Secret) -> Result<Told, Error> {
        let returned = (query.to_owned(), browser.expose().to_owned());
        self.returned.lock().unwrap().push(returned);
        if self.refuse {
            return Err(Error::new(ErrorKind::AuthRequired, "x.denied", "<you> said no"));
        }
        Ok(Told { text: "crm is connected".to_owned(), to: self.to.clone() })
    }
}

const REDIRECT: &str = "http://127.0.0.1:8765/api/integrations/oauth/callback/desk";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

async fn ask(router: Router, method: Method, address: &str, cookie: Option<&str>) -> Answer {
    let mut request = Request::builder().method(method).uri(address);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    let request = request.body(Body::empty()).unwrap();
    let answer = router.clone().call(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, text }
}

fn begin() -> Start {
    Start {
        key: "k1".to_owned(),
        address: "https://provider.example/authorise?state=s".to_owned(),
        browser: Secret::new("browser-secret".to_owned()),
    }
}

async fn end(flows: &Arc<Kept>, method: Method, query: &str, cookie: Option<&str>) -> Answer {
    let router = router(REDIRECT, begin(), flows.clone());
    ask(router, method, &format!("{}?{query}", path("desk")), cookie).await
}

/// What the browser shows that has begun the authorisation of state `s`.
fn bound() -> String {
    let set = sent_off(REDIRECT, "?state=s", &begin().browser);
    let set = set.headers()["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn browser_that_comes_back_ends_the_authorisation() {
    let flows = Arc::new(Kept::default());
    let answer = end(&flows, Method::GET, "code=a%20b&state=s", Some(&bound())).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(answer.text.contains("<p>crm is connected</p>"), "{}", answer.text);
    let returned = flows.returned.lock().unwrap().pop().unwrap();
    assert_eq!(returned, ("code=a%20b&state=s".to_owned(), "browser-secret".to_owned()));
    let header = |name: &str| answer.headers[name].to_str().unwrap();
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    assert!(header("set-cookie").contains("=; Max-Age=0"));
    assert!(!answer.text.contains("browser-secret"));
}

#[tokio::test]
async fn browser_goes_on_where_it_came_from() {
    let to = Some("/t/acme/integrations/new?draft=1".to_owned());
    let flows = Arc::new(Kept { to: to.clone(), ..Kept::default() });
    let answer = end(&flows, Method::GET, "code=c&state=s", Some(&bound())).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"].to_str().ok(), to.as_deref());
    assert!(answer.headers["set-cookie"].to_str().unwrap().contains("=; Max-Age=0"));
}

#[tokio::test]
async fn what_went_wrong_is_shown_as_text() {
    let flows = Arc::new(Kept { refuse: true, ..Kept::default() });
    let answer = end(&flows, Method::GET, "error=access_denied&state=s", Some(&bound())).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("&lt;you&gt; said no"), "{}", answer.text);
}

#[tokio::test]
async fn what_is_no_end_of_an_authorisation_here_ends_none() {
    let flows = Arc::new(Kept::default());
    let bound = bound();
    let bound = Some(bound.as_str());
    for (method, query, cookie, status) in [
        (Method::GET, "code=c&state=s", None, StatusCode::FORBIDDEN),
        (Method::GET, "code=c&state=s", Some("plughouse-80=x"), StatusCode::FORBIDDEN),
        (Method::GET, "code=c&state=t", bound, StatusCode::FORBIDDEN),
        (Method::HEAD, "code=c&state=s", bound, StatusCode::METHOD_NOT_ALLOWED),
        (Method::POST, "code=c&state=s", bound, StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answer = end(&flows, method.clone(), query, cookie).await;
        assert_eq!(answer.status, status, "{method} {query} {cookie:?}");
    }
    assert!(flows.returned.lock().unwrap().is_empty());
}

#[tokio::test]
async fn browser_is_bound_before_it_goes_to_the_provider() {
    let router = router(REDIRECT, begin(), Arc::new(Kept::default()));
    let ask = async |query: &str| {
        ask(router.clone(), Method::GET, &format!("{START}{query}"), None).await
    };
    let answer = ask("?key=k1").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"], "https://provider.example/authorise?state=s");
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    assert!(answer.headers["set-cookie"].to_str().unwrap().contains("=browser-secret;"));
    for query in ["", "?key=k2", "?key=k1&key=k1", "/x?key=k1"] {
        let answer = ask(query).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{query}");
        assert!(!answer.headers.contains_key("set-cookie"), "{query}");
    }
}

/// Ends an authorisation when it is let.
#[derive(Default)]
struct Slow {
    begun: Notify,
    go_on: Notify,
    ended: Notify,
}

#[async_trait]
impl Flows for Slow {
    async fn finish(&self, _: &str, _: &Secret) -> Result<Told, Error> {
        self.begun.notify_one();
        self.go_on.notified().await;
        self.ended.notify_one();
        Ok(Told { text: "crm is connected".to_owned(), to: None })
    }
}

#[tokio::test]
async fn window_that_is_closed_meanwhile_cuts_nothing_off() {
    let flows = Arc::new(Slow::default());
    let router = router(REDIRECT, begin(), flows.clone());
    let address = format!("{}?code=c&state=s", path("desk"));
    let bound = bound();
    let asking = ask(router, Method::GET, &address, Some(&bound));
    tokio::select! {
        _ = asking => panic!("answered before it has ended"),
        () = flows.begun.notified() => {}
    }
    flows.go_on.notify_one();
    flows.ended.notified().await;
}
