//! `contents.json`: the list of members whose digest is the identity of a package.
//!
//! A closed subset of an OCI image manifest, so that a package can be pushed to an OCI registry
//! as it is.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{BundleError, MEMBERS_MAX, MODULE, is_member};
use crate::manifest;

const SCHEMA_VERSION: u32 = 2;
const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const ARTIFACT_TYPE: &str = "application/vnd.plughouse.adapter.v1";

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Contents {
    schema_version: u32,
    media_type: String,
    artifact_type: String,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

/// A member as the list has it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
    annotations: Annotations,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Annotations {
    #[serde(rename = "org.opencontainers.image.title")]
    title: String,
}

impl Descriptor {
    fn of(title: &str, body: &[u8]) -> Self {
        Self {
            media_type: media_type(title).to_owned(),
            digest: format!("sha256:{}", crate::hex::sha256(body)),
            size: u64::try_from(body.len()).unwrap_or(u64::MAX),
            annotations: Annotations { title: title.to_owned() },
        }
    }

    /// The member's name.
    pub(super) fn title(&self) -> &str {
        &self.annotations.title
    }

    /// Checks that a member is the one that was listed.
    pub(super) fn check(&self, body: &[u8]) -> Result<(), BundleError> {
        let found = Self::of(self.title(), body);
        if found.size != self.size || found.digest != self.digest {
            return Err(BundleError::Digest(self.title().to_owned()));
        }
        Ok(())
    }
}

/// Writes the list of some members.
pub(super) fn write(members: &BTreeMap<String, Bytes>) -> Result<Vec<u8>, BundleError> {
    let descriptor = |title: &str| {
        let body = members.get(title).ok_or_else(|| BundleError::Missing(title.to_owned()))?;
        Ok(Descriptor::of(title, body))
    };
    let rest = members.keys().filter(|title| ![manifest::FILE, MODULE].contains(&title.as_str()));
    let titles = [MODULE].into_iter().chain(rest.map(String::as_str));
    let contents = Contents {
        schema_version: SCHEMA_VERSION,
        media_type: MEDIA_TYPE.to_owned(),
        artifact_type: ARTIFACT_TYPE.to_owned(),
        config: descriptor(manifest::FILE)?,
        layers: titles.map(descriptor).collect::<Result<_, _>>()?,
    };
    serde_json::to_vec(&contents).map_err(|error| BundleError::Contents(error.to_string()))
}

/// Reads the list: the members in their order, `adapter.toml` first.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Descriptor>, BundleError> {
    let contents: Contents =
        crate::json::from_slice(bytes).map_err(|error| BundleError::Contents(error.to_string()))?;
    let fixed = [
        ("mediaType", contents.media_type.as_str(), MEDIA_TYPE),
        ("artifactType", contents.artifact_type.as_str(), ARTIFACT_TYPE),
    ];
    if contents.schema_version != SCHEMA_VERSION {
        let message = format!("schemaVersion is {}, not 2", contents.schema_version);
        return Err(BundleError::Contents(message));
    }
    if let Some((key, found, wanted)) = fixed.iter().find(|(_, found, wanted)| found != wanted) {
        return Err(BundleError::Contents(format!("{key} is `{found}`, not `{wanted}`")));
    }
    let mut members = vec![contents.config];
    members.extend(contents.layers);
    check_titles(&members)?;
    for member in &members {
        let wanted = media_type(member.title());
        if member.media_type != wanted {
            let title = member.title();
            let message =
                format!("the mediaType of {title} is `{}`, not `{wanted}`", member.media_type);
            return Err(BundleError::Contents(message));
        }
    }
    Ok(members)
}

fn check_titles(members: &[Descriptor]) -> Result<(), BundleError> {
    if members.len() > MEMBERS_MAX {
        return Err(BundleError::Count);
    }
    let titles: Vec<&str> = members.iter().map(Descriptor::title).collect();
    if let Some(title) = titles.iter().find(|title| !is_member(title)) {
        return Err(BundleError::Name((*title).to_owned()));
    }
    for (index, fixed) in [manifest::FILE, MODULE].into_iter().enumerate() {
        if !titles.contains(&fixed) {
            return Err(BundleError::Missing(fixed.to_owned()));
        }
        if titles.get(index) != Some(&fixed) {
            return Err(BundleError::Order(fixed.to_owned()));
        }
    }
    let rest = titles.get(2..).unwrap_or_default();
    for (before, title) in rest.iter().zip(rest.iter().skip(1)) {
        if before == title {
            return Err(BundleError::Repeated((*title).to_owned()));
        }
        if before > title {
            return Err(BundleError::Order((*title).to_owned()));
        }
    }
    match rest.iter().find(|title| [manifest::FILE, MODULE].contains(title)) {
        Some(title) => Err(BundleError::Repeated((*title).to_owned())),
        None => Ok(()),
    }
}

/// The media type of a member, which its name alone decides.
fn media_type(title: &str) -> &'static str {
    match title.rsplit_once('.') {
        _ if title == manifest::FILE => "application/vnd.plughouse.manifest.v1+toml",
        Some((_, "wasm")) if title == MODULE => "application/wasm",
        Some((_, "json")) => "application/json",
        Some((_, "toml")) => "application/toml",
        Some((_, "md")) => "text/markdown",
        _ => "application/octet-stream",
    }
}
