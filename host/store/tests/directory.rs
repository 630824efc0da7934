//! The data directory: the first start, what is there after a restart, and who may open it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy allows them in functions marked as tests, and these are called by such"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use model::api_key::{ApiKey, ApiKeyStore as _, Role, Session};
use model::credential::{self, CredentialStore as _, Grant, NewSecrets};
use model::idempotency::{Asked, Heard, IdempotencyStore as _, KeptAnswer};
use model::integration::IntegrationStore as _;
use model::run::RunStatus;
use model::store::{
    Catalogue as _, RecordStore as _, RunStart, StoreError, StoreErrorKind, TrustState,
};
use model::tenant::TenantStore as _;
use model::vault::Sealed;
use model::{Clock, Connection, Timestamp};
use redb::{Database, ReadableTable as _, TableDefinition};
use store::Store;
use tempfile::TempDir;

type Raw = TableDefinition<'static, &'static [u8], &'static [u8]>;

fn open(dir: &Path) -> Result<Store, StoreError> {
    Store::open(dir, Clock::manual(Timestamp::UNIX_EPOCH))
}

#[track_caller]
fn refused(dir: &Path, kind: StoreErrorKind, says: &[&str]) {
    let Err(error) = open(dir) else { panic!("the store opened") };
    assert_eq!(error.kind(), kind, "{error}");
    for text in says {
        assert!(error.to_string().contains(text), "{error} should say {text}");
    }
}

fn connection(id: &str) -> Connection {
    Connection::new("acme".parse().unwrap(), id.parse().unwrap(), "acme/hub", "key")
}

fn sealed(id: &str) -> Vec<Sealed> {
    let Connection { tenant, id, .. } = connection(id);
    vec![Sealed { place: credential::place(&tenant, &id, "token", 1), bytes: vec![1; 60].into() }]
}

/// A directory with two connections, closed.
async fn filled() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    for id in ["hub", "news"] {
        let secrets = NewSecrets { replaces: 0, sealed: sealed(id), grant: Grant::default() };
        store.authorise(connection(id), secrets).await.unwrap();
    }
    dir
}

/// Changes rows behind the store's back.
fn tamper(dir: &Path, table: &'static str, change: impl FnOnce(&mut Vec<(Vec<u8>, Vec<u8>)>)) {
    let database = Database::open(dir.join("plughouse.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    let mut opened = transaction.open_table(Raw::new(table)).unwrap();
    let mut rows: Vec<_> = opened
        .iter()
        .unwrap()
        .map(|row| row.map(|(key, row)| (key.value().to_vec(), row.value().to_vec())).unwrap())
        .collect();
    change(&mut rows);
    opened.retain(|_, _| false).unwrap();
    for (key, row) in &rows {
        opened.insert(key.as_slice(), row.as_slice()).unwrap();
    }
    drop(opened);
    transaction.commit().unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn first_start_makes_all_files_for_their_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a/b");
    drop(open(&dir).unwrap());
    assert_eq!(mode(&dir), 0o700);
    let mut files: Vec<_> =
        fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["plughouse.redb"]);
    assert_eq!(mode(&dir.join("plughouse.redb")), 0o600);
}

#[tokio::test]
async fn what_was_put_is_there_after_a_restart() {
    let dir = filled().await;
    let store = open(dir.path()).unwrap();
    let hub = connection("hub");
    let (_, fields) = store.credential(&hub.tenant, &hub.id).await.unwrap().unwrap();
    assert_eq!(fields, sealed("hub"));
    assert_eq!(store.connections(&hub.tenant).await.unwrap().len(), 2);
}

#[tokio::test]
async fn who_is_served_and_who_asks_is_there_after_a_restart() {
    let dir = filled().await;
    let store = open(dir.path()).unwrap();
    let key = ApiKey {
        id: "boss".parse().unwrap(),
        name: "the boss".to_owned(),
        tenant: None,
        role: Role::Operator,
        hash: [1; 32],
        creator: "the command line".to_owned(),
        created: Timestamp::UNIX_EPOCH,
        expires: None,
        used: None,
        revoked: None,
    };
    assert!(store.bootstrap_api_key(key.clone()).await.unwrap());
    let expires = Timestamp::new(60, 0).unwrap();
    let (id, created) = (key.id.clone(), key.created);
    let session = Session { hash: [2; 32], csrf: [3; 32], key: id, created, expires };
    store.put_session(session.clone()).await.unwrap();
    let asked = Asked { scope: "boss".to_owned(), key: "1".to_owned() };
    assert_eq!(store.hear(&asked, [4; 32]).await.unwrap(), Heard::New);
    let answer = KeptAnswer { status: 201, headers: Vec::new(), body: "{}".into() };
    store.answer(&asked, answer.clone()).await.unwrap();
    drop(store);
    let store = open(dir.path()).unwrap();
    assert_eq!(store.session(&[2; 32]).await.unwrap(), Some((session, key.clone())));
    assert_eq!(store.hear(&asked, [4; 32]).await.unwrap(), Heard::Answered(answer));
    assert!(!store.bootstrap_api_key(key).await.unwrap());
    assert_eq!(store.integrations(&connection("hub").tenant).await.unwrap().len(), 2);
}

#[tokio::test]
async fn connections_of_an_earlier_program_get_their_tenants_and_integrations() {
    let dir = filled().await;
    let hub = connection("hub");
    let store = open(dir.path()).unwrap();
    let before = store.integrations(&hub.tenant).await.unwrap();
    drop(store);
    let database = Database::open(dir.path().join("plughouse.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    for table in ["tenants", "integrations"] {
        assert!(transaction.delete_table(Raw::new(table)).unwrap());
    }
    transaction.commit().unwrap();
    drop(database);
    let store = open(dir.path()).unwrap();
    assert_eq!(store.integrations(&hub.tenant).await.unwrap(), before);
    assert_eq!(store.tenants(None, 9).await.unwrap()[0].id, hub.tenant);
    store.put_connection(hub).await.unwrap();
}

#[tokio::test]
async fn run_that_has_not_ended_is_interrupted_when_the_directory_is_opened_again() {
    let dir = filled().await;
    let (hub, opened) = (connection("hub"), Timestamp::new(60, 0).unwrap());
    let store = open(dir.path()).unwrap();
    for id in ["hub", "news"] {
        let start = RunStart {
            tenant: hub.tenant.clone(),
            connection: id.parse().unwrap(),
            package: hub.package.clone(),
            version: "1.0.0".to_owned(),
            digest: "sha256:00".to_owned(),
            kind: model::run::RunKind::Sync,
            task: None,
            lease: None,
            job: None,
            at: Timestamp::UNIX_EPOCH,
        };
        store.begin_run(start).await.unwrap();
    }
    drop(store);
    for _ in 0..2 {
        let store = Store::open(dir.path(), Clock::manual(opened)).unwrap();
        let runs = store.runs(&hub.tenant, None, 10).await.unwrap();
        let ends: Vec<_> = runs.iter().map(|run| (run.status, run.ended)).collect();
        assert_eq!(ends, [(RunStatus::Interrupted, Some(opened)); 2]);
        let events = store.events(&hub.tenant, 0, 10).await.unwrap();
        assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2]);
    }
}

#[tokio::test]
async fn interrupted_first_start_is_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("plughouse.redb.new"), "half").unwrap();
    drop(open(dir.path()).unwrap());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn directory_belongs_to_one_store_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let name = dir.path().display().to_string();
    refused(dir.path(), StoreErrorKind::Busy, &[&name, "stop that one first"]);
    drop(store);
    drop(open(dir.path()).unwrap());
}

#[tokio::test]
async fn damaged_row_of_a_secret_is_an_error_and_never_an_absence() {
    for row in [&b""[..], b"\x01", b"\x01\0\0\0\0\0\0\0", b"\x09\0\0\0\0\0\0\0\x01x"] {
        let dir = filled().await;
        tamper(dir.path(), "sealed", |rows| rows[0].1 = row.to_vec());
        let (store, hub) = (open(dir.path()).unwrap(), connection("hub"));
        let error = store.credential(&hub.tenant, &hub.id).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        assert!(error.to_string().contains("'sealed'"), "{error}");
    }
}

#[tokio::test]
async fn damaged_file_is_refused_and_not_begun_anew() {
    let dir = filled().await;
    let database = dir.path().join("plughouse.redb");
    fs::write(&database, "garbage").unwrap();
    refused(dir.path(), StoreErrorKind::Corrupt, &["plughouse.redb' is not a database"]);
    fs::write(&database, "").unwrap();
    refused(dir.path(), StoreErrorKind::Corrupt, &["is not a database"]);
}

#[tokio::test]
async fn lost_or_damaged_trust_is_an_error_and_never_empty() {
    for row in [None, Some(&b""[..]), Some(b"\x01{\"floors\":7}"), Some(b"\x09{}")] {
        let dir = filled().await;
        tamper(dir.path(), "trust", |rows| match row {
            Some(row) => rows[0].1 = row.to_vec(),
            None => rows.clear(),
        });
        let error = open(dir.path()).unwrap().trust_state().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{row:?}");
        assert!(error.to_string().contains("'trust'"), "{error}");
    }
    let dir = filled().await;
    assert_eq!(open(dir.path()).unwrap().trust_state().await.unwrap(), TrustState::default());
}

#[tokio::test]
async fn store_of_another_program_is_refused() {
    for (layout, says) in [
        (3, ["'meta' has the format 3", "newer program"]),
        (1, ["is one of an earlier program", "use another directory"]),
    ] {
        let dir = filled().await;
        tamper(dir.path(), "meta", |rows| {
            let store = rows.iter_mut().find(|(key, _)| key == b"store").unwrap();
            store.1[0] = layout;
        });
        refused(dir.path(), StoreErrorKind::Corrupt, &says);
    }
}
