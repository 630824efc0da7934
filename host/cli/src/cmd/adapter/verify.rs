//! `plughouse adapter verify`: would this host take the package?

use std::path::PathBuf;

use anyhow::Result;
use model::store::Catalogue as _;
use package::Phase;
use package::trust::Trust;
use serde::Serialize;

use crate::exit::{Exit, Refusal};
use crate::{Global, wire};

/// Which package.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The package file.
    file: PathBuf,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Found<'a> {
    name: &'a str,
    version: String,
    digest: &'a str,
    signers: Vec<Signer<'a>>,
    reviewers: Vec<Signer<'a>>,
}

/// Whose signature counts, and by which key.
#[derive(Debug, Serialize)]
struct Signer<'a> {
    owner: &'a str,
    key: String,
}

/// Verifies as an installation would.
pub(crate) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let bundle = super::read_bundle(&global.terminal.path(&args.file))
        .map_err(|e| Refusal(format!("{e:#}")))?;
    let file = wire::trust_file(&global.data)?;
    let state = if wire::has_store(&global.data) {
        wire::open_store(global)?.trust_state().await?
    } else {
        model::store::TrustState::default()
    };
    let trust = Trust::new(file, &state.floors, &state.revoked)?;
    let verified = package::verify(bundle, &trust, Phase::Install)
        .map_err(|error| Refusal(error.to_string()))?;
    engine::mapping::check_package(&verified).map_err(|error| Refusal(error.to_string()))?;
    let found = Found {
        name: verified.name(),
        version: verified.version().to_string(),
        digest: verified.digest(),
        signers: signers(verified.signers()),
        reviewers: signers(verified.reviewers()),
    };
    let text = format!(
        "{} {} would be accepted\n{}\nsigned by    {}\nreviewed by  {}",
        found.name,
        found.version,
        found.digest,
        names(&found.signers),
        names(&found.reviewers),
    );
    global.output().result(&found, text)?;
    Ok(Exit::Done)
}

fn signers(signers: &[package::Signer]) -> Vec<Signer<'_>> {
    signers.iter().map(|s| Signer { owner: &s.owner, key: s.key.to_string() }).collect()
}

fn names(signers: &[Signer<'_>]) -> String {
    let names: Vec<_> = signers.iter().map(|s| format!("{} ({})", s.owner, s.key)).collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}
