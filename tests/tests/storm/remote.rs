//! One store for several processes: its ports over a socket, one question and one answer each.
//!
//! The embedded store belongs to one process. This is what several nodes have in its place: the
//! same verbs, each one transaction, asked from afar.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;

use model::credential::{
    Access, AccessLog as _, App, AppStore as _, CredentialStore as _, Incident, RefreshFailed,
    RefreshLease, Refreshed,
};
use model::store::{Catalogue as _, StoreError, StoreErrorKind};
use model::vault::{Canary, KeyId, KeyStore as _, Owner, WrappedKey};
use model::{ConnectionId, ConnectionState, TenantId, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;

/// What a process asks of the store.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Call {
    Credential(TenantId, ConnectionId),
    Lease(TenantId, ConnectionId, String, Timestamp),
    Intend(RefreshLease, u64, Timestamp),
    Finish(RefreshLease, Box<Refreshed>),
    Fail(RefreshLease, Box<RefreshFailed>),
    Release(RefreshLease),
    App(String, Option<TenantId>),
    AppIncident(Box<App>, Option<Incident>),
    Connection(TenantId, ConnectionId),
    Status(TenantId, ConnectionId),
    Turn(TenantId, ConnectionId, ConnectionState, String),
    Note(Box<Access>),
    Close(Vec<Access>),
    Canary,
    PutCanary(Canary, Option<Canary>),
    Keys(Owner),
    Owners(Option<Owner>, usize),
    AddKey(Box<WrappedKey>, Option<KeyId>),
}

/// An answer: the value, or the kind of the error and its text.
type Answer = Result<Value, (u8, String)>;

/// In the order of their numbers on the wire.
const KINDS: [StoreErrorKind; 6] = [
    StoreErrorKind::Fenced,
    StoreErrorKind::Conflict,
    StoreErrorKind::Invalid,
    StoreErrorKind::Corrupt,
    StoreErrorKind::Busy,
    StoreErrorKind::Unavailable,
];

/// The store as a process sees it.
#[derive(Clone)]
pub(crate) struct Remote(pub(crate) Arc<Path>);

impl Remote {
    /// Asks and waits for the answer.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T, StoreError> {
        let (socket, question) = (Arc::clone(&self.0), serde_json::to_vec(call).unwrap());
        let answer = tokio::task::spawn_blocking(move || exchange(&socket, question));
        let answer: Answer = serde_json::from_slice(&answer.await.unwrap()).unwrap();
        match answer {
            Ok(value) => Ok(serde_json::from_value(value).unwrap()),
            Err((kind, text)) => Err(StoreError::new(KINDS[usize::from(kind)], text)),
        }
    }
}

fn exchange(socket: &Path, mut question: Vec<u8>) -> Vec<u8> {
    question.push(b'\n');
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(&question).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// Serves the store on a socket for as long as the process lives.
pub(crate) fn serve(store: &Store, socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    let (store, runtime) = (store.clone(), tokio::runtime::Handle::current());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, store, runtime) = (stream.unwrap(), store.clone(), runtime.clone());
            std::thread::spawn(move || {
                let mut question = String::new();
                BufReader::new(&stream).read_line(&mut question).unwrap();
                let Ok(call) = serde_json::from_str(&question) else { return };
                let answer: Answer = runtime.block_on(answer(&store, call)).map_err(|error| {
                    let kind = KINDS.iter().position(|kind| *kind == error.kind()).unwrap();
                    (u8::try_from(kind).unwrap(), error.to_string())
                });
                // A process that was killed does not read it.
                drop(stream.write_all(&serde_json::to_vec(&answer).unwrap()));
            });
        }
    });
}

async fn answer(store: &Store, call: Call) -> Result<Value, StoreError> {
    match call {
        Call::Credential(tenant, id) => told(store.credential(&tenant, &id).await),
        Call::Lease(tenant, id, holder, until) => {
            told(store.lease_refresh(&tenant, &id, &holder, until).await)
        }
        Call::Intend(lease, generation, until) => {
            told(store.intend_refresh(&lease, generation, until).await)
        }
        Call::Finish(lease, refreshed) => told(store.finish_refresh(&lease, *refreshed).await),
        Call::Fail(lease, failed) => told(store.fail_refresh(&lease, *failed).await),
        Call::Release(lease) => told(store.release_refresh(&lease).await),
        Call::App(package, tenant) => told(store.app(&package, tenant.as_ref()).await),
        Call::AppIncident(app, incident) => told(store.app_incident(&app, incident).await),
        Call::Connection(tenant, id) => told(store.connection(&tenant, &id).await),
        Call::Status(tenant, id) => told(store.connection_status(&tenant, &id).await),
        Call::Turn(tenant, id, state, reason) => {
            told(store.set_connection_state(&tenant, &id, state, &reason).await)
        }
        Call::Note(access) => told(store.note_access(*access).await),
        Call::Close(entries) => told(store.close_access(entries).await),
        Call::Canary => told(store.canary().await),
        Call::PutCanary(canary, expected) => told(store.put_canary(canary, expected).await),
        Call::Keys(owner) => told(store.keys(&owner).await),
        Call::Owners(after, limit) => told(store.owners(after.as_ref(), limit).await),
        Call::AddKey(key, active) => told(store.add_key(*key, active).await),
    }
}

fn told(answer: Result<impl Serialize, StoreError>) -> Result<Value, StoreError> {
    answer.map(|value| serde_json::to_value(value).unwrap())
}
