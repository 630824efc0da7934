//! What a request says, read strictly: unknown members, parameters and types are named, not
//! passed over.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The largest content of a request in JSON, in bytes: the largest schema in a draft around it.
pub(crate) const JSON_BYTES_MAX: usize = 4 << 20;

/// The content of a request, as JSON of so many bytes at most.
#[derive(Debug)]
pub(crate) struct Json<T, const MAX: usize = JSON_BYTES_MAX>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned, const MAX: usize> FromRequest<S> for Json<T, MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        is_json(&parts.headers)?;
        let bytes = read(body, MAX).await?;
        parse(&bytes).map(Self)
    }
}

/// How long the content of a request may take: what is left of the time of a request then answers
/// who sends it byte by byte.
const CONTENT_TIME_MAX: Duration = Duration::from_secs(40);

/// The content of a request, as it came, up to so many bytes.
pub(crate) async fn read(body: Body, max: usize) -> Result<Bytes, Problem> {
    let whole = Limited::new(body, max).collect();
    let Ok(whole) = tokio::time::timeout(CONTENT_TIME_MAX, whole).await else {
        let detail = format!("the content has not come within {CONTENT_TIME_MAX:?}; send it again");
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "api.timeout", detail));
    };
    match whole {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let detail = format!("the content is larger than {max} bytes, the most taken here");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "api.too-large", detail))
        }
        Err(error) => {
            let detail = format!("the content could not be read to its end: {error}");
            Err(Problem::new(StatusCode::BAD_REQUEST, "api.malformed", detail))
        }
    }
}

pub(crate) fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "the content must be application/json, and `Content-Type` must say so";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "api.media-type", detail))
}

/// Reads JSON; what does not fit is named by its pointer.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = pointer(error.path());
        let error = error.into_inner();
        if error.is_data() {
            let detail = error.to_string();
            return Problem::invalid("the content says something that cannot be")
                .at(pointer, detail);
        }
        let detail = format!("the content is no JSON: {error}");
        Problem::new(StatusCode::BAD_REQUEST, "api.malformed", detail)
    })?;
    json.end().map_err(|error| {
        let detail = format!("something follows the JSON: {error}");
        Problem::new(StatusCode::BAD_REQUEST, "api.malformed", detail)
    })?;
    Ok(value)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let name = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Unknown => None,
    };
    path.iter().filter_map(name).fold(String::new(), |pointer, name| pointer + "/" + &name)
}

/// The parameters behind the question mark; one that may stand several times is a list.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        serde_html_form::from_str(query).map(Self).map_err(|error| {
            let detail = format!("the parameters behind `?` are not what is taken here: {error}");
            Problem::new(StatusCode::BAD_REQUEST, "api.invalid", detail)
        })
    }
}

/// The parameters within the path, in their order. What cannot be a name of a thing names none.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let given = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        given
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_rejected| Problem::not_found())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{StreamExt as _, stream};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(default)]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "it is read only to be refused")]
        count: u8,
    }

    #[track_caller]
    fn check(text: &[u8], status: u16, part: &str) {
        let problem = parse::<Outer>(text).unwrap_err();
        let text = serde_json::to_string(&problem).unwrap();
        assert_eq!(problem.status().as_u16(), status, "{text}");
        assert!(text.contains(part), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn content_that_does_not_come_is_not_waited_for() {
        let begun = stream::iter([Ok::<_, Infallible>("{")]).chain(stream::pending());
        let problem = read(Body::from_stream(begun), 100).await.unwrap_err();
        assert_eq!((problem.status().as_u16(), problem.code()), (408, "api.timeout"));
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_place() {
        assert!(parse::<Outer>(br#"{"inner":[{"count":1}]}"#).unwrap().inner.len() == 1);
        check(br#"{"inner":[{"count":1},{"count":300}]}"#, 422, r#""pointer":"/inner/1/count""#);
        check(br#"{"outer":1}"#, 422, "unknown field `outer`");
        check(br#"{"inner":[{"count":1}"#, 400, "api.malformed");
        check(b"{} {}", 400, "follows");
        check(b"\xff", 400, "api.malformed");
        let deep = "[".repeat(100_000);
        check(format!(r#"{{"inner":{deep}"#).as_bytes(), 422, "/inner/0");
    }
}
