//! What a run reads: the manifest's reading rules, narrowed to what was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::adapter::Selection;
use model::queue::{JobId, LeaseRef};
use model::task::TaskId;
use model::window::{Cursor, Full, Progress, ReadRule};
use model::{Connection, ConnectionId, TenantId};
use package::manifest::{self, Manifest};

use crate::mapping::Mappings;

/// Everything that a run needs to know before it begins.
#[derive(Clone, Debug)]
pub struct SyncPlan {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// What reads.
    pub package: PackageRef,
    /// The task that asked for it; nothing means a person.
    pub task: Option<TaskId>,
    /// The claim under which it runs, where a queue has handed it out.
    pub lease: Option<LeaseRef>,
    /// The job that asked for it, by the id under which people know it.
    pub job: Option<JobId>,
    /// What is read, parents before their children.
    pub entities: Vec<EntityPlan>,
    /// Names whose value is emptied before a payload is stored.
    pub redact: Vec<String>,
    /// What maps its records; who makes the plan finds that out.
    pub mappings: Mappings,
    /// What the manifest declares of these entities and this version does not act on.
    pub not_yet: Vec<String>,
}

/// Which package runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PackageRef {
    /// `publisher/id`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `sha256:…`.
    pub digest: String,
}

/// How one entity is read.
#[derive(Clone, Debug)]
pub struct EntityPlan {
    /// Its name in the manifest.
    pub name: String,
    /// Full reads, feeds and windows.
    pub rule: ReadRule,
    /// Whether the provider lists deletions apart.
    pub lists_deletions: bool,
    /// The entities of which records are gone that a full read does not show; itself, and of those
    /// that come with it.
    pub absent: Vec<String>,
    /// Records per page, a hint for the adapter.
    pub page: u32,
    /// The fields wanted; empty means all.
    pub fields: Vec<String>,
    /// Other entities whose records come with it.
    pub yields: Vec<String>,
    /// The parts that it is read in.
    pub parts: PartsFrom,
}

/// Where the parts of an entity come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PartsFrom {
    /// It is read as a whole.
    Whole,
    /// One part per stored record of this entity.
    Parent(String),
    /// One part per instance that the account offers.
    Discovery,
}

/// What somebody asked to be read.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The entities; none means all.
    pub entities: Vec<String>,
    /// The fields of an entity; an entity that is not named here is read with all of them.
    pub fields: BTreeMap<String, Vec<String>>,
}

/// Why a choice cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The manifest does not know the name.
    #[error("the package has no entity `{name}`; choose from: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The entity is only ever returned by another one.
    #[error("entity `{name}` comes with `{with}` and is not read by itself; choose `{with}`")]
    ComesWith {
        /// What was asked for.
        name: String,
        /// What returns it.
        with: String,
    },
    /// Fields were named for an entity that is not read.
    #[error("fields are chosen for entity `{0}`, which is not among the entities to read")]
    FieldsOfUnread(String),
}

impl SyncPlan {
    /// Narrows a manifest to what was asked for.
    pub fn of(
        package: PackageRef,
        manifest: &Manifest,
        connection: &Connection,
        choice: &Choice,
    ) -> Result<Self, PlanError> {
        let mut chosen = chosen(manifest, choice)?;
        if let Some(name) = choice.fields.keys().find(|name| !chosen.contains(name.as_str())) {
            let known = manifest.entities.contains_key(name);
            let unread = || PlanError::FieldsOfUnread(name.clone());
            return Err(if known { unread() } else { unknown(manifest, name) });
        }
        let mut entities = Vec::with_capacity(chosen.len());
        while let Some(name) = next(manifest, &chosen) {
            chosen.remove(name);
            let fields = choice.fields.get(name).cloned().unwrap_or_default();
            let entity = manifest.entities.get(name);
            entities.extend(entity.map(|e| EntityPlan::of((name, e), manifest, fields)));
        }
        Ok(Self {
            tenant: connection.tenant.clone(),
            connection: connection.id.clone(),
            package,
            task: None,
            lease: None,
            job: None,
            not_yet: entities.iter().filter_map(|plan| not_yet(manifest, &plan.name)).collect(),
            entities,
            redact: manifest.adapter.redact.clone(),
            mappings: Mappings::default(),
        })
    }
}

/// What the manifest declares of an entity and nothing here acts on.
fn not_yet(manifest: &Manifest, name: &str) -> Option<String> {
    let deletes = &manifest.entities.get(name)?.deletes;
    let declared = deletes.contains(&manifest::Deletes::Webhook);
    declared.then(|| format!("deletes = \"webhook\" of entity `{name}`"))
}

/// The entities of which a full read shows what is gone. A list of deletions or a feed that is
/// kept for a time only may lapse; then a full read is all that tells. It tells nothing where the
/// provider does not show what is old, nor of what comes with others but is read by itself: that
/// is there, whether or not anything brings it.
fn absent((name, entity): (&str, &manifest::Entity), manifest: &Manifest) -> Vec<String> {
    if entity.full == manifest::Full::Windows || entity.history.is_some() {
        return Vec::new();
    }
    let tells = |e: &manifest::Entity| e.deletes.contains(&manifest::Deletes::Absence);
    let own = (tells(entity) || entity.kept.is_some()).then_some(name);
    let brought = |e: &manifest::Entity| e.with.as_deref() == Some(name) && tells(e);
    let with =
        entity.yields.iter().filter(|name| manifest.entities.get(*name).is_some_and(brought));
    own.into_iter().chain(with.map(String::as_str)).map(str::to_owned).collect()
}

/// The first entity whose parent is not still to come. Parents in a circle come as they stand.
fn next<'a>(manifest: &Manifest, chosen: &BTreeSet<&'a str>) -> Option<&'a str> {
    let entity = |name: &str| manifest.entities.get(name);
    let parent = |name: &str| {
        let parent = entity(name)?.per.as_deref()?;
        // A parent that comes with another entity is there once that one was read.
        Some(entity(parent)?.with.as_deref().unwrap_or(parent))
    };
    let free = |name: &&&str| !parent(name).is_some_and(|p| p != **name && chosen.contains(p));
    chosen.iter().find(free).or_else(|| chosen.first()).copied()
}

fn chosen<'a>(manifest: &'a Manifest, choice: &'a Choice) -> Result<BTreeSet<&'a str>, PlanError> {
    if choice.entities.is_empty() {
        let own = manifest.entities.iter().filter(|(_, e)| e.with.is_none());
        return Ok(own.map(|(name, _)| name.as_str()).collect());
    }
    let mut chosen = BTreeSet::new();
    for name in &choice.entities {
        let entity = manifest.entities.get(name).ok_or_else(|| unknown(manifest, name))?;
        if let Some(with) = &entity.with {
            return Err(PlanError::ComesWith { name: name.clone(), with: with.clone() });
        }
        chosen.insert(name.as_str());
    }
    Ok(chosen)
}

fn unknown(manifest: &Manifest, name: &str) -> PlanError {
    let known = manifest.entities.iter().filter(|(_, e)| e.with.is_none());
    let known: Vec<_> = known.map(|(name, _)| name.as_str()).collect();
    PlanError::Unknown { name: name.to_owned(), known: known.join(", ") }
}

impl EntityPlan {
    /// Whether a full read begins that shows what is gone.
    pub(super) fn tells_absence(&self, progress: &Progress) -> bool {
        let begins = progress.selection == Selection::All && progress.checkpoint.is_none();
        begins && !self.absent.is_empty()
    }

    fn of(
        (name, entity): (&str, &manifest::Entity),
        manifest: &Manifest,
        fields: Vec<String>,
    ) -> Self {
        let window = entity.window.as_ref();
        let rule = ReadRule {
            cursor: match entity.cursor {
                manifest::Cursor::Window => Cursor::Window,
                manifest::Cursor::Feed => Cursor::Feed,
                manifest::Cursor::Scan => Cursor::Scan,
            },
            full: match entity.full {
                manifest::Full::Scan => Full::Scan,
                manifest::Full::Windows => Full::Windows,
            },
            step: window.map_or(Duration::ZERO, |w| w.step),
            granularity: window.and_then(|w| w.granularity).unwrap_or(Duration::ZERO),
            lag: entity.lag,
            lookback: entity.lookback,
            history: entity.history.unwrap_or(Duration::ZERO),
            kept: entity.kept.unwrap_or(Duration::ZERO),
        };
        let parts = match &entity.per {
            Some(parent) => PartsFrom::Parent(parent.clone()),
            None if entity.dynamic => PartsFrom::Discovery,
            None => PartsFrom::Whole,
        };
        Self {
            name: name.to_owned(),
            rule,
            lists_deletions: entity.deletes.contains(&manifest::Deletes::List),
            absent: absent((name, entity), manifest),
            page: entity.page,
            fields,
            yields: entity.yields.clone(),
            parts,
        }
    }
}
