//! The packages of the world: one, whose adapter says what a test has told it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use api::{Adapters, Package};
use async_trait::async_trait;
use bytes::Bytes;
use engine::credential::{Check, Material};
use engine::mapping::{Mapping, Mappings};
use engine::sync::PackageRef;
use model::adapter::{Account, Adapter, Called, Entity, Next, Page, PullRequest, Receipt};
use model::catalogue::Installed;
use model::credential::Actor;
use model::{Connection, Error, ErrorKind, Timestamp};
use package::{Manifest, Permissions};

/// The installed package.
pub(crate) const PACKAGE: &str = "example/crm";

/// Of a package file that nobody has made.
const DIGEST: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000aa";

/// What the adapter says.
pub(crate) struct Script {
    /// The account behind every credential.
    pub(crate) account: Result<Account, Error>,
    /// What the account offers.
    pub(crate) entities: Result<Vec<Entity>, Error>,
    /// The pages that are pulled next; behind them there is nothing.
    pub(crate) pages: VecDeque<Result<Page, Error>>,
    /// The schemas of every connection.
    pub(crate) mappings: Mappings,
}

/// The package, and its script.
#[derive(Clone)]
pub(crate) struct Scripted {
    script: Arc<Mutex<Script>>,
    pub(crate) manifest: Arc<Manifest>,
}

impl Default for Scripted {
    fn default() -> Self {
        let account = Account {
            id: "account-1".to_owned(),
            label: "Example Ltd".to_owned(),
            variables: Vec::new(),
            details: Vec::new(),
        };
        let script = Script {
            account: Ok(account),
            entities: Ok(Vec::new()),
            pages: VecDeque::new(),
            mappings: Mappings::default(),
        };
        Self { script: Arc::new(Mutex::new(script)), manifest: manifest() }
    }
}

pub(super) fn manifest() -> Arc<Manifest> {
    Arc::new(Manifest::parse(include_str!("crm.toml")).unwrap())
}

impl Scripted {
    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// The package as the store has it.
    pub(crate) fn installed(&self) -> Installed {
        Installed {
            name: PACKAGE.to_owned(),
            version: self.manifest.adapter.version.to_string(),
            digest: DIGEST.to_owned(),
            file: Bytes::from_static(b"no package"),
            grant: serde_json::to_string(&Permissions::of(&self.manifest)).unwrap(),
            at: Timestamp::UNIX_EPOCH,
            disabled: None,
        }
    }
}

fn known(package: &str) -> Result<(), Error> {
    if package == PACKAGE {
        return Ok(());
    }
    let message = format!("{package} is not installed");
    Err(Error::new(ErrorKind::Denied, "engine.package", message))
}

#[async_trait]
impl Adapters for Scripted {
    async fn package(&self, name: &str) -> Result<Package, Error> {
        known(name)?;
        Ok(Package {
            manifest: Arc::clone(&self.manifest),
            reference: PackageRef {
                name: PACKAGE.to_owned(),
                version: self.manifest.adapter.version.to_string(),
                digest: DIGEST.to_owned(),
            },
            grant: Permissions::of(&self.manifest),
        })
    }

    async fn open(&self, connection: &Connection, _: Actor) -> Result<Box<dyn Adapter>, Error> {
        known(&connection.package)?;
        Ok(Box::new(self.clone()))
    }

    async fn check(&self, package: &str, _: Actor) -> Result<Box<dyn Check>, Error> {
        known(package)?;
        Ok(Box::new(self.clone()))
    }

    async fn mappings(&self, connection: &Connection) -> Result<Mappings, Error> {
        known(&connection.package)?;
        Ok(self.script().mappings.clone())
    }

    async fn default_mapping(
        &self,
        connection: &Connection,
        _: &str,
        _: Option<&str>,
    ) -> Result<Option<Mapping>, Error> {
        known(&connection.package)?;
        Ok(None)
    }
}

#[async_trait]
impl Check for Scripted {
    async fn check(&self, connection: &mut Connection, _: Material) -> Result<(), Error> {
        let mut adapter = self.clone();
        engine::connect::check(&self.manifest, connection, &mut adapter).await.map(drop)
    }
}

#[async_trait]
impl Adapter for Scripted {
    async fn check(&mut self) -> Called<Account> {
        called(self.script().account.clone())
    }

    async fn discover(&mut self, name: Option<&str>, part: Option<&str>) -> Called<Vec<Entity>> {
        let wanted =
            |it: &Entity| name.is_none_or(|name| it.name == name && it.part.as_deref() == part);
        let all = self.script().entities.clone();
        called(all.map(|all| all.into_iter().filter(wanted).collect()))
    }

    async fn pull(&mut self, _: PullRequest) -> Called<Page> {
        let end = Page {
            records: Vec::new(),
            tombstones: Vec::new(),
            rejects: Vec::new(),
            next: Next::Done(String::new()),
            details: Vec::new(),
        };
        called(self.script().pages.pop_front().unwrap_or(Ok(end)))
    }
}

fn called<T>(outcome: Result<T, Error>) -> Called<T> {
    Called { outcome, receipt: Receipt::default() }
}
