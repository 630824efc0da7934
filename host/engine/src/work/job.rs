//! What a job says: a closed set of orders, as JSON under a version.

use bytes::Bytes;
use model::queue::{Dedupe, DedupeUntil, JobId, NewJob, Queue};
use model::run::RunKind;
use model::task::TaskId;
use model::trace::TraceContext;
use model::{ConnectionId, Error, ErrorKind, TenantId};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::replay::Mark;

/// The version of the encoding. A field that changes what an order means makes a new one, so that
/// an older program refuses the order instead of doing half of it.
const VERSION: u32 = 1;

/// What is to be done.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Reads a connection.
    Sync(SyncOrder),
    /// Maps the stored records of a connection again.
    Replay(ReplayOrder),
}

/// What is to be read.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SyncOrder {
    /// Of which connection.
    pub connection: ConnectionId,
    /// The entities; none means all.
    pub entities: Vec<String>,
    /// Everything again, as if for the first time.
    pub full: bool,
    /// The task that it is for; nothing means that a person has said what.
    pub task: Option<TaskId>,
    /// A person asks, though it is for a task: it is not too early.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_person: bool,
    /// The request that asks, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// What is to be mapped again.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayOrder {
    /// Of which connection.
    pub connection: ConnectionId,
    /// The entities; none means all.
    pub entities: Vec<String>,
    /// Records that the active schema has mapped are mapped once more.
    pub again: bool,
    /// How far one of the entities was gone through before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// The request that asks, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// The request that an order comes from; what is logged on account of the order names it.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// Its id.
    pub request: String,
    /// Its place in a trace.
    pub trace: TraceContext,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !value
}

impl SyncOrder {
    /// Whether a schedule asks, which keeps to what a provider says of being polled.
    pub fn is_scheduled(&self) -> bool {
        self.task.is_some() && !self.by_person
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Payload<T> {
    version: u32,
    /// The job that this one goes on with the work of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<JobId>,
    order: T,
}

/// The id under which people know what a job does: its own, or that of the first of those whose
/// work it goes on with.
pub fn first(payload: &[u8], id: JobId) -> JobId {
    let payload = serde_json::from_slice::<Payload<serde_json::Value>>(payload);
    payload.ok().and_then(|payload| payload.first).unwrap_or(id)
}

impl Order {
    /// Reads the payload of a job.
    pub fn parse(payload: &[u8]) -> Result<Self, Error> {
        // The version alone, before an order that this program may not know.
        let version = serde_json::from_slice::<Payload<serde_json::Value>>(payload)
            .map_err(|error| refused(&error.to_string()))?
            .version;
        if version != VERSION {
            return Err(refused(&format!(
                "it has version {version}, this program reads {VERSION}: use the one that queued it"
            )));
        }
        let payload: Payload<Self> =
            serde_json::from_slice(payload).map_err(|error| refused(&error.to_string()))?;
        Ok(payload.order)
    }

    /// The connection that it is about.
    pub fn connection(&self) -> &ConnectionId {
        match self {
            Self::Sync(order) => &order.connection,
            Self::Replay(order) => &order.connection,
        }
    }

    /// What it is for, by a payload; one that is no order is never done.
    pub(super) fn kind(payload: &[u8]) -> RunKind {
        match Self::parse(payload) {
            Ok(Self::Replay(_)) => RunKind::Replay,
            Ok(Self::Sync(_)) | Err(_) => RunKind::Sync,
        }
    }

    /// The request that it comes from.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Sync(order) => order.cause.as_ref(),
            Self::Replay(order) => order.cause.as_ref(),
        }
    }

    /// The order as a payload.
    pub fn payload(&self) -> Bytes {
        self.payload_after(None)
    }

    fn payload_after(&self, first: Option<JobId>) -> Bytes {
        let payload = Payload { version: VERSION, first, order: self };
        // Names and lists of them always have a form in JSON.
        serde_json::to_vec(&payload).unwrap_or_default().into()
    }

    /// The order as a job that goes on with the work of another one, and under its id.
    pub(super) fn going_on(
        &self,
        first: JobId,
        tenant: &TenantId,
        package: Option<String>,
    ) -> NewJob {
        NewJob { payload: self.payload_after(Some(first)), ..self.job(tenant, package) }
    }

    /// The order as a job for now, in the line of its connection. Of a task there is one job at a
    /// time: another one is a duplicate until it is finished.
    pub fn job(&self, tenant: &TenantId, package: Option<String>) -> NewJob {
        let connection = self.connection();
        let task = match self {
            Self::Sync(order) => order.task.as_ref(),
            Self::Replay(_) => None,
        };
        let unfinished =
            |task| Dedupe { key: format!("task/{task}"), until: DedupeUntil::Finished };
        NewJob {
            tenant: tenant.clone(),
            queue: Queue::InboundScheduled,
            session: session(connection),
            connection: Some(connection.clone()),
            package,
            payload: self.payload(),
            run_at: None,
            dedupe: task.map(unfinished).into_iter().collect(),
        }
    }
}

impl ReplayOrder {
    /// Maps again what was mapped before what it refers to. One job of the same is enough, whoever
    /// has caused it: it waits in the line behind what may bring more.
    pub(super) fn following(
        connection: &ConnectionId,
        entities: Vec<String>,
        cause: Option<Cause>,
        (tenant, package): (&TenantId, Option<String>),
    ) -> NewJob {
        let (connection, mark) = (connection.clone(), None);
        let order = Self { connection, entities, again: false, mark, cause: None };
        let same = xxh3_128(&Order::Replay(order.clone()).payload());
        let job = Order::Replay(Self { cause, ..order }).job(tenant, package);
        let key = format!("following/{}/{same:032x}", job.session);
        NewJob { dedupe: vec![Dedupe { key, until: DedupeUntil::Finished }], ..job }
    }
}

/// The session of all that reads a connection or maps its records: one at a time.
pub fn session(connection: &ConnectionId) -> String {
    format!("sync/{connection}")
}

pub(super) fn refused(why: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        "engine.order",
        format!("the payload of the job is no order: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order::Sync(SyncOrder {
            connection: "crm".parse().unwrap(),
            entities: vec!["contact".to_owned()],
            full: false,
            task: Some("nightly".parse().unwrap()),
            by_person: false,
            cause: None,
        })
    }

    #[test]
    fn order_comes_back_from_its_payload() {
        assert_eq!(Order::parse(&order().payload()), Ok(order()));
        assert_eq!(
            String::from_utf8(order().payload().to_vec()).unwrap(),
            r#"{"version":1,"order":{"sync":{"connection":"crm","entities":["contact"],"full":false,"task":"nightly"}}}"#,
        );
    }

    #[test]
    fn replay_comes_back_from_its_payload() {
        let connection = "crm".parse().unwrap();
        let mark = Some(Mark { entity: "contact".to_owned(), after: "00".to_owned() });
        let order =
            ReplayOrder { connection, entities: Vec::new(), again: true, mark, cause: None };
        let order = Order::Replay(order);
        assert_eq!(Order::parse(&order.payload()), Ok(order.clone()));
        let before =
            r#"{"version":1,"order":{"replay":{"connection":"crm","entities":[],"again":true}}}"#;
        let Ok(Order::Replay(ReplayOrder { mark, .. })) = Order::parse(before.as_bytes()) else {
            panic!("an older order is none any more");
        };
        assert_eq!(mark, None);
        let job = order.job(&"acme".parse().unwrap(), None);
        assert_eq!(job.session, session(order.connection()));
    }

    #[test]
    fn job_that_goes_on_with_another_is_known_by_it() {
        let job = order().going_on(JobId(7), &"acme".parse().unwrap(), None);
        assert_eq!(Order::parse(&job.payload), Ok(order()));
        assert_eq!(first(&job.payload, JobId(9)), JobId(7));
        assert_eq!(first(&order().payload(), JobId(9)), JobId(9));
        assert_eq!(first(b"nothing", JobId(9)), JobId(9));
    }

    fn cause() -> Cause {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        Cause { request: "r1".to_owned(), trace: trace.parse().unwrap() }
    }

    #[test]
    fn order_keeps_the_request_that_it_comes_from() {
        let Order::Sync(order) = order() else { panic!("it is a sync") };
        let order = Order::Sync(SyncOrder { cause: Some(cause()), ..order });
        assert_eq!(Order::parse(&order.payload()).unwrap().cause(), Some(&cause()));
    }

    #[test]
    fn what_follows_is_the_same_whoever_has_caused_it() {
        let (connection, tenant) = ("crm".parse().unwrap(), "acme".parse().unwrap());
        let following = |cause| {
            ReplayOrder::following(&connection, vec!["contact".to_owned()], cause, (&tenant, None))
        };
        let (one, other) = (following(None), following(Some(cause())));
        assert_eq!(one.dedupe, other.dedupe);
        assert_ne!(one.payload, other.payload);
    }

    #[track_caller]
    fn check(payload: &str, expected: &str) {
        let error = Order::parse(payload.as_bytes()).unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Invalid, "engine.order"));
        assert!(error.message.contains(expected), "{payload}: {}", error.message);
    }

    #[test]
    fn payload_that_is_no_order_is_refused_with_the_reason() {
        check("", "EOF");
        check("\u{0}", "expected value");
        check("[]", "");
        check(r#"{"version":1}"#, "missing field `order`");
        check(r#"{"version":2,"order":{"teleport":{}}}"#, "version 2, this program reads 1");
        check(r#"{"version":1,"order":{"teleport":{}}}"#, "unknown variant `teleport`");
        check(r#"{"version":1,"order":{"sync":{"connection":"crm"}}}"#, "missing field");
        check(
            r#"{"version":1,"order":{"sync":{"connection":"C R M","entities":[],"full":false,"task":null}}}"#,
            "not a valid connection",
        );
        check(
            r#"{"version":1,"order":{"sync":{"connection":"crm","entities":[],"full":false,"task":null,"drop":1}}}"#,
            "unknown field `drop`",
        );
        check(
            r#"{"version":1,"order":{"sync":{"connection":"crm","entities":[],"full":"yes","task":null}}}"#,
            "invalid type",
        );
    }
}
