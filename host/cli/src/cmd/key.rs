//! `plughouse key`: ed25519 signing keys, as PKCS#8 files that OpenSSL reads too.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Subcommand;
use package::key::{PrivateKey, PublicKey};
use serde::Serialize;

use crate::Global;
use crate::exit::Exit;
use crate::wire;

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a key pair: FILE (private, mode 0600) and FILE.pub.
    New {
        /// Where the private key goes; an existing file is never overwritten.
        file: PathBuf,
        /// Trust the key: enter it in this host's trust.toml as a key of this publisher.
        #[arg(long, value_name = "PUBLISHER")]
        trust: Option<String>,
    },
    /// Shows the id and the public part of a key.
    Show {
        /// A private or public key file.
        file: PathBuf,
    },
}

/// A key without its private part.
#[derive(Debug, Serialize)]
struct Shown {
    id: String,
    public: String,
}

/// Runs the subcommand.
pub(crate) fn run(global: &Global, command: Command) -> Result<Exit> {
    let (key, note) = match command {
        Command::New { file, trust } => {
            let key = generate(&file)?.public();
            let wrote = format!("\nwrote {0} and {0}.pub", file.display());
            let Some(publisher) = trust else { return show(global, &key, &wrote) };
            wire::trust_publisher(&global.data, &publisher, &key)?;
            (key, format!("{wrote}\n{publisher} is trusted with it on this host"))
        }
        Command::Show { file } => (read_public(&file)?, String::new()),
    };
    show(global, &key, &note)
}

fn show(global: &Global, key: &PublicKey, note: &str) -> Result<Exit> {
    let shown = Shown { id: key.id().to_string(), public: key.to_base64() };
    let text = format!("key id  {}\npublic  {}{note}", shown.id, shown.public);
    global.output().result(&shown, text)?;
    Ok(Exit::Done)
}

/// Makes a key pair on disk.
pub(crate) fn generate(file: &Path) -> Result<PrivateKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("get random bytes from the system")?;
    let key = PrivateKey::from_seed(seed);
    let create = |path: &Path, mode: u32, text: &str| -> Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true).mode(mode);
        let mut file =
            options.open(path).with_context(|| format!("create key file {}", path.display()))?;
        Ok(file.write_all(text.as_bytes())?)
    };
    create(file, 0o600, &key.to_pem()?)?;
    create(&public_path(file), 0o644, &key.public().to_pem())?;
    Ok(key)
}

/// Reads a private key.
pub(crate) fn read_private(file: &Path) -> Result<PrivateKey> {
    let text =
        fs::read_to_string(file).with_context(|| format!("read key file {}", file.display()))?;
    PrivateKey::from_pem(&text).with_context(|| format!("read key file {}", file.display()))
}

fn read_public(file: &Path) -> Result<PublicKey> {
    let text =
        fs::read_to_string(file).with_context(|| format!("read key file {}", file.display()))?;
    if text.contains("PRIVATE") {
        return Ok(read_private(file)?.public());
    }
    PublicKey::from_pem(&text).with_context(|| format!("read key file {}", file.display()))
}

fn public_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}
