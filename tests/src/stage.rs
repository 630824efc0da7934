//! A sandbox with a guest on it and a door that leads nowhere.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use model::adapter::{Adapter as _, Called, Page, PullRequest, Selection};
use model::webhook::Event;
use model::{Clock, Error, Timestamp};
use package::Verified;
use sandbox::{Compiler, Config, Limits, Loaded, Reuse, Sandbox, Scope, Session};

use crate::door::Door;
use crate::guests;

/// Everything that a test of guests needs.
pub struct Stage {
    /// The sandbox, for more guests.
    pub sandbox: Sandbox,
    /// The guest.
    pub loaded: Loaded,
    /// The way out of its sessions.
    pub door: Door,
    /// The time of its sessions.
    pub clock: Clock,
}

/// How a stage is set up; the defaults are those of a host.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// The operator's limits.
    pub limits: Limits,
    /// How long instances live.
    pub reuse: Reuse,
    /// The `[budget]` that the manifest asks for.
    pub budget: &'static str,
}

impl Setting {
    /// Sets up a stage with the guest `hostile`.
    pub async fn hostile(self) -> Stage {
        let package = guests::verified(&hostile_manifest(self.budget), guests::hostile());
        self.stage(&package).await
    }

    /// Sets up a stage with a guest that loads.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
    pub async fn stage(self, package: &Verified) -> Stage {
        let sandbox = self.sandbox(guests::target_dir().join("cache"), Compiler::InProcess);
        let loaded = sandbox.load(package).await.expect("the guest loads");
        let records = r#"{"total": 2, "records": [{"id": "7", "n": [1]}, {"id": 8}]}"#;
        let answers = [("/me", "acme"), ("/object", r#"{"a": 1} {"#), ("/records", records)];
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        Stage { sandbox, loaded, door: Door::new(answers), clock }
    }

    /// A sandbox of this setting.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
    pub fn sandbox(&self, cache_dir: PathBuf, compiler: Compiler) -> Sandbox {
        let config = Config { limits: self.limits, cache_dir, compiler, reuse: self.reuse };
        Sandbox::new(config).expect("a sandbox")
    }
}

impl Stage {
    /// A session of a connection with that name.
    ///
    /// # Panics
    ///
    /// When it is no name.
    #[expect(clippy::expect_used, reason = "a test that cannot run must fail")]
    pub fn session(&self, connection: &str) -> Session {
        let name = connection.parse().expect("a name");
        self.loaded.session(Scope {
            egress: Arc::new(self.door.clone()),
            variables: BTreeMap::from([("auth".to_owned(), "token".to_owned())]),
            state_key: ("acme".parse().expect("a name"), name),
            clock: self.clock.clone(),
            seed: Some(7),
        })
    }

    /// Pulls one page in a session of its own.
    pub async fn pull(&self, entity: &str, part: &str) -> Called<Page> {
        pull(&mut self.session("one"), entity, part).await
    }
}

/// Pulls one page.
pub async fn pull(session: &mut Session, entity: &str, part: &str) -> Called<Page> {
    let request = PullRequest {
        entity: entity.to_owned(),
        part: Some(part.to_owned()).filter(|part| !part.is_empty()),
        selection: Selection::All,
        checkpoint: None,
        fields: Vec::new(),
        limit: 100,
    };
    session.pull(request).await
}

/// A delivery with that body.
pub fn event(body: &'static str) -> Event {
    Event {
        id: "1".to_owned(),
        subscription: None,
        entity: None,
        part: None,
        received: Timestamp::UNIX_EPOCH,
        headers: Vec::new(),
        body: body.into(),
    }
}

/// The ids of a page's records: what the guests of the tests answer with.
pub fn ids(called: Called<Page>) -> Result<Vec<String>, Error> {
    called.outcome.map(|page| page.records.into_iter().map(|record| record.id).collect())
}

/// The manifest of the guest `hostile`, with that `[budget]`.
pub fn hostile_manifest(budget: &str) -> String {
    let names = [
        "allocate",
        "answers",
        "burn",
        "checkpoint",
        "counter",
        "crash",
        "error",
        "flood",
        "grow",
        "host_calls",
        "huge_list",
        "json",
        "lie",
        "log",
        "many",
        "many_items",
        "many_strings",
        "name",
        "panic",
        "plain",
        "random",
        "recurse",
        "span",
        "spin",
        "state",
        "stale",
        "time",
        "twice",
        "upload",
        "variable",
        "wait",
    ];
    manifest("hostile", "bare", &names) + "\n[budget]\n" + budget
}

/// The manifest of a guest with those entities.
pub fn manifest(id: &str, profile: &str, entities: &[&str]) -> String {
    let entity =
        |name: &&str| format!("[entity.{name}]\ncursor = \"scan\"\ndeletes = []\nwrites = []\n");
    let entities: String = entities.iter().map(entity).collect();
    format!(
        r#"[adapter]
id = "{id}"
name = "{id}"
version = "0.1.0"
contract = "0.1"
publisher = "plughouse"
license = "Apache-2.0"
summary = "A guest of the tests."
profile = "{profile}"

[auth.token]
kind = "key"
fields = {{ token = {{ label = "Token", secret = true }} }}
header = {{ name = "Authorization", value = "Bearer {{token}}" }}

[endpoint.api]
origin = "https://api.example.com"
credential = "account"
read = ["GET /me", "GET /object", "GET /records", "GET /never", "GET /burn", "GET /echo/*"]
write = ["POST /write", "POST /upload"]

{entities}"#
    )
}
