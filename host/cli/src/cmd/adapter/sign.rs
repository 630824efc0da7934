//! `plughouse adapter sign`: one more envelope in the package, its identity unchanged.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use package::Bundle;
use package::envelope::{Envelope, IN_TOTO};
use package::key::PrivateKey;
use package::manifest::Manifest;
use package::statement::{Review, Statement, Verdict};
use serde::Serialize;

use crate::Global;
use crate::cmd::key::read_private;
use crate::exit::Exit;

/// What to sign, with which key, as whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The package file; the signature is added to it.
    file: PathBuf,
    /// The private key file.
    #[arg(long)]
    key: PathBuf,
    /// Signs as a reviewer, with this verdict, instead of as the publisher.
    #[arg(long, requires = "reviewer")]
    review: Option<Answer>,
    /// The reviewer's name in trust files.
    #[arg(long, requires = "review")]
    reviewer: Option<String>,
}

/// A verdict as it is written on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Answer {
    Approved,
    Rejected,
}

/// The set of gates that a review by hand answers to: none.
const BY_HAND: &str = "by-hand";

/// What was signed.
#[derive(Debug, Serialize)]
pub(super) struct Signed {
    name: String,
    version: String,
    digest: String,
    key: String,
}

/// Signs and says what.
pub(crate) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let key = read_private(&args.key)?;
    let review = args.review.zip(args.reviewer.clone()).map(|(answer, reviewer)| Review {
        verdict: match answer {
            Answer::Approved => Verdict::Approved,
            Answer::Rejected => Verdict::Rejected,
        },
        reviewer,
        policy: BY_HAND.to_owned(),
        gates: Vec::new(),
        checklist: Vec::new(),
        previous: None,
        report: None,
        tool: None,
    });
    let signed = sign_file(&args.file, &key, review)?;
    let Signed { name, version, digest, key } = &signed;
    global.output().result(&signed, format!("signed {name} {version} with key {key}\n{digest}"))?;
    Ok(Exit::Done)
}

/// Signs a package file as a release.
pub(crate) fn sign(file: &Path, key: &PrivateKey) -> Result<()> {
    sign_file(file, key, None).map(drop)
}

fn sign_file(file: &Path, key: &PrivateKey, review: Option<Review>) -> Result<Signed> {
    let mut bundle = super::read_bundle(file)?;
    let signed = add(&mut bundle, key, review)?;
    fs::write(file, bundle.to_bytes())
        .with_context(|| format!("write package {}", file.display()))?;
    Ok(signed)
}

/// Adds a signature to a package: a release, unless it is a review.
pub(super) fn add(bundle: &mut Bundle, key: &PrivateKey, review: Option<Review>) -> Result<Signed> {
    let manifest = Manifest::parse(bundle.manifest_text())?;
    let (name, version) = (manifest.name(), manifest.adapter.version.to_string());
    let statement = match review {
        Some(review) => Statement::review(&format!("{name}@{version}"), bundle.digest(), review),
        None => Statement::release(&name, &version, bundle.digest()),
    };
    bundle.add_envelope(Envelope::sign(key, IN_TOTO, &statement.to_json()))?;
    let digest = bundle.digest().to_owned();
    Ok(Signed { name, version, digest, key: key.public().id().to_string() })
}
