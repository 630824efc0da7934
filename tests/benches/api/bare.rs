//! What answers with no more than it must: a handler, and the read of the store.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as Param, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use model::Clock;
use model::canonical::{CanonicalQuery, CanonicalStore as _, RecordId};
use store::Store;
use tokio::net::TcpListener;

use crate::{LISTED, TENANT};

/// Says where it is, and serves until its standard input closes.
pub(crate) fn serve(dir: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(Store::open(dir, Clock::system()).unwrap());
        let router = Router::new()
            .route("/records/{id}", get(show))
            .route("/records", get(list))
            .with_state(store);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let closed = tokio::task::spawn_blocking(|| {
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        });
        tokio::select! {
            served = axum::serve(listener, router) => served.unwrap(),
            closed = closed => closed.unwrap(),
        }
    });
}

async fn show(State(store): State<Arc<Store>>, Param(id): Param<RecordId>) -> impl IntoResponse {
    let found = store.canonical(&TENANT.parse().unwrap(), vec![id]).await.unwrap();
    let record = found.into_iter().flatten().next().unwrap();
    ([(CONTENT_TYPE, "application/json")], record.doc)
}

async fn list(State(store): State<Arc<Store>>) -> impl IntoResponse {
    let query = CanonicalQuery {
        tenant: TENANT.parse().unwrap(),
        record_type: None,
        removed: false,
        after: None,
        limit: LISTED,
    };
    let list = store.canonical_list(query).await.unwrap();
    let mut body = vec![b'['];
    for (at, record) in list.records.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&record.doc);
    }
    body.push(b']');
    ([(CONTENT_TYPE, "application/json")], body)
}
