//! `plughouse mapping`: how records of providers become canonical ones.

mod bind;
mod check;
mod derive;
mod impact;
mod ops;
mod preview;
mod replay;
mod saved;
mod site;
mod suggest;
mod text;

use anyhow::Result;
use clap::Subcommand;

use crate::Global;
use crate::exit::Exit;

/// What can be done with conversion schemas.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Explains the operations that a schema may use.
    Ops(ops::Args),
    /// Lists record types, or shows one.
    Types {
        /// The type, as `c_contact`.
        name: Option<String>,
    },
    /// Checks a schema or a record type without saving it.
    Check(check::Args),
    /// Shows what a schema makes of records, step by step; nothing is changed.
    Preview(preview::Args),
    /// Writes a schema for an entity, guessed from names and stored values.
    Suggest(suggest::Args),
    /// Saves a record type made of the fields that the account says an entity has, and its schema.
    Derive(derive::Args),
    /// Saves a schema or a record type as its next version.
    Put(saved::Put),
    /// Lists saved schemas and record types, and where they are used.
    List,
    /// Prints the text of a schema or a record type.
    Show(saved::Show),
    /// Says which schema maps an entity of a connection.
    Use(bind::Args),
    /// Maps the stored records of a connection again, without asking the provider.
    Replay(replay::Args),
}

impl Command {
    /// Whether it looks at the store.
    pub(crate) fn needs_store(&self) -> bool {
        !matches!(self, Self::Ops(_))
    }
}

/// Runs the subcommand.
pub(crate) async fn run(global: &Global, command: Command) -> Result<Exit> {
    match command {
        Command::Ops(args) => ops::run(global, &args),
        Command::Types { name } => ops::types(global, name.as_deref()).await,
        Command::Check(args) => check::run(global, args).await,
        Command::Preview(args) => preview::run(global, args).await,
        Command::Suggest(args) => suggest::run(global, args).await,
        Command::Derive(args) => derive::run(global, args).await,
        Command::Put(args) => saved::put(global, args).await,
        Command::List => saved::list(global).await,
        Command::Show(args) => saved::show(global, args).await,
        Command::Use(args) => bind::run(global, args).await,
        Command::Replay(args) => replay::run(global, args).await,
    }
}
