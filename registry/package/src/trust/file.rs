//! Reading `trust.toml`.

use std::collections::{BTreeMap, BTreeSet};

use super::{KeyState, OnStale, Party, Registry, Revocation, Revoked, TrustFile, TrustedKey};
use crate::document::{Decode, Document, FileError, Item, Table};
use crate::hex::is_digest;
use crate::key::{KeyId, PublicKey};
use crate::manifest::{is_package_name, is_publisher};

/// The file's name in complaints.
pub(super) const FILE: &str = "trust.toml";
/// The only version of the format.
const VERSION: u32 = 1;
/// How a name of a party is written.
const NAME_HELP: &str = "write a lower-case letter, then 1 to 38 letters, digits and `-`";

impl TrustFile {
    /// Reads a trust file and checks that no key and no namespace has two owners.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let document = Document::parse(FILE, text)?;
        let root = document.root();
        let version: u32 = root.required("version")?;
        if version != VERSION {
            let message = format!("version {version} is not known");
            return Err(root.complain_at("version", message, "write version = 1"));
        }
        let publishers = root.or("publisher", BTreeMap::<String, Publisher>::new())?;
        let reviewers = root.or("reviewer", BTreeMap::<String, Reviewer>::new())?;
        let file = Self {
            review: root.required("review")?,
            publishers: publishers.into_iter().map(|(name, it)| it.named(name)).collect(),
            reviewers: reviewers.into_iter().map(|(name, it)| (name, it.0)).collect(),
            revoked: root.or("revoked", Vec::new())?,
            registry: root.optional("registry")?,
        };
        root.finish()?;
        check_names(&document, &file)?;
        check_keys(&document, &file)?;
        check_namespaces(&document, &file)?;
        Ok(file)
    }
}

fn parties(file: &TrustFile) -> impl Iterator<Item = (&'static str, &String, &Party)> {
    let publishers = file.publishers.iter().map(|(name, party)| ("publisher", name, party));
    publishers.chain(file.reviewers.iter().map(|(name, party)| ("reviewer", name, party)))
}

fn check_names(document: &Document<'_>, file: &TrustFile) -> Result<(), FileError> {
    match parties(file).find(|(_, name, _)| !is_publisher(name)) {
        None => Ok(()),
        Some((role, name, _)) => {
            Err(document.complain(&[role, name], format!("`{name}` is no name"), NAME_HELP))
        }
    }
}

/// A key with two owners could sign a package and approve it too.
fn check_keys(document: &Document<'_>, file: &TrustFile) -> Result<(), FileError> {
    let mut owners = BTreeMap::new();
    for (role, name, party) in parties(file) {
        for (index, key) in party.keys.iter().enumerate() {
            if let Some(owner) = owners.insert(&key.id, format!("{role}.{name}")) {
                let path = [role, name, "keys", &index.to_string()];
                let message = format!("the key {} is {owner}'s already", key.id);
                let help = "give everyone keys of their own: `plughouse key new`";
                return Err(document.complain(&path, message, help));
            }
        }
    }
    Ok(())
}

fn check_namespaces(document: &Document<'_>, file: &TrustFile) -> Result<(), FileError> {
    let mut owners = BTreeMap::new();
    for (name, party) in &file.publishers {
        for namespace in &party.namespaces {
            if !is_publisher(namespace) {
                let path = ["publisher", name, "namespaces"];
                let message = format!("`{namespace}` is no namespace");
                return Err(document.complain(&path, message, NAME_HELP));
            }
            if let Some(owner) = owners.insert(namespace, name) {
                let path = ["publisher", name, "namespaces"];
                let message = format!("the namespace `{namespace}` is publisher.{owner}'s already");
                return Err(document.complain(&path, message, "let one publisher have it"));
            }
        }
    }
    Ok(())
}

struct Publisher(Party);

impl Publisher {
    fn named(self, name: String) -> (String, Party) {
        let mut party = self.0;
        if party.namespaces.is_empty() {
            party.namespaces.push(name.clone());
        }
        (name, party)
    }
}

impl Decode for Publisher {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let namespaces = table.or("namespaces", Vec::new())?;
        let party = Party { namespaces, ..party(&table)? };
        table.finish()?;
        Ok(Self(party))
    }
}

struct Reviewer(Party);

impl Decode for Reviewer {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let party = party(&table)?;
        table.finish()?;
        Ok(Self(party))
    }
}

fn party(table: &Table<'_>) -> Result<Party, FileError> {
    let party = Party {
        namespaces: Vec::new(),
        threshold: table.or("threshold", 1)?,
        keys: table.required("keys")?,
    };
    let most = u32::try_from(party.keys.len()).unwrap_or(u32::MAX);
    if party.threshold == 0 || party.threshold > most {
        let message = format!("{} signatures of {most} keys can never be", party.threshold);
        let help = "write a threshold from 1 to the number of keys, or add keys";
        return Err(table.complain_at("threshold", message, help));
    }
    Ok(party)
}

impl Decode for KeyId {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.parsed(str::parse, "write what `plughouse key show` prints as id")
    }
}

impl Decode for PublicKey {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.parsed(Self::from_base64, "write what `plughouse key show` prints as public")
    }
}

impl Decode for TrustedKey {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let key = Self {
            id: table.required("id")?,
            public: table.required("public")?,
            state: table.or("state", KeyState::Active)?,
            kept: kept(&table)?,
        };
        let id = key.public.id();
        if key.id != id {
            let message = format!("the id of this key is {id}, not {}", key.id);
            return Err(table.complain_at("id", message, "write the id that belongs to `public`"));
        }
        if key.state != KeyState::Revoked && !key.kept.is_empty() {
            let help = "write state = \"revoked\", or remove it";
            return Err(table.complain_at("kept", "`kept` is for revoked keys", help));
        }
        table.finish()?;
        Ok(key)
    }
}

fn kept(table: &Table<'_>) -> Result<BTreeSet<String>, FileError> {
    let kept = table.or::<Vec<String>>("kept", Vec::new())?;
    match kept.iter().find(|digest| !is_digest(digest)) {
        None => Ok(kept.into_iter().collect()),
        Some(digest) => {
            let message = format!("`{digest}` is no digest of a package");
            Err(table.complain_at("kept", message, "write sha256: and 64 hex digits"))
        }
    }
}

impl Decode for Revocation {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let reason: String = table.required("reason")?;
        if reason.trim().is_empty() {
            return Err(table.complain_at("reason", "the reason is empty", "write why"));
        }
        let revocation = Self { target: target(&table)?, reason, kept: kept(&table)? };
        if !matches!(revocation.target, Revoked::Key(_)) && !revocation.kept.is_empty() {
            return Err(table.complain_at("kept", "`kept` is for revoked keys", "remove it"));
        }
        table.finish()?;
        Ok(revocation)
    }
}

fn target(table: &Table<'_>) -> Result<Revoked, FileError> {
    let digest: Option<String> = table.optional("digest")?;
    let key = table.optional("key")?;
    let package: Option<String> = table.optional("package")?;
    let versions: Option<String> = table.optional("versions")?;
    let versions = versions.map(|text| text.parse()).transpose();
    let versions = versions.map_err(|error: super::RangeError| {
        let message = format!("`versions`: {error}");
        table.complain_at("versions", message, "write as in \">=1.0.0, <1.2.3\"")
    })?;
    match (digest, key, package) {
        (None, None, Some(name)) if is_package_name(&name) => {
            Ok(Revoked::Package { name, versions })
        }
        (None, None, Some(name)) => {
            let message = format!("`{name}` is no name of a package");
            Err(table.complain_at("package", message, "write publisher/id"))
        }
        _ if versions.is_some() => {
            let help = "add package = \"publisher/id\", or remove it";
            Err(table.complain_at("versions", "`versions` is for a package", help))
        }
        (Some(digest), None, None) if is_digest(&digest) => Ok(Revoked::Digest(digest)),
        (Some(digest), None, None) => {
            let message = format!("`{digest}` is no digest of a package");
            Err(table.complain_at("digest", message, "write sha256: and 64 hex digits"))
        }
        (None, Some(key), None) => Ok(Revoked::Key(key)),
        _ => {
            let message = "a revocation must say once what it revokes";
            Err(table.complain(message, "write exactly one of digest, key, package"))
        }
    }
}

impl Decode for Registry {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let table = item.table()?;
        let registry = Self {
            url: table.required("url")?,
            root: table.required("root")?,
            on_stale: table.or("on_stale", OnStale::Warn)?,
        };
        if !registry.url.starts_with("https://") {
            let message = format!("`{}` is no address of a registry", registry.url);
            return Err(table.complain_at("url", message, "write https://host"));
        }
        table.finish()?;
        Ok(registry)
    }
}
