//! The `plughouse` command: subcommands, configuration, wiring, shutdown; no domain logic.
//!
//! Exit codes: 0 done · 1 failed · 2 wrong usage · 3 refused (signature, trust, permission) ·
//! 4 a sync or replay ended partial · 130 interrupted.

mod cmd;
mod config;
mod control;
mod exit;
mod interrupt;
mod log;
mod output;
mod panics;
mod terminal;
mod wire;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use egress::Redactor;
use engine::otlp::Spans;
use model::{Clock, TenantId};
use tracing_subscriber::filter::Targets;

use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::terminal::Terminal;
use crate::wire::Host;
use crate::wire::tasks::Tasks;

/// A host for signed, sandboxed integration adapters.
#[derive(Parser)]
#[command(name = "plughouse", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (signature, \
trust, permission), 4 a sync or replay ended partial, 130 interrupted.";

/// What every subcommand understands.
#[derive(Clone, clap::Args)]
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
    /// How the log looks.
    #[arg(long, global = true, env = "PLUGHOUSE_LOG_FORMAT", default_value = "pretty")]
    log_format: log::Format,
    /// The configuration file, read before any command begins.
    #[arg(skip)]
    file: config::File,
    /// What Ctrl-C stops.
    #[arg(skip)]
    interrupt: Interrupt,
    /// Where the command was given.
    #[arg(skip)]
    terminal: Terminal,
    /// The secrets that are in use.
    #[arg(skip)]
    redactor: Redactor,
    /// Work that outlives whoever began it.
    #[arg(skip)]
    tasks: Tasks,
    /// What takes down spans, in a server with a collector.
    #[arg(skip)]
    spans: Option<Spans>,
    /// The server that runs the command.
    #[arg(skip)]
    host: Option<Arc<Host>>,
}

impl Global {
    fn output(&self) -> Output {
        Output::new(self.json, self.terminal.clone(), self.redactor.clone())
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
    /// Shows, tests, switches and removes connections.
    #[command(subcommand)]
    Connection(cmd::connection::Command),
    /// Registers this host as an app at providers.
    #[command(subcommand)]
    App(cmd::app::Command),
    /// Pulls the records of a connection.
    Sync(cmd::sync::Args),
    /// Lists records.
    Records(cmd::records::Args),
    /// Says how records of providers become canonical ones.
    #[command(subcommand)]
    Mapping(cmd::mapping::Command),
    /// Shows the sync history, and decides about held deletions.
    #[command(subcommand)]
    Run(cmd::run::Command),
    /// Says what is synced when.
    #[command(subcommand)]
    Task(cmd::task::Command),
    /// Shows the queues, and pauses work.
    #[command(subcommand)]
    Queue(cmd::queue::Command),
    /// Shows jobs that came to nothing, and retries or discards them.
    #[command(subcommand)]
    Dead(cmd::dead::Command),
    /// Shows hosts of providers that are not asked at present.
    #[command(subcommand)]
    Breaker(cmd::breaker::Command),
    /// Shows and changes the keys that secrets are sealed with.
    #[command(subcommand)]
    Vault(cmd::vault::Command),
    /// Makes, lists and removes tenants.
    #[command(subcommand)]
    Tenant(cmd::tenant::Command),
    /// Makes, lists and revokes keys for the API.
    #[command(subcommand)]
    ApiKey(cmd::api_key::Command),
    /// Lists what happened, the oldest first.
    Events(cmd::events::Args),
    /// Runs the host: schedules, queues, and the commands of others on this data.
    Serve(cmd::serve::Args),
    /// Explains the codes of errors.
    Errors(cmd::errors::Args),
    /// Compiles a component from standard input; started by the host itself.
    #[command(hide = true)]
    CompileWorker,
}

impl Command {
    /// Whether a server that has the store must run it.
    fn is_the_servers(&self) -> bool {
        match self {
            Self::Demo(_)
            | Self::Key(_)
            | Self::Errors(_)
            | Self::Serve(_)
            | Self::CompileWorker => false,
            Self::Mapping(command) => command.needs_store(),
            Self::Adapter(command) => matches!(command, cmd::adapter::Command::Verify(_)),
            Self::Plugin(_)
            | Self::Connect(_)
            | Self::Connection(_)
            | Self::App(_)
            | Self::Vault(_)
            | Self::Sync(_)
            | Self::Records(_)
            | Self::Run(_)
            | Self::Task(_)
            | Self::Queue(_)
            | Self::Dead(_)
            | Self::Breaker(_)
            | Self::Tenant(_)
            | Self::ApiKey(_)
            | Self::Events(_) => true,
        }
    }
}

/// Runs the command with these arguments, the program's name first; the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<_> = args.into_iter().collect();
    match Cli::try_parse_from(&args) {
        Ok(cli) => {
            let output = cli.global.output();
            execute(cli, &args).unwrap_or_else(|error| exit::report(&error, &output).code())
        }
        // What was not understood may hold the flag all the same.
        Err(error) => {
            let json = args.iter().any(|arg| arg == "--json");
            exit::usage(&error, &Output::new(json, Terminal::Process, Redactor::default()))
        }
    }
}

fn execute(cli: Cli, args: &[OsString]) -> anyhow::Result<u8> {
    let Cli { mut global, command } = cli;
    if matches!(command, Command::CompileWorker) {
        sandbox::compile_worker()?;
        return Ok(Exit::Done.code());
    }
    panics::mask(global.redactor.clone());
    let hardened = vault::harden();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if command.is_the_servers()
        && let Some(code) = runtime.block_on(control::forward(&global, args))?
    {
        return Ok(code);
    }
    global.file = config::read(&global.data, global.config.as_deref())?;
    if matches!(command, Command::Serve(_)) && global.file.otlp.is_some() {
        global.spans = Some(Spans::new(Clock::system()));
    }
    log::begin(&global);
    if let Err(error) = hardened {
        tracing::warn!(%error, "the memory of this process is not kept from others");
    }
    let tasks = global.tasks.clone();
    runtime.spawn(global.interrupt.clone().listen(global.output(), tasks.clone()));
    let done = runtime.block_on(dispatch(global, command));
    runtime.block_on(tasks.finish());
    done.map(Exit::code)
}

/// Runs a command that another process has given, within this server; the exit code.
async fn serve_command(args: &[String], mut server: Global) -> u8 {
    let command = within(args).and_then(|cli| {
        anyhow::ensure!(cli.command.is_the_servers(), "this command is not for a server");
        server.json = cli.global.json;
        Ok(cli.command)
    });
    let output = server.output();
    let done = match command {
        Ok(command) => Box::pin(dispatch(server, command)).await,
        Err(error) => Err(error),
    };
    done.unwrap_or_else(|error| exit::report(&error, &output)).code()
}

/// Reads the arguments of a command within a server, whose log and settings are its own.
fn within(args: &[String]) -> anyhow::Result<Cli> {
    let given = Cli::command().try_get_matches_from(args)?;
    for flag in ["log", "log-format", "config"] {
        let id = flag.replace('-', "_");
        anyhow::ensure!(
            given.value_source(&id) != Some(ValueSource::CommandLine),
            "--{flag} is not for a command within a server: give it to the server, or leave it out"
        );
    }
    Ok(Cli::from_arg_matches(&given)?)
}

async fn dispatch(global: Global, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Demo(args) => cmd::demo::run(&global, args).await,
        Command::Adapter(command) => cmd::adapter::run(&global, command).await,
        Command::Key(command) => cmd::key::run(&global, command),
        Command::Plugin(command) => cmd::plugin::run(&global, command).await,
        Command::Connect(args) => cmd::connect::run(&global, args).await,
        Command::Connection(command) => cmd::connection::run(&global, command).await,
        Command::App(command) => cmd::app::run(&global, command).await,
        Command::Vault(command) => cmd::vault::run(&global, command).await,
        Command::Sync(args) => cmd::sync::run(&global, args).await,
        Command::Records(args) => cmd::records::run(&global, args).await,
        Command::Mapping(command) => cmd::mapping::run(&global, command).await,
        Command::Run(command) => cmd::run::run(&global, command).await,
        Command::Task(command) => cmd::task::run(&global, command).await,
        Command::Queue(command) => cmd::queue::run(&global, command).await,
        Command::Dead(command) => cmd::dead::run(&global, command).await,
        Command::Breaker(command) => cmd::breaker::run(&global, command).await,
        Command::Tenant(command) => cmd::tenant::run(&global, command).await,
        Command::ApiKey(command) => cmd::api_key::run(&global, command).await,
        Command::Events(args) => cmd::events::run(&global, args).await,
        Command::Serve(args) => Box::pin(cmd::serve::run(&global, args)).await,
        Command::Errors(args) => cmd::errors::run(&global, &args),
        Command::CompileWorker => Ok(Exit::Done),
    }
}
