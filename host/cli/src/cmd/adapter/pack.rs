//! `plughouse adapter pack`: a folder becomes one deterministic file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use package::bundle;
use package::manifest::Manifest;
use serde::Serialize;

use super::build::{COMPONENT, DIST};
use super::folder::Folder;
use crate::Global;
use crate::exit::Exit;

/// Which adapter, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    folder: Folder,
    /// The package file; otherwise `dist/PUBLISHER-ID-VERSION.plug`.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Files of the folder that go into the package beside the manifest and the component.
const EXTRA_FILES: &[&str] = &["README.md", "CHANGELOG.md", "LICENSE", "sbom.json"];

/// Folders that go into the package with everything in them.
const EXTRA_DIRS: &[&str] = &["fixtures", "mappings", "schemas"];

/// What was packed.
#[derive(Debug, Serialize)]
struct Packed {
    file: PathBuf,
    name: String,
    version: String,
    digest: String,
}

/// Packs and says what came of it.
pub(crate) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let dir = args.folder.find(&global.output())?;
    let file = pack(&dir, args.out.as_deref())?;
    let bundle = super::read_bundle(&file)?;
    let manifest = read_manifest(&dir)?;
    let packed = Packed {
        name: manifest.name(),
        version: manifest.adapter.version.to_string(),
        digest: bundle.digest().to_owned(),
        file,
    };
    let text = format!(
        "packed {} {} into {}\n{}",
        packed.name,
        packed.version,
        packed.file.display(),
        packed.digest
    );
    global.output().result(&packed, text)?;
    Ok(Exit::Done)
}

/// Packs the adapter in `dir`; the path of the package.
pub(crate) fn pack(dir: &Path, out: Option<&Path>) -> Result<PathBuf> {
    let manifest = read_manifest(dir)?;
    let bytes = bundle::pack(members(dir)?).context("pack the adapter")?;
    let adapter = &manifest.adapter;
    let file = out.map_or_else(
        || {
            let name = format!("{}-{}-{}.plug", adapter.publisher, adapter.id, adapter.version);
            dir.join(DIST).join(name)
        },
        PathBuf::from,
    );
    fs::write(&file, bytes).with_context(|| format!("write package {}", file.display()))?;
    Ok(file)
}

/// The manifest of the adapter in `dir`.
pub(crate) fn read_manifest(dir: &Path) -> Result<Manifest> {
    let path = dir.join("adapter.toml");
    let text =
        fs::read_to_string(&path).with_context(|| format!("read manifest {}", path.display()))?;
    Manifest::parse(&text).with_context(|| format!("read manifest {}", path.display()))
}

fn members(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut members = BTreeMap::new();
    let component = dir.join(DIST).join(COMPONENT);
    let wasm = fs::read(&component).with_context(|| {
        format!("read {}: run `plughouse adapter build` first", component.display())
    })?;
    members.insert(COMPONENT.to_owned(), wasm);
    members.insert("adapter.toml".to_owned(), fs::read(dir.join("adapter.toml"))?);
    for name in EXTRA_FILES {
        if let Ok(bytes) = fs::read(dir.join(name)) {
            members.insert((*name).to_owned(), bytes);
        }
    }
    for name in EXTRA_DIRS {
        folder(dir, name, &mut members)?;
    }
    Ok(members)
}

fn folder(dir: &Path, name: &str, members: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    let Ok(entries) = fs::read_dir(dir.join(name)) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let file = entry.file_name();
        let file = file.to_str().with_context(|| format!("{name}: a file name is not UTF-8"))?;
        let member = format!("{name}/{file}");
        if entry.file_type()?.is_dir() {
            folder(dir, &member, members)?;
        } else {
            members.insert(member, fs::read(entry.path())?);
        }
    }
    Ok(())
}
