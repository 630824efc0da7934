//! `plughouse adapter inspect`: what a package holds and asks for, without trusting it.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use package::manifest::Manifest;
use package::permissions::Permissions;
use serde::Serialize;

use crate::Global;
use crate::exit::Exit;

/// Which package.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The package file.
    file: PathBuf,
}

/// What it says of itself.
#[derive(Debug, Serialize)]
struct Inspected {
    name: String,
    version: String,
    digest: String,
    summary: String,
    license: String,
    entities: Vec<String>,
    members: Vec<Member>,
    signatures: Vec<Signature>,
    permissions: Permissions,
}

#[derive(Debug, Serialize)]
struct Member {
    name: String,
    bytes: usize,
}

#[derive(Debug, Serialize)]
struct Signature {
    keys: Vec<String>,
}

/// Shows it.
pub(crate) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let bundle = super::read_bundle(&args.file)?;
    let manifest = Manifest::parse(bundle.manifest_text())?;
    let members = bundle.members().iter();
    let inspected = Inspected {
        name: manifest.name(),
        version: manifest.adapter.version.to_string(),
        digest: bundle.digest().to_owned(),
        summary: manifest.adapter.summary.clone(),
        license: manifest.adapter.license.clone(),
        entities: manifest.entities.keys().cloned().collect(),
        members: members.map(|(name, b)| Member { name: name.clone(), bytes: b.len() }).collect(),
        signatures: bundle
            .envelopes()
            .iter()
            .map(|e| Signature { keys: e.key_ids().map(ToString::to_string).collect() })
            .collect(),
        permissions: Permissions::of(&manifest),
    };
    global.output().result(&inspected, text(&inspected)?)?;
    Ok(Exit::Done)
}

fn text(of: &Inspected) -> Result<String> {
    let mut text = format!("{} {}\n{}\n{}\n", of.name, of.version, of.summary, of.digest);
    writeln!(text, "licence     {}", of.license)?;
    writeln!(text, "entities    {}", of.entities.join(", "))?;
    writeln!(text, "\nasks for")?;
    for line in of.permissions.summary() {
        writeln!(text, "  {line}")?;
    }
    writeln!(text, "\nholds")?;
    for member in &of.members {
        writeln!(text, "  {:9} {}", member.bytes, member.name)?;
    }
    writeln!(text, "\nsignatures (`plughouse adapter verify` says whether this host trusts them)")?;
    for key in of.signatures.iter().flat_map(|s| &s.keys) {
        writeln!(text, "  {key}")?;
    }
    if of.signatures.is_empty() {
        writeln!(text, "  none: `plughouse adapter sign` adds one")?;
    }
    Ok(text.trim_end().to_owned())
}
