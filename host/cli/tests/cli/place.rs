//! A scratch directory in which the binary runs, with or without a store.

#![expect(clippy::unwrap_used, reason = "a scene that cannot be set fails its test")]

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use model::adapter::Receipt;
use model::record::{Record, Reject};
use model::store::{
    Catalogue as _, Lane, LaneKind, PageCommit, RecordStore as _, RunRef, RunStart,
};
use model::window::LaneState;
use model::{Clock, Connection, ConnectionId, Error, ErrorKind, TenantId, Timestamp};
use store::Store;
use tempfile::TempDir;

/// The scratch directory; it goes away with the value.
pub(crate) struct Place(TempDir);

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Outcome {
    /// The first line of the output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        let line = self.out.lines().next().unwrap();
        serde_json::from_str(line).unwrap()
    }
}

impl Place {
    /// An empty directory.
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A store in the default data directory: connection `crm` with that many contacts and a reject.
    pub(crate) fn with_records(count: usize) -> Self {
        let place = Self::empty();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(fill(&place.path().join(".plughouse"), count));
        place
    }

    /// Does something with the store while no command runs.
    pub(crate) fn store(&self, with: impl AsyncFnOnce(&Store)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = Store::open(&self.path().join(".plughouse"), Clock::system()).unwrap();
        runtime.block_on(with(&store));
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A command whose words are separated by spaces, without the environment's settings.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plughouse"));
        command.current_dir(self.path()).args(words.split_whitespace());
        for name in ["DATA", "CONFIG", "TENANT", "LOG", "SDK"] {
            command.env_remove(format!("PLUGHOUSE_{name}"));
        }
        command
    }

    pub(crate) fn run(&self, words: &str) -> Outcome {
        let output = self.command(words).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Outcome { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path().join(name);
        std::fs::read_to_string(path).unwrap()
    }
}

async fn fill(data: &Path, count: usize) {
    let (tenant, id): (TenantId, ConnectionId) = ("main".parse().unwrap(), "crm".parse().unwrap());
    let store = Store::open(data, Clock::system()).unwrap();
    let connection = Connection::new(tenant.clone(), id.clone(), "acme/crm", "none");
    store.put_connection(connection).await.unwrap();
    let start = RunStart {
        tenant: tenant.clone(),
        connection: id.clone(),
        package: "acme/crm".to_owned(),
        version: "0.1.0".to_owned(),
        digest: "sha256:00".to_owned(),
        kind: model::run::RunKind::Sync,
        task: None,
        lease: None,
        job: None,
        at: Timestamp::UNIX_EPOCH,
    };
    let run = store.begin_run(start).await.unwrap();
    let page = PageCommit {
        run: RunRef { tenant, connection: id, id: run.id },
        lane: Lane { entity: "contact".to_owned(), part: None, kind: LaneKind::Records },
        state: LaneState::default(),
        records: (0..count).map(|number| contact(number + 1000).into()).collect(),
        tombstones: Vec::new(),
        absent: Vec::new(),
        rejects: vec![Reject {
            entity: "contact".to_owned(),
            id: None,
            error: Error::new(ErrorKind::Malformed, "crm.no-id", "the row has no id"),
            payload: Some(Bytes::from_static(b"{\"name\":\"nobody\"}")),
        }],
        generation: None,
        receipt: Receipt::default(),
        at: Timestamp::UNIX_EPOCH,
    };
    store.commit_page(page).await.unwrap();
}

/// Long enough that a page of a list is more than a pipe holds.
fn contact(number: usize) -> Record {
    Record {
        entity: "contact".to_owned(),
        id: number.to_string(),
        version: None,
        modified: None,
        payload: Bytes::from(format!("{{\"id\":\"{number}\",\"note\":\"{}\"}}", "x".repeat(99))),
        contents: Vec::new(),
        details: Vec::new(),
    }
}
