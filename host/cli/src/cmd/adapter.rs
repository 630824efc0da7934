//! `plughouse adapter`: what an author and a reviewer need.

mod build;
mod folder;
mod inspect;
mod new;
mod pack;
mod sign;
mod test;
mod verify;

use std::path::Path;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use clap::Subcommand;
use package::bundle::Bundle;

pub(crate) use self::build::build;
pub(crate) use self::pack::pack;
pub(crate) use self::sign::sign;

use crate::Global;
use crate::exit::Exit;

/// What can be done with an adapter.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a new adapter from the template.
    New(new::Args),
    /// Builds the adapter of a folder into `dist/adapter.wasm`.
    Build(build::Args),
    /// Runs the adapter's own tests, then its cases through the sandbox.
    Test(test::Args),
    /// Packs a built adapter into `dist/PUBLISHER-ID-VERSION.plug`.
    Pack(pack::Args),
    /// Adds a release or review signature to a package.
    Sign(sign::Args),
    /// Says whether this host would trust a package, and why.
    Verify(verify::Args),
    /// Shows what a package holds and what it asks for.
    Inspect(inspect::Args),
}

/// Runs the subcommand.
pub(crate) async fn run(global: &Global, command: Command) -> Result<Exit> {
    match command {
        Command::New(args) => new::run(global, &args),
        Command::Build(args) => build::run(global, &args),
        Command::Test(args) => test::run(global, &args).await,
        Command::Pack(args) => pack::run(global, &args),
        Command::Sign(args) => sign::run(global, &args),
        Command::Verify(args) => verify::run(global, &args).await,
        Command::Inspect(args) => inspect::run(global, &args),
    }
}

/// Reads a package file; what it says of itself is not trusted yet.
fn read_bundle(file: &Path) -> Result<Bundle> {
    let bytes = std::fs::read(file).with_context(|| format!("read package {}", file.display()))?;
    Bundle::read(Bytes::from(bytes)).with_context(|| format!("read package {}", file.display()))
}
