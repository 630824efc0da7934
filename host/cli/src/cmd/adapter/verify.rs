//! `plughouse adapter verify`: would this host take the package?

use std::path::PathBuf;

use anyhow::Result;
use model::store::Catalogue as _;
use package::trust::Trust;
use package::{Phase, Verified};
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
    signers: Vec<String>,
    reviewers: Vec<String>,
}

/// Verifies as an installation would.
pub(crate) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let bundle = super::read_bundle(&args.file).map_err(|e| Refusal(format!("{e:#}")))?;
    let file = wire::trust_file(&global.data)?;
    let state = if global.data.exists() {
        wire::open_store(global)?.trust_state().await?
    } else {
        model::store::TrustState::default()
    };
    let trust = Trust::new(file, &state.floors, &state.revoked)?;
    let verified = package::verify(bundle, &trust, Phase::Install)
        .map_err(|error| Refusal(error.to_string()))?;
    let found = Found {
        name: verified.name(),
        version: verified.version().to_string(),
        digest: verified.digest(),
        signers: signers(&verified, false),
        reviewers: signers(&verified, true),
    };
    let text = format!(
        "{} {} would be accepted\n{}\nsigned by    {}\nreviewed by  {}",
        found.name,
        found.version,
        found.digest,
        found.signers.join(", "),
        if found.reviewers.is_empty() { "nobody".to_owned() } else { found.reviewers.join(", ") },
    );
    global.output().result(&found, text)?;
    Ok(Exit::Done)
}

fn signers(verified: &Verified, reviews: bool) -> Vec<String> {
    let signers = if reviews { verified.reviewers() } else { verified.signers() };
    signers.iter().map(|s| format!("{} ({})", s.owner, s.key)).collect()
}
