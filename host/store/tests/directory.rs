//! The data directory: the first start, the key beside the data, and who may open it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy allows them in functions marked as tests, and these are called by such"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use model::run::RunStatus;
use model::store::{
    Catalogue as _, RecordStore as _, RunStart, StoreError, StoreErrorKind, TrustState, Vault as _,
};
use model::{Clock, Connection, Secret, Timestamp};
use redb::{Database, ReadableTable as _, TableDefinition};
use store::Store;
use tempfile::TempDir;

const CANARY: &str = "the-plaintext-that-must-not-lie-on-the-disk";

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
    Connection {
        tenant: "acme".parse().unwrap(),
        id: id.parse().unwrap(),
        package: "acme/hub".to_owned(),
        auth: "key".to_owned(),
        variables: std::collections::BTreeMap::new(),
        consents: std::collections::BTreeMap::new(),
        overrides: std::collections::BTreeMap::new(),
        account: None,
        user: None,
    }
}

fn secret(text: &str) -> Vec<(String, Secret)> {
    vec![("token".to_owned(), Secret::new(text.to_owned()))]
}

/// A directory with two connections, closed.
async fn filled() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    for id in ["hub", "news"] {
        let text = format!("{CANARY}-{id}");
        store.put_connection(connection(id), Some(secret(&text))).await.unwrap();
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
    assert_eq!(files, ["plughouse.redb", "vault.key"]);
    assert_eq!((mode(&dir.join("plughouse.redb")), mode(&dir.join("vault.key"))), (0o600, 0o600));
}

#[tokio::test]
async fn what_was_put_is_there_after_a_restart() {
    let dir = filled().await;
    let store = open(dir.path()).unwrap();
    let hub = connection("hub");
    let secrets = store.secrets(&hub.tenant, &hub.id).await.unwrap();
    assert_eq!(secrets[0].1.expose(), format!("{CANARY}-hub"));
    assert_eq!(store.connections(&hub.tenant).await.unwrap().len(), 2);
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
    for (name, text) in [("plughouse.redb.new", "half"), ("vault.key.new", "ab")] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    drop(open(dir.path()).unwrap());
    fs::remove_file(dir.path().join("plughouse.redb")).unwrap();
    let key = fs::read(dir.path().join("vault.key")).unwrap();
    drop(open(dir.path()).unwrap());
    assert_eq!(fs::read(dir.path().join("vault.key")).unwrap(), key);
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
async fn no_secret_lies_in_the_clear() {
    let dir = filled().await;
    let store = open(dir.path()).unwrap();
    for round in 0..3 {
        store
            .put_connection(connection("hub"), Some(secret(&format!("{CANARY}{round}"))))
            .await
            .unwrap();
    }
    drop(store);
    for entry in fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "the plaintext lies in {}", path.display());
    }
}

#[tokio::test]
async fn secret_moved_to_another_connection_does_not_unseal() {
    let dir = filled().await;
    tamper(dir.path(), "secrets", |rows| {
        let [(_, first), (_, second)] = rows.as_mut_slice() else { panic!("two secrets") };
        std::mem::swap(first, second);
    });
    let store = open(dir.path()).unwrap();
    let hub = connection("hub");
    let error = store.secrets(&hub.tenant, &hub.id).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert!(error.to_string().contains("'token' of acme/hub does not unseal"), "{error}");
    assert!(!format!("{error:?}").contains(CANARY));
}

#[tokio::test]
async fn older_secret_put_back_does_not_unseal() {
    let dir = filled().await;
    let mut old = Vec::new();
    tamper(dir.path(), "secrets", |rows| old.clone_from(&rows[0].1));
    let hub = connection("hub");
    open(dir.path()).unwrap().put_connection(hub.clone(), Some(secret("new"))).await.unwrap();
    tamper(dir.path(), "secrets", |rows| rows[0].1.clone_from(&old));
    let store = open(dir.path()).unwrap();
    let error = store.secrets(&hub.tenant, &hub.id).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
}

#[tokio::test]
async fn data_without_its_key_is_refused_and_no_key_is_made() {
    let dir = filled().await;
    let key = dir.path().join("vault.key");
    let text = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    refused(
        dir.path(),
        StoreErrorKind::Corrupt,
        &["no vault.key", "put the key of this data back"],
    );
    assert!(!key.exists());
    fs::write(&key, text).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o400)).unwrap();
    drop(open(dir.path()).unwrap());
}

#[tokio::test]
async fn wrong_key_is_refused_and_stays() {
    let dir = filled().await;
    let other = filled().await;
    let key = dir.path().join("vault.key");
    let wrong = fs::read(other.path().join("vault.key")).unwrap();
    fs::write(&key, &wrong).unwrap();
    refused(dir.path(), StoreErrorKind::Corrupt, &["is not the key of the data", "put the right"]);
    assert_eq!(fs::read(&key).unwrap(), wrong);
    fs::write(&key, "not a key\n").unwrap();
    refused(dir.path(), StoreErrorKind::Corrupt, &["64 hexadecimal digits"]);
}

#[tokio::test]
async fn key_open_to_others_is_refused() {
    let dir = filled().await;
    let key = dir.path().join("vault.key");
    for mode in [0o644, 0o640, 0o602] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let says = format!("run: chmod 600 '{}'", key.display());
        refused(dir.path(), StoreErrorKind::Unavailable, &[&says, &format!("{mode:03o}")]);
    }
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    drop(open(dir.path()).unwrap());
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
async fn store_of_a_newer_program_is_refused() {
    let dir = filled().await;
    tamper(dir.path(), "meta", |rows| {
        let store = rows.iter_mut().find(|(key, _)| key == b"store").unwrap();
        store.1[0] = 2;
    });
    refused(dir.path(), StoreErrorKind::Corrupt, &["'meta' has the format 2", "newer program"]);
}
