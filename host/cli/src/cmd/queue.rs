//! `plughouse queue`: what waits, and what is paused.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Subcommand;
use model::queue::{JobQueue as _, Pause, PauseScope, Queue, QueueStats};
use model::{ConnectionId, TenantId};
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
    /// Lets work rest: of a queue, of a session of it, of a package, or of a connection.
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
    #[arg(required_unless_present_any = ["package", "connection"])]
    #[arg(conflicts_with_all = ["package", "connection"])]
    queue: Option<Queue>,
    /// One session of the queue.
    #[arg(long, requires = "queue")]
    session: Option<String>,
    /// All work that a package does, PUBLISHER/ID.
    #[arg(long, conflicts_with = "connection")]
    package: Option<String>,
    /// All work of a connection.
    #[arg(long)]
    connection: Option<ConnectionId>,
}

impl Scope {
    fn read(self) -> Result<PauseScope> {
        Ok(match self {
            Self { connection: Some(connection), .. } => PauseScope::Connection(connection),
            Self { package: Some(package), .. } => PauseScope::Package(package),
            Self { queue: Some(queue), session: Some(session), .. } => {
                PauseScope::Session(queue, session)
            }
            Self { queue: Some(queue), .. } => PauseScope::Queue(queue),
            Self { queue: None, .. } => bail!("say what: a queue, --package or --connection"),
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
            let ended = store.resume(tenant, &scope).await?;
            let rests = rests(&pauses(&host, tenant).await?, &scope);
            if !ended {
                let rests = rests.unwrap_or_else(|| "see `plughouse queue pauses`".to_owned());
                bail!("nobody has paused {}: {rests}", what(&scope));
            }
            host.wake.wake();
            let resumed = serde_json::json!({ "resumed": scope });
            let rests = rests.map(|rests| format!("; {rests}")).unwrap_or_default();
            output.result(&resumed, format_args!("resumed {}{rests}", what(&scope)))?;
        }
        Command::Pauses => {
            let head = ["WHAT", "SINCE", "UNTIL", "WHY"];
            output.list(&pauses(&host, tenant).await?, &head, |pause| {
                let until = pause.until.map(|at| format!("{at:.0}")).unwrap_or_default();
                vec![what(&pause.scope), format!("{:.0}", pause.since), until, pause.reason.clone()]
            })?;
        }
    }
    Ok(Exit::Done)
}

/// All pauses of a tenant that hold.
pub(super) async fn pauses(host: &Host, tenant: &TenantId) -> Result<Vec<Pause>> {
    let mut pauses: Vec<Pause> = Vec::new();
    loop {
        let after = pauses.last().map(|pause| &pause.scope);
        let more = host.store.pauses(tenant, after, usize::MAX).await?;
        if more.is_empty() {
            return Ok(pauses);
        }
        pauses.extend(more);
    }
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

/// A scope in words.
pub(super) fn what(scope: &PauseScope) -> String {
    match scope {
        PauseScope::Queue(queue) => format!("queue {queue}"),
        PauseScope::Session(queue, session) => format!("session {session} of queue {queue}"),
        PauseScope::Package(package) => format!("package {package}"),
        PauseScope::Connection(connection) => format!("connection {connection}"),
        PauseScope::Unauthorised(connection) => {
            format!("connection {connection}, until it is connected again")
        }
    }
}

/// What still lets the work of a connection rest that people may resume, and what to do about it.
fn rests(pauses: &[Pause], scope: &PauseScope) -> Option<String> {
    let PauseScope::Connection(connection) = scope else { return None };
    let unauthorised = PauseScope::Unauthorised(connection.clone());
    let pause = pauses.iter().find(|pause| pause.scope == unauthorised)?;
    Some(format!(
        "its work rests because its account must be authorised again ({}): use `plughouse connect` \
         again, and it goes on",
        pause.reason
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_resumes_a_refused_connection_is_told_to_connect_again() {
        let hub: ConnectionId = "hub".parse().unwrap();
        let scope = PauseScope::Connection(hub.clone());
        let pause = Pause {
            scope: PauseScope::Unauthorised(hub),
            reason: "the token is revoked".to_owned(),
            since: model::Timestamp::UNIX_EPOCH,
            until: None,
        };
        assert_eq!(rests(&[], &scope), None);
        let told = rests(std::slice::from_ref(&pause), &scope).unwrap();
        assert!(told.contains("revoked") && told.contains("plughouse connect"), "{told}");
        assert_eq!(rests(&[pause], &PauseScope::Connection("news".parse().unwrap())), None);
    }
}
