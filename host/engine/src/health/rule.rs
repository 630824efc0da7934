//! The rule: from what is known to the two answers.

use model::queue::{Pause, SessionView};
use model::run::{EntityReport, Run, RunKind, RunStatus};
use model::{ConnectionState, ConnectionStatus, Error, Timestamp};

use super::{Activity, Health, Verdict};

/// What is known of a connection.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Its state; nothing where it is active and always was.
    pub status: Option<ConnectionStatus>,
    /// Its last runs, the newest first.
    pub runs: Vec<Run>,
    /// The line of its jobs; nothing where there are none.
    pub session: Option<SessionView>,
    /// The pauses that it is under.
    pub pauses: Vec<Pause>,
}

impl Facts {
    /// The run at work.
    pub fn running(&self) -> Option<&Run> {
        self.runs.first().filter(|run| run.ended.is_none())
    }

    /// The last run that has come to an end of its own. One that was stopped, or whose process has
    /// died, goes on where it was and says nothing.
    pub fn decided(&self) -> Option<&Run> {
        self.runs.iter().find(|run| run.kind == RunKind::Sync && decides(run.status))
    }

    /// What an entity was last read by, and the end of that run.
    pub fn report(&self, entity: &str) -> Option<(&EntityReport, Option<Timestamp>)> {
        let of = |run: &'_ Run| run.kind == RunKind::Sync;
        self.runs.iter().filter(|run| of(run)).find_map(|run| {
            let report = run.entities.get(entity)?;
            decides(report.status).then_some((report, run.ended))
        })
    }
}

fn decides(status: RunStatus) -> bool {
    matches!(status, RunStatus::Succeeded | RunStatus::Partial | RunStatus::Failed)
}

/// How a connection is.
pub fn of_connection(facts: &Facts, now: Timestamp) -> (Verdict, Activity) {
    (health(facts), activity(facts, now))
}

/// How one of its entities is.
pub fn of_entity(facts: &Facts, entity: &str, now: Timestamp) -> (Verdict, Activity) {
    let verdict = match (unsigned(facts), facts.report(entity)) {
        (Some(unsigned), _) => unsigned,
        (None, None) => Verdict::plain(Health::NeverRun, None),
        (None, Some((report, ended))) => ended_as(report.status, report.error.as_ref(), ended),
    };
    let activity = match activity(facts, now) {
        Activity::Running { run } => {
            let reads = |run: &Run| {
                let report = run.entities.get(entity);
                report.is_some_and(|report| report.status == RunStatus::Running)
            };
            if facts.running().is_some_and(reads) {
                Activity::Running { run }
            } else {
                Activity::Idle
            }
        }
        other => other,
    };
    (verdict, activity)
}

/// How several are together: as bad as the worst, as busy as the busiest.
pub fn together(all: impl IntoIterator<Item = (Verdict, Activity)>) -> Option<(Verdict, Activity)> {
    all.into_iter().reduce(|(verdict, activity), (other, more)| {
        let verdict = if other.health > verdict.health { other } else { verdict };
        let activity = if more.rank() > activity.rank() { more } else { activity };
        (verdict, activity)
    })
}

fn health(facts: &Facts) -> Verdict {
    if let Some(unsigned) = unsigned(facts) {
        return unsigned;
    }
    let Some(run) = facts.decided() else { return Verdict::plain(Health::NeverRun, None) };
    let verdict = ended_as(run.status, run.errors().next(), run.ended);
    let ends = facts.status.as_ref().filter(|it| it.state == ConnectionState::Expiring);
    match ends {
        Some(status) if verdict.health < Health::Degraded => told(Health::Degraded, status),
        _ => verdict,
    }
}

/// What the provider says of the account, where that is a no.
fn unsigned(facts: &Facts) -> Option<Verdict> {
    let status = facts.status.as_ref()?;
    let ended =
        matches!(status.state, ConnectionState::NeedsReauthorisation | ConnectionState::Revoked);
    ended.then(|| told(Health::NeedsSignIn, status))
}

fn told(health: Health, status: &ConnectionStatus) -> Verdict {
    let (reason, since) = (Some(status.reason.clone()), Some(status.since));
    Verdict { health, reason, code: None, since }
}

fn ended_as(status: RunStatus, error: Option<&Error>, ended: Option<Timestamp>) -> Verdict {
    match status {
        RunStatus::Failed => Verdict::because(Health::Failed, error, ended),
        RunStatus::Partial => Verdict::because(Health::Degraded, error, ended),
        _ => Verdict::plain(Health::Healthy, ended),
    }
}

fn activity(facts: &Facts, now: Timestamp) -> Activity {
    let leased = |session: &SessionView| session.leased_until.is_some_and(|until| until > now);
    let running = facts.running();
    if running.is_some() || facts.session.as_ref().is_some_and(leased) {
        return Activity::Running { run: running.map(Run::reference) };
    }
    if let Some(pause) = longest(&facts.pauses) {
        return Activity::Paused { until: pause.until, reason: pause.reason.clone() };
    }
    let Some(session) = facts.session.as_ref() else { return Activity::Idle };
    let due = session.due.filter(|due| *due > now);
    match (due, &session.failure) {
        (Some(at), Some(failure)) => {
            Activity::Retrying { at, reason: failure.error.message.clone() }
        }
        (due, _) => Activity::Queued { due },
    }
}

/// The pause that ends last: until then nothing goes on.
fn longest(pauses: &[Pause]) -> Option<&Pause> {
    pauses.iter().max_by_key(|pause| (pause.until.is_none(), pause.until))
}

#[cfg(test)]
mod tests;
