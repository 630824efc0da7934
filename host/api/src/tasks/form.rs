//! Tasks as they are written and read.

use std::time::Duration;

use engine::schedule::{Draft, hour, hour_text};
use model::task::{Direction, HourWindow, Schedule, Task, TaskId};
use model::{ConnectionId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// A sync task.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskView {
    /// Its name within the tenant.
    id: String,
    /// The connection that it syncs.
    connection: String,
    /// When.
    schedule: ScheduleForm,
    /// The hours of the day in which it is queued; nothing means all.
    window: Option<TaskWindow>,
    /// It is due up to this much later than its schedule says.
    jitter_seconds: u64,
    /// Which way records go.
    direction: TaskDirection,
    /// The entities; none means all.
    entities: Vec<String>,
    /// Why it is paused, if it is.
    paused: Option<String>,
    /// When it was made.
    created: Timestamp,
    /// When it is due next; nothing while it is paused, or if its schedule never comes again.
    next_sync_at: Option<Timestamp>,
    /// When its schedule last queued it.
    last_sync_at: Option<Timestamp>,
}

/// When a task is due.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum ScheduleForm {
    /// After every so many seconds, one minute to 366 days, counted from when the task was made.
    EverySeconds(u32),
    /// By the clock on the wall of a time zone.
    Cron {
        /// Five fields: minute, hour, day of month, month, day of week.
        expression: String,
        /// A name of the IANA time zone database.
        zone: String,
    },
}

/// Hours of the day in which a task is queued. What is due at another hour waits for them.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskWindow {
    /// When it opens, as `22:00`.
    from: String,
    /// When it closes, as `06:00`, then on the next day; `24:00` is the end of the day.
    until: String,
    /// A name of the IANA time zone database.
    zone: String,
}

/// Which way records go.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum TaskDirection {
    /// From the provider.
    #[default]
    Inbound,
    /// To the provider.
    Outbound,
    /// Both ways.
    Both,
}

/// A task as it is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskForm {
    /// Its name within the tenant; where the path holds it, it may be left out.
    #[schema(value_type = Option<String>)]
    pub(super) id: Option<TaskId>,
    /// The connection that it syncs.
    #[schema(value_type = String)]
    pub(super) connection: ConnectionId,
    /// When.
    schedule: ScheduleForm,
    /// The hours of the day in which it is queued; nothing means all.
    window: Option<TaskWindow>,
    /// It is due up to this much later than its schedule says, at most a day, so that tasks of one
    /// schedule do not all come at once; always by the same.
    #[serde(default)]
    jitter_seconds: u32,
    /// Which way records go; `inbound` alone is possible as yet.
    #[serde(default)]
    direction: TaskDirection,
    /// The entities; none means all.
    #[serde(default)]
    entities: Vec<String>,
}

impl TaskForm {
    /// As the engine takes it.
    pub(super) fn draft(self, tenant: TenantId, id: TaskId) -> Result<Draft, Problem> {
        let schedule = match self.schedule {
            ScheduleForm::EverySeconds(seconds) => {
                Schedule::Every(Duration::from_secs(seconds.into()))
            }
            ScheduleForm::Cron { expression, zone } => Schedule::Cron { expression, zone },
        };
        Ok(Draft {
            tenant,
            id,
            connection: self.connection,
            schedule,
            window: self.window.map(TaskWindow::read).transpose()?,
            jitter: Duration::from_secs(self.jitter_seconds.into()),
            direction: match self.direction {
                TaskDirection::Inbound => Direction::Inbound,
                TaskDirection::Outbound => Direction::Outbound,
                TaskDirection::Both => Direction::Both,
            },
            entities: self.entities,
        })
    }
}

impl TaskWindow {
    fn read(self) -> Result<HourWindow, Problem> {
        let minutes = |name: &str, text: &str| {
            hour(text).ok_or_else(|| {
                let detail = format!("{text:?} is no hour of the day; write it as 22:00");
                Problem::invalid("the window is not readable").at(format!("/window/{name}"), detail)
            })
        };
        let (from, until) = (minutes("from", &self.from)?, minutes("until", &self.until)?);
        Ok(HourWindow { from, until, zone: self.zone })
    }
}

impl TaskView {
    pub(super) fn of(task: Task) -> Self {
        let schedule = match task.schedule {
            Schedule::Every(every) => {
                ScheduleForm::EverySeconds(u32::try_from(every.as_secs()).unwrap_or(u32::MAX))
            }
            Schedule::Cron { expression, zone } => ScheduleForm::Cron { expression, zone },
        };
        let window = task.window.map(|HourWindow { from, until, zone }| TaskWindow {
            from: hour_text(from),
            until: hour_text(until),
            zone,
        });
        Self {
            id: task.id.to_string(),
            connection: task.connection.to_string(),
            schedule,
            window,
            jitter_seconds: task.jitter.as_secs(),
            direction: match task.direction {
                Direction::Inbound => TaskDirection::Inbound,
                Direction::Outbound => TaskDirection::Outbound,
                Direction::Both => TaskDirection::Both,
            },
            entities: task.entities,
            paused: task.paused,
            created: task.created,
            next_sync_at: task.next_sync_at,
            last_sync_at: task.last_sync_at,
        }
    }
}
