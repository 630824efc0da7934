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
use crate::wire::TrustEntry;

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
            let key = generate()?;
            let wrote = format!("\nwrote {0} and {0}.pub", file.display());
            (key.public(), wrote + &make(global, &key, &file, trust.as_deref())?)
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

/// Writes the key and trusts it, or does neither; what there is to say of the trust.
fn make(global: &Global, key: &PrivateKey, file: &Path, trust: Option<&str>) -> Result<String> {
    let entry = trust.map(|name| TrustEntry::new(&global.data, name, &key.public())).transpose()?;
    save(key, file)?;
    let Some((entry, publisher)) = entry.zip(trust) else { return Ok(String::new()) };
    if let Err(error) = entry.write() {
        fs::remove_file(file)?;
        fs::remove_file(public_path(file))?;
        return Err(error);
    }
    Ok(format!("\n{publisher} is trusted with it on this host"))
}

/// Makes a key.
pub(crate) fn generate() -> Result<PrivateKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("get random bytes from the system")?;
    Ok(PrivateKey::from_seed(seed))
}

/// Writes a key pair.
pub(crate) fn save(key: &PrivateKey, file: &Path) -> Result<()> {
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
    create(&public_path(file), 0o644, &key.public().to_pem()).inspect_err(|_refused| {
        // A private key without its public part is of no use; what cannot be removed stays.
        fs::remove_file(file).unwrap_or_default();
    })
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
