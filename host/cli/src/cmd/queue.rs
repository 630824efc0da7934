//! `plughouse queue`: what waits, and what is paused.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Subcommand;
use model::ConnectionId;
use model::queue::{JobQueue as _, Pause, PauseScope, Queue, QueueStats};
use serde::Serialize;

use super::task::duration;
use crate::Global;
use crate::exit::Exit;
use crate::wire::Host;

/// What can be done with queues.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the queues and how they stand.
    List,
    /// Lets work rest: of a queue, of a session of it, or of a connection.
    Pause {
        #[command(flatten)]
        scope: Scope,
        /// Why; shown to whoever looks at it.
        #[arg(long)]
        reason: String,
        /// For how long; otherwise until it is resumed.
        #[arg(long = "for", value_name = "TIME", value_parser = duration)]
        time: Option<Duration>,
    },
    /// Ends a pause.
    Resume {
        #[command(flatten)]
        scope: Scope,
    },
    /// Lists pauses.
    Pauses,
}

/// What rests.
#[derive(Debug, clap::Args)]
pub(crate) struct Scope {
    /// A queue.
    #[arg(required_unless_present = "connection", conflicts_with = "connection")]
    queue: Option<Queue>,
    /// One session of the queue.
    #[arg(long, requires = "queue")]
    session: Option<String>,
    /// All work of a connection.
    #[arg(long)]
    connection: Option<ConnectionId>,
}

impl Scope {
    fn read(self) -> Result<PauseScope> {
        Ok(match (self.queue, self.session, self.connection) {
            (_, _, Some(connection)) => PauseScope::Connection(connection),
            (Some(queue), Some(session), None) => PauseScope::Session(queue, session),
            (Some(queue), None, None) => PauseScope::Queue(queue),
            (None, _, None) => bail!("say what: a queue or --connection"),
        })
    }
}

/// A queue and how it stands.
#[derive(Serialize)]
struct Shown {
    queue: Queue,
    #[serde(flatten)]
    stats: QueueStats,
}

/// Runs the subcommand.
pub(crate) async fn run(global: &Global, command: Command) -> Result<Exit> {
    let host = Host::open(global).await?;
    let (store, tenant, output) = (&host.store, &global.tenant, global.output());
    match command {
        Command::List => {
            let mut queues = Vec::with_capacity(Queue::ALL.len());
            for queue in Queue::ALL {
                queues.push(Shown { queue, stats: store.stats(tenant, queue).await? });
            }
            list(global, &queues)?;
        }
        Command::Pause { scope, reason, time } => {
            let (scope, since) = (scope.read()?, host.clock.now());
            let until = time.map(|time| since.saturating_add(time)).transpose()?;
            let pause = Pause { scope, reason, since, until };
            store.pause(tenant, pause.clone()).await?;
            output.result(&pause, format_args!("paused {}", what(&pause.scope)))?;
        }
        Command::Resume { scope } => {
            let scope = scope.read()?;
            if !store.resume(tenant, &scope).await? {
                bail!("{} is not paused: see `plughouse queue pauses`", what(&scope));
            }
            host.wake.wake();
            let resumed = serde_json::json!({ "resumed": scope });
            output.result(&resumed, format_args!("resumed {}", what(&scope)))?;
        }
        Command::Pauses => {
            let head = ["WHAT", "SINCE", "UNTIL", "WHY"];
            output.list(&store.pauses(tenant).await?, &head, |pause| {
                let until = pause.until.map(|at| format!("{at:.0}")).unwrap_or_default();
                vec![what(&pause.scope), format!("{:.0}", pause.since), until, pause.reason.clone()]
            })?;
        }
    }
    Ok(Exit::Done)
}

fn list(global: &Global, queues: &[Shown]) -> Result<()> {
    let head = ["QUEUE", "WAITING", "AT WORK", "DONE", "DEAD", "DISCARDED", "OLDEST"];
    global.output().list(queues, &head, |Shown { queue, stats }| {
        let counts = [stats.queued, stats.leased, stats.done, stats.dead, stats.discarded];
        let mut row = vec![queue.to_string()];
        row.extend(counts.map(|count| count.to_string()));
        row.push(stats.oldest.map(|at| format!("{at:.0}")).unwrap_or_default());
        row
    })
}

fn what(scope: &PauseScope) -> String {
    match scope {
        PauseScope::Queue(queue) => format!("queue {queue}"),
        PauseScope::Session(queue, session) => format!("session {session} of queue {queue}"),
        PauseScope::Connection(connection) => format!("connection {connection}"),
    }
}
