//! `plughouse adapter new`: a working adapter to begin from.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use package::manifest::{ID_RULE, PUBLISHER_RULE, is_id, is_publisher};
use serde::Serialize;

use crate::Global;
use crate::exit::Exit;

/// What to call it and whose it is.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The provider: lower-case letters, digits, `_` and `-`, beginning with a letter.
    id: String,
    /// Who publishes it: lower-case letters, digits and `-`, beginning with a letter.
    #[arg(long, default_value = "acme")]
    publisher: String,
    /// Where to put it; otherwise a new folder named after the provider.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The folder of the SDK's crates; otherwise the one this program was built with.
    #[arg(
        long,
        env = "PLUGHOUSE_SDK",
        hide_env_values = true,
        default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk"),
        hide_default_value = true
    )]
    sdk: PathBuf,
}

macro_rules! template {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../../sdk/template/", $name)))
    };
}

/// The template's files: path and text with holes.
const FILES: &[(&str, &str)] = &[
    template!(".gitignore"),
    template!("Cargo.toml"),
    template!("README.md"),
    template!("adapter.toml"),
    template!("clippy.toml"),
    template!("fixtures/items.case.json"),
    template!("fixtures/items.cassette.jsonl"),
    template!("src/lib.rs"),
];

/// What was made.
#[derive(Debug, Serialize)]
struct Made {
    dir: PathBuf,
    files: Vec<&'static str>,
}

/// Makes the adapter and says what to do next.
pub(crate) fn run(global: &Global, args: &Args) -> Result<Exit> {
    ensure!(is_id(&args.id), "`{}` is no name of an adapter: {ID_RULE}", args.id);
    let publisher = &args.publisher;
    ensure!(is_publisher(publisher), "`{publisher}` is no name of a publisher: {PUBLISHER_RULE}");
    let sdk = args.sdk.join("guest").canonicalize().with_context(|| {
        format!("the SDK is not in {}: say where with --sdk", args.sdk.display())
    })?;
    let sdk = sdk.parent().unwrap_or(&sdk);
    let dir = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.id));
    ensure!(!dir.exists(), "{} exists already: choose another --dir", dir.display());
    for (name, text) in FILES {
        let path = dir.join(name);
        write(&path, &fill(text, args, sdk))
            .with_context(|| format!("write {}", path.display()))?;
    }
    let made = Made { files: FILES.iter().map(|(name, _)| *name).collect(), dir };
    let text = format!("made {0}\nnext: plughouse adapter test {0}", made.dir.display());
    global.output().result(&made, text)?;
    Ok(Exit::Done)
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(path, text)?)
}

fn fill(text: &str, args: &Args, sdk: &Path) -> String {
    text.replace("{{id}}", &args.id)
        .replace("{{crate}}", &args.id.replace('_', "-"))
        .replace("{{publisher}}", &args.publisher)
        .replace("{{sdk}}", &sdk.display().to_string())
}
