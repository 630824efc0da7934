//! All routes in one.

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::auth::{Gate, authenticate};
use crate::ports::Ports;
use crate::problem::Problem;
use crate::{openapi, operation, request, tasks};

/// Every part of the API: its routes, and which of the ports it uses.
macro_rules! parts {
    ($ports:ident; $($routes:expr => $state:expr),* $(,)?) => {
        /// All routes that need a key.
        fn keyed($ports: &Ports) -> OpenApiRouter {
            OpenApiRouter::new()$(.merge($routes.with_state($state)))*
        }

        /// What all routes are described by.
        fn keyed_document() -> OpenApi {
            let mut document = OpenApi::default();
            $(document.merge($routes.into_openapi());)*
            document
        }
    };
}

parts! { ports;
    operation::routes() => ports.operations.clone(),
    tasks::routes() => tasks::Ports::of(ports),
}

/// The API, to be served.
pub fn router(ports: &Ports) -> Router {
    let gate = Gate {
        keys: ports.store.clone(),
        tenants: ports.store.clone(),
        clock: ports.clock.clone(),
    };
    let keyed: Router = keyed(ports).into();
    keyed
        .route_layer(from_fn_with_state(gate, authenticate))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            let detail = "it does not do that; `Allow` names what it does";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "api.method", detail)
        })
        .layer(from_fn(request::around))
}

/// The API in the words of OpenAPI 3.1.
pub fn document() -> OpenApi {
    openapi::described(keyed_document())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::{env, fs};

    use super::*;

    #[test]
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
