//! The API in the words of OpenAPI 3.1, made of the code.

use utoipa::ToSchema;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response,
    ResponseBuilder,
};

use crate::auth::COOKIE;
use crate::events::EventType;
use crate::list::{Cursor, Limit};
use crate::problem::MEDIA_TYPE;

/// The session of a browser, which does whatever its key does.
const SESSION: &str = "session";

/// What may be said of every request with a key.
const ALWAYS: [(u16, &str); 8] = [
    (400, "The request cannot be understood, or an operator has named no tenant."),
    (401, "The request shows no key that works."),
    (403, "The key does not allow it, or the host's policy refuses it."),
    (404, "There is no such thing, or it is not the key's to see."),
    (429, "The key asks too often; `Retry-After` says how long to wait."),
    (500, "The host has failed."),
    (503, "The host cannot answer now."),
    (504, "There is no answer in time."),
];

/// What may be said of every request with content.
const OF_CONTENT: [(u16, &str); 4] = [
    (408, "The content has not come in time."),
    (413, "The content is too large."),
    (415, "The content is of another type than is taken."),
    (422, "The content says something that cannot be; `errors` says where."),
];

/// What may be said of every change of a version.
const OF_VERSIONS: [(u16, &str); 2] =
    [(412, "It has changed since it was read."), (428, "`If-Match` is missing.")];

/// What all routes together are described by.
pub(crate) fn described(mut routes: OpenApi) -> OpenApi {
    for item in routes.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        operations.into_iter().flatten().for_each(complete);
    }
    let info =
        InfoBuilder::new().title("Plughouse").version(env!("CARGO_PKG_VERSION")).description(Some(
            "Integrations, connections, records and everything that keeps them alive.",
        ));
    let mut components = routes.components.take().unwrap_or_default();
    // Of what is referred to, that of contents alone is there by itself, and not that of parameters.
    refer::<Cursor>(&mut components);
    refer::<Limit>(&mut components);
    refer::<EventType>(&mut components);
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme("api_key", scheme);
    let cookie = ApiKeyValue::with_description(
        COOKIE,
        "The cookie of `POST /api/session`; changes show its token as `X-CSRF-Token` as well.",
    );
    components.add_security_scheme(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    OpenApiBuilder::new().info(info).paths(routes.paths).components(Some(components)).build()
}

fn refer<T: ToSchema>(components: &mut Components) {
    components.schemas.insert(T::name().into_owned(), T::schema());
}

/// Adds what can be said of a request of its kind, where the route does not say it itself.
fn complete(operation: &mut Operation) {
    let tag = operation.tags.iter().flatten().next().map(|tag| tag.replace(' ', "-"));
    if let (Some(tag), Some(name)) = (tag, operation.operation_id.as_mut()) {
        *name = format!("{tag}.{name}");
    }
    let mut parameters = operation.parameters.iter().flatten();
    let versions = parameters.any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.name.eq_ignore_ascii_case("if-match"),
        RefOr::Ref(_) => false,
    });
    let open = operation.security.is_none();
    if let Some(ways) = &mut operation.security {
        ways.push(SecurityRequirement::new(SESSION, [""; 0]));
    }
    let of_content = OF_CONTENT.iter().filter(|_| operation.request_body.is_some());
    let of_versions = OF_VERSIONS.iter().filter(|_| versions);
    let always = ALWAYS.iter().filter(|(status, _)| !open || *status >= 429 || *status == 400);
    for (status, response) in &mut operation.responses.responses {
        if let (RefOr::T(response), true) = (response, status.as_str() >= "400") {
            say_problem(response);
        }
    }
    for (status, text) in always.chain(of_content).chain(of_versions) {
        let problem = Ref::from_schema_name("Problem");
        let content = ContentBuilder::new().schema(Some(problem)).build();
        let response = ResponseBuilder::new().description(*text).content(MEDIA_TYPE, content);
        let known = &mut operation.responses.responses;
        known.entry(status.to_string()).or_insert_with(|| RefOr::T(response.build()));
    }
}

/// What a route refuses with is a problem, and has the media type of one.
fn say_problem(response: &mut Response) {
    if let Some(problem) = response.content.shift_remove("application/json") {
        response.content.insert(MEDIA_TYPE.to_owned(), problem);
    }
}
