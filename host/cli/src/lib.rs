//! The `plughouse` command: subcommands, configuration, wiring, shutdown; no domain logic.
//!
//! Exit codes: 0 done · 1 failed · 2 wrong usage · 3 refused (signature, trust, permission) ·
//! 4 a sync ended partial · 130 interrupted.

mod cmd;
mod config;
mod exit;
mod interrupt;
mod output;
mod wire;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use model::TenantId;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::output::Output;

/// A host for signed, sandboxed integration adapters.
#[derive(Debug, Parser)]
#[command(name = "plughouse", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (signature, \
trust, permission), 4 a sync ended partial, 130 interrupted.";

/// What every subcommand understands.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// Where the store, the keys and the packages lie.
    #[arg(long, global = true, env = "PLUGHOUSE_DATA", default_value = ".plughouse")]
    data: PathBuf,
    /// Configuration file; otherwise `config.toml` in the data directory, if there is one.
    #[arg(long, global = true, env = "PLUGHOUSE_CONFIG")]
    config: Option<PathBuf>,
    /// Whose connections and records.
    #[arg(long, global = true, env = "PLUGHOUSE_TENANT", default_value = "main")]
    tenant: TenantId,
    /// Results and errors as JSON, one value a line.
    #[arg(long, global = true)]
    json: bool,
    /// What to log, as `warn`, `info` or `adapter=debug,egress=info`.
    #[arg(long, global = true, env = "PLUGHOUSE_LOG", default_value = "warn")]
    log: Targets,
    /// The configuration file, read before any command begins.
    #[arg(skip)]
    file: config::File,
    /// What Ctrl-C stops.
    #[arg(skip)]
    interrupt: Interrupt,
}

impl Global {
    fn output(&self) -> Output {
        Output::new(self.json)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows the whole road: builds, packs, signs, installs, connects and syncs.
    Demo(cmd::demo::Args),
    /// Makes, builds, tests, packs, signs and examines adapters.
    #[command(subcommand)]
    Adapter(cmd::adapter::Command),
    /// Makes signing keys.
    #[command(subcommand)]
    Key(cmd::key::Command),
    /// Installs, lists and removes packages.
    #[command(subcommand)]
    Plugin(cmd::plugin::Command),
    /// Connects an account through an installed package.
    Connect(cmd::connect::Args),
    /// Lists connections.
    Connections,
    /// Pulls the records of a connection.
    Sync(cmd::sync::Args),
    /// Lists records.
    Records(cmd::records::Args),
    /// Lists runs, the newest first.
    Runs(cmd::runs::Args),
    /// Compiles a component from standard input; started by the host itself.
    #[command(hide = true)]
    CompileWorker,
}

/// Runs the command with these arguments, the program's name first; the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<_> = args.into_iter().collect();
    match Cli::try_parse_from(&args) {
        Ok(cli) => {
            let json = cli.global.json;
            execute(cli).unwrap_or_else(|error| exit::report(&error, json)).code()
        }
        // What was not understood may hold the flag all the same.
        Err(error) => exit::usage(&error, args.iter().any(|arg| arg == "--json")),
    }
}

fn execute(cli: Cli) -> anyhow::Result<Exit> {
    let Cli { mut global, command } = cli;
    if matches!(command, Command::CompileWorker) {
        sandbox::compile_worker()?;
        return Ok(Exit::Done);
    }
    let ansi = std::io::stderr().is_terminal() && config::variable("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt::layer().with_ansi(ansi).with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(global.log.clone()).init();
    global.file = config::read(&global.data, global.config.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.spawn(global.interrupt.clone().listen(global.output()));
    runtime.block_on(dispatch(global, command))
}

async fn dispatch(global: Global, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Demo(args) => cmd::demo::run(&global, args).await,
        Command::Adapter(command) => cmd::adapter::run(&global, command).await,
        Command::Key(command) => cmd::key::run(&global, command),
        Command::Plugin(command) => cmd::plugin::run(&global, command).await,
        Command::Connect(args) => cmd::connect::run(&global, args).await,
        Command::Connections => cmd::connect::list(&global).await,
        Command::Sync(args) => cmd::sync::run(&global, args).await,
        Command::Records(args) => cmd::records::run(&global, args).await,
        Command::Runs(args) => cmd::runs::run(&global, args).await,
        Command::CompileWorker => Ok(Exit::Done),
    }
}
