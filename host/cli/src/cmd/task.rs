//! `plughouse task`: what is synced when.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use engine::schedule::{self, Desk, Draft, hour, hour_text};
use model::queue::Enqueued;
use model::task::{Direction, HourWindow, Schedule, Task, TaskId, TaskStore};
use model::{ConnectionId, Timestamp};
use serde::Serialize;

use crate::Global;
use crate::exit::Exit;
use crate::wire::Host;

/// Times shown of a schedule, so that one who meant another can see it.
const TIMES_SHOWN: usize = 3;

/// What can be done with tasks.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a task, or changes one.
    Add(Add),
    /// Lists the tasks and when each is due next.
    List,
    /// Queues a task now, whatever its schedule says.
    Run {
        /// The task.
        task: TaskId,
        /// Reads everything again, as if for the first time.
        #[arg(long)]
        full: bool,
    },
    /// Lets a task rest until it is resumed.
    Pause {
        /// The task.
        task: TaskId,
        /// Why; shown to whoever looks at it.
        #[arg(long)]
        reason: String,
    },
    /// Ends the rest of a task.
    Resume {
        /// The task.
        task: TaskId,
    },
    /// Removes a task; what it has synced stays.
    Remove {
        /// The task.
        task: TaskId,
    },
}

/// A task as it is entered.
#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// What to call it; an existing one is changed.
    task: TaskId,
    /// The connection that it syncs.
    connection: ConnectionId,
    /// After every so much time, as 15m, 12h or 1d; at least a minute.
    #[arg(long, value_parser = duration, required_unless_present = "cron", conflicts_with = "cron")]
    every: Option<Duration>,
    /// Minute, hour, day of month, month and day of week, as "0 6 * * mon-fri".
    #[arg(long)]
    cron: Option<String>,
    /// The time zone of --cron and --window, by its IANA name.
    #[arg(long, default_value = "UTC")]
    zone: String,
    /// Only between these hours, as 22:00-06:00.
    #[arg(long, value_name = "FROM-UNTIL")]
    window: Option<String>,
    /// Due up to this much later, so that not all tasks come at once.
    #[arg(long, value_parser = duration, default_value = "0s")]
    jitter: Duration,
    /// Only these entities.
    #[arg(long = "entity")]
    entities: Vec<String>,
}

/// A task and what comes of it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    task: &'a Task,
    next: Vec<Timestamp>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Task { id, connection, paused, .. } = self.task;
        write!(f, "task {id} syncs {connection} {}", When(self.task))?;
        if let Some(reason) = paused {
            return write!(f, "\npaused: {reason}");
        }
        for at in &self.next {
            write!(f, "\n  {at:.0}")?;
        }
        f.write_str("\n  …")
    }
}

/// The schedule of a task for people.
struct When<'a>(&'a Task);

impl fmt::Display for When<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.schedule {
            Schedule::Every(interval) => write!(f, "every {}", spoken(*interval))?,
            Schedule::Cron { expression, zone } => write!(f, "at {expression} ({zone})")?,
        }
        if let Some(HourWindow { from, until, zone }) = &self.0.window {
            let (from, until) = (hour_text(*from), hour_text(*until));
            write!(f, " between {from} and {until} ({zone})")?;
        }
        Ok(())
    }
}

/// Runs the subcommand.
pub(crate) async fn run(global: &Global, command: Command) -> Result<Exit> {
    let host = Host::open(global).await?;
    let (store, output) = (host.store.as_ref(), global.output());
    let desk = Desk { tasks: store, catalogue: store, clock: &host.clock };
    match command {
        Command::Add(add) => {
            let draft = add.draft(global)?;
            let next = schedule::preview(&draft, host.clock.now(), TIMES_SHOWN)?;
            let task = schedule::put(&desk, &draft, None).await?;
            let shown = Shown { task: &task, next };
            output.result(&shown, &shown)?;
            unattended(global);
        }
        Command::List => list(global, store).await?,
        Command::Run { task, full } => queue(global, &host, &task, full).await?,
        Command::Pause { task, reason } => {
            let paused = schedule::pause(&desk, (&global.tenant, &task), &reason, None).await?;
            let paused = paused.with_context(|| absent(&task))?;
            output.result(&paused, format_args!("paused task {task}"))?;
        }
        Command::Resume { task } => {
            let resumed = schedule::resume(&desk, (&global.tenant, &task), None).await?;
            let resumed = resumed.with_context(|| absent(&task))?;
            let next = resumed.next_sync_at.map(|at| format!("; due {at:.0}")).unwrap_or_default();
            output.result(&resumed, format_args!("resumed task {task}{next}"))?;
        }
        Command::Remove { task } => {
            if !store.remove_task(&global.tenant, &task).await? {
                bail!(absent(&task));
            }
            output.result(&serde_json::json!({"task": task, "removed": true}), "removed")?;
        }
    }
    Ok(Exit::Done)
}

async fn list(global: &Global, tasks: &dyn TaskStore) -> Result<()> {
    let head = ["TASK", "CONNECTION", "WHEN", "ENTITIES", "LAST", "NEXT"];
    let (mut listing, mut after) = (global.output().listing(&head), None);
    loop {
        let tasks = tasks.tasks(&global.tenant, after.as_ref(), usize::MAX).await?;
        listing.show(&tasks, row)?;
        let Some(last) = tasks.into_iter().next_back() else { return Ok(()) };
        after = Some(last.id);
    }
}

fn row(task: &Task) -> Vec<String> {
    let at = |at: Option<Timestamp>| at.map(|at| format!("{at:.0}")).unwrap_or_default();
    let next = match &task.paused {
        Some(reason) => format!("paused: {reason}"),
        None => at(task.next_sync_at),
    };
    let entities =
        if task.entities.is_empty() { "all".to_owned() } else { task.entities.join(",") };
    let names = [task.id.to_string(), task.connection.to_string()];
    let rest = [When(task).to_string(), entities, at(task.last_sync_at), next];
    names.into_iter().chain(rest).collect()
}

async fn queue(global: &Global, host: &Host, id: &TaskId, full: bool) -> Result<()> {
    let task = host.store.task(&global.tenant, id).await?.with_context(|| absent(id))?;
    let queued = schedule::run_now(host.store.as_ref(), &task, full, None).await?;
    host.wake.wake();
    let (job, new) = match queued {
        Some(Enqueued::New(job)) => (job, true),
        Some(Enqueued::Duplicate(job)) => (job, false),
        None => bail!("the job was not queued"),
    };
    let text = if new {
        format!("queued task {id} as job {job}")
    } else {
        format!("job {job} of task {id} waits or runs already")
    };
    global.output().result(&serde_json::json!({"task": id, "job": job, "new": new}), text)?;
    unattended(global);
    Ok(())
}

/// Says so where nobody works off what is to be done.
fn unattended(global: &Global) {
    if global.host.is_none() {
        global.output().note("no server runs on this data; `plughouse serve` works it off");
    }
}

impl Add {
    fn draft(self, global: &Global) -> Result<Draft> {
        let zone = self.zone;
        let window = self.window.as_deref().map(|text| window(text, &zone)).transpose()?;
        let schedule = match (self.every, self.cron) {
            (Some(interval), _) => Schedule::Every(interval),
            (None, Some(expression)) => Schedule::Cron { expression, zone },
            (None, None) => bail!("say when: --every 1h or --cron \"0 6 * * *\""),
        };
        Ok(Draft {
            tenant: global.tenant.clone(),
            id: self.task,
            connection: self.connection,
            schedule,
            window,
            jitter: self.jitter,
            direction: Direction::Inbound,
            entities: self.entities,
        })
    }
}

fn window(text: &str, zone: &str) -> Result<HourWindow> {
    let both = text.split_once('-').and_then(|(from, until)| hour(from).zip(hour(until)));
    let (from, until) = both.with_context(|| format!("write the hours {text:?} as 22:00-06:00"))?;
    Ok(HourWindow { from, until, zone: zone.to_owned() })
}

/// Reads a duration of an argument.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    package::duration(text).map_err(|why| format!("{why}; write it as 30s, 15m, 12h or 7d"))
}

/// A duration as people write it.
fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(length, _)| seconds > 0 && seconds.is_multiple_of(*length));
    let (length, name) = unit.unwrap_or((1, "s"));
    format!("{}{name}", seconds / length)
}

fn absent(task: &TaskId) -> String {
    format!("there is no task {task}: see `plughouse task list`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(u16, u16)>) {
        let read = window(text, "UTC").ok().map(|hours| (hours.from, hours.until));
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn hours_are_two_times_of_a_day() {
        check("22:00-06:00", Some((22 * 60, 6 * 60)));
        check("9:05 - 17:30", Some((545, 1050)));
        check("00:00-24:00", Some((0, 24 * 60)));
        check("00:00-24:01", None);
        check("+1:00-2:00", None);
        check("22:60-06:00", None);
        check("22-6", None);
        check("-1:00-2:00", None);
        check("", None);
    }

    #[test]
    fn durations_are_spoken_as_they_are_written() {
        for text in ["30s", "90s", "15m", "12h", "7d", "0s"] {
            assert_eq!(spoken(duration(text).unwrap()), text);
        }
        assert!(duration("1w").unwrap_err().contains("15m"));
    }
}
