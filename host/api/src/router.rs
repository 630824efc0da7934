//! All routes in one.

use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::auth::{Gate, authenticate};
use crate::ports::Ports;
use crate::problem::Problem;
use crate::{
    api_keys, apps, breakers, conflicts, connections, consumers, dead_letters, drafts, errors,
    events, grants, held, idempotency, integrations, me, metrics, oauth, openapi, operation,
    packages, providers, queues, records, request, runs, schemas, service, session, tasks, tenants,
    vault,
};

/// Parts of the API: their routes with the ports that each uses, and what they are described by.
macro_rules! parts {
    ($router:ident, $document:ident, $ports:ident; $($routes:expr => $state:expr),* $(,)?) => {
        fn $router($ports: &Ports) -> OpenApiRouter {
            OpenApiRouter::new()$(.merge($routes.with_state($state)))*
        }

        fn $document() -> OpenApi {
            let mut document = OpenApi::default();
            $(document.merge($routes.into_openapi());)*
            document
        }
    };
}

// Those that need a key.
parts! { keyed, keyed_document, ports;
    me::routes() => me::Ports::of(ports),
    session::routes() => session::Ports::of(ports),
    api_keys::routes() => api_keys::Ports::of(ports),
    apps::routes() => ports.credentials.clone(),
    breakers::routes() => breakers::Ports::of(ports),
    dead_letters::routes() => dead_letters::Ports::of(ports),
    metrics::routes() => metrics::Ports::of(ports),
    packages::routes() => packages::Ports::of(ports),
    queues::routes() => queues::Ports::of(ports),
    tenants::routes() => tenants::Ports::of(ports),
    vault::routes() => ports.keys.clone(),
    drafts::routes() => drafts::Ports::of(ports),
    schemas::routes() => schemas::Ports::of(ports),
    operation::routes() => operation::Ports::of(ports),
    tasks::routes() => tasks::Ports::of(ports),
    runs::routes() => runs::Ports::of(ports),
    held::routes() => held::Ports::of(ports),
    conflicts::routes() => conflicts::Ports::of(ports),
    records::routes() => records::Ports::of(ports),
    events::routes() => events::Ports::of(ports),
    consumers::routes() => consumers::Ports::of(ports),
    connections::routes() => connections::Ports::of(ports),
    grants::routes() => ports.credentials.clone(),
    integrations::routes() => integrations::Ports::of(ports),
    providers::routes() => providers::Ports::of(ports),
    oauth::routes() => oauth::Ports::of(ports),
}

// Those that need none.
parts! { open, open_document, ports;
    session::sign_in() => session::Ports::of(ports),
    errors::routes() => (),
    oauth::way() => oauth::Ports::of(ports),
    service::routes() => service::Ports::of(ports),
}

/// The API, to be served.
pub fn router(ports: &Ports) -> Router {
    let gate = Gate::new(ports.store.clone(), ports.store.clone(), ports.clock.clone());
    let (keyed, open): (Router, Router) = (keyed(ports).into(), open(ports).into());
    keyed
        .route_layer(from_fn_with_state(idempotency::Ports::of(ports), idempotency::once))
        .route_layer(from_fn_with_state(gate.clone(), authenticate))
        .merge(open.layer(Extension(gate.clone())))
        .merge(metrics::scraped(ports, gate))
        .fallback(async || {
            let detail =
                "there is nothing at this address; `/api/openapi.json` tells what there is";
            Problem::new(StatusCode::NOT_FOUND, "api.not-found", detail)
        })
        .method_not_allowed_fallback(async || {
            let detail = "it does not do that; `Allow` names what it does";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "api.method", detail)
        })
        .layer(from_fn(request::around))
}

/// The API in the words of OpenAPI 3.1.
pub fn document() -> OpenApi {
    let mut all = keyed_document();
    all.merge(open_document());
    openapi::described(all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::{env, fs};

    use serde_json::{Map, Value};

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test that makes what it compares with")]
    fn document_in_the_repository_is_that_of_the_code() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        let mut now = serde_json::to_string_pretty(&document()).unwrap();
        now.push('\n');
        if env::var_os("PLUGHOUSE_GENERATE").is_some() {
            fs::write(&path, &now).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap_or_default();
        let first = golden.lines().zip(now.lines()).position(|(golden, now)| golden != now);
        assert!(
            golden == now,
            "openapi.json is not of this code, from line {first:?} on: look at the difference after \
             `PLUGHOUSE_GENERATE=1 cargo test -p api document`"
        );
    }

    /// All that is referred to within a value.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        found.extend(value["$ref"].as_str().map(str::to_owned));
        let members = value.as_object().into_iter().flat_map(Map::values);
        let within = members.chain(value.as_array().into_iter().flatten());
        within.for_each(|value| references(value, found));
    }

    #[test]
    fn all_that_is_referred_to_is_there() {
        let document = serde_json::to_value(document()).unwrap();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 100);
        found.retain(|it| document.pointer(it.strip_prefix('#').unwrap()).is_none());
        assert_eq!(found, BTreeSet::new());
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_a_summary() {
        let document = serde_json::to_value(document()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let mut names = BTreeSet::new();
        for (path, item) in paths {
            for (method, operation) in item.as_object().unwrap() {
                let text = |name: &str| operation[name].as_str().is_some_and(|it| !it.is_empty());
                assert!(text("operationId") && text("summary"), "{method} {path}");
                assert!(names.insert(operation["operationId"].to_string()), "{method} {path}");
                assert!(path.starts_with("/api/"), "{path}");
            }
        }
    }
}
