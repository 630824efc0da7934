//! Spans: those of requests, jobs and adapter calls, from their begin to their end.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Clock, Timestamp};
use serde_json::json;
use tokio::sync::Notify;
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::body::{Batch, Frame, Group, Resource, attribute};

/// Spans that wait to be sent: some seconds of a busy host, about a megabyte.
const WAITING_MAX: usize = 4_096;

/// Spans that are sent before their time.
const MANY: usize = WAITING_MAX / 4;

/// Fields of a span; none of ours has more.
const FIELDS_MAX: usize = 16;

/// The longest value of a field, in bytes; the longest of ours are ids and paths.
const VALUE_BYTES_MAX: usize = 256;

/// Takes down spans that belong to a trace; clones are the same ones.
///
/// A span belongs to one if it has a field `trace_id`, or lies within one that does. Its fields
/// `span_id` and `parent_id` then say which step it is, where others must know that.
#[derive(Clone)]
pub struct Spans(Arc<Inner>);

struct Inner {
    clock: Clock,
    /// Makes ids that another process does not make.
    seed: u64,
    ids: AtomicU64,
    waiting: Mutex<Waiting>,
    many: Notify,
}

#[derive(Default)]
struct Waiting {
    ended: VecDeque<Ended>,
    lost: u64,
}

/// A span that has ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    step: Step,
    end: Timestamp,
}

#[derive(Clone, Debug)]
struct Step {
    name: &'static str,
    trace: String,
    span: String,
    parent: Option<String>,
    begin: Timestamp,
    fields: Fields,
}

#[derive(Clone, Debug, Default)]
struct Fields(Vec<(&'static str, String)>);

impl Spans {
    /// Takes down spans by this clock.
    pub fn new(clock: Clock) -> Self {
        let text = format!("{}/{}", std::process::id(), clock.now().as_nanosecond());
        Self(Arc::new(Inner {
            clock,
            seed: xxh3_64_with_seed(text.as_bytes(), 0),
            ids: AtomicU64::new(0),
            waiting: Mutex::default(),
            many: Notify::new(),
        }))
    }

    /// Waits until there are many.
    pub(super) async fn many(&self) {
        self.0.many.notified().await;
    }

    /// Takes what has ended, and how many there was no room for.
    pub(super) fn drain(&self) -> (Vec<Ended>, u64) {
        let Waiting { ended, lost } = std::mem::take(&mut *self.waiting());
        (ended.into(), lost)
    }

    fn keep(&self, ended: Ended) {
        let mut waiting = self.waiting();
        if waiting.ended.len() >= WAITING_MAX {
            waiting.lost += 1;
            return;
        }
        waiting.ended.push_back(ended);
        if waiting.ended.len() == MANY {
            self.0.many.notify_one();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self) -> String {
        let number = self.0.ids.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}", xxh3_64_with_seed(&number.to_be_bytes(), self.0.seed).max(1))
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spans").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for Spans
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let own = fields.take("trace_id").filter(|id| is_id(id, 32));
        let (span_id, parent_id) = (fields.take("span_id"), fields.take("parent_id"));
        let above = span.parent().and_then(|parent| {
            let extensions = parent.extensions();
            extensions.get::<Step>().map(|step| (step.trace.clone(), step.span.clone()))
        });
        let (trace, parent) = match (own, above) {
            (Some(trace), _) => (trace, parent_id.filter(|id| is_id(id, 16))),
            (None, Some((trace, parent))) => (trace, Some(parent)),
            (None, None) => return,
        };
        let step = Step {
            name: span.name(),
            trace,
            span: span_id.filter(|id| is_id(id, 16)).unwrap_or_else(|| self.id()),
            parent,
            begin: self.0.clock.now(),
            fields,
        };
        span.extensions_mut().insert(step);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        let Some(step) = extensions.get_mut::<Step>() else { return };
        values.record(&mut step.fields);
        let parent = step.fields.take("parent_id").filter(|id| is_id(id, 16));
        step.parent = parent.or(step.parent.take());
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let step = span.extensions_mut().remove::<Step>();
        if let Some(step) = step {
            self.keep(Ended { step, end: self.0.clock.now() });
        }
    }
}

/// The spans as requests.
pub(super) fn batches(ended: &[Ended], resource: &Resource<'_>) -> Vec<Batch> {
    let items = ended.iter().map(Ended::json).collect();
    Frame::spans(resource).batches(vec![Group { head: String::new(), items, tail: "" }])
}

impl Ended {
    fn json(&self) -> String {
        let Step { name, trace, span, parent, begin, fields } = &self.step;
        // What comes in, what goes out, and what is between, in the words of the protocol.
        let kind = match *name {
            "request" => 2,
            "call" => 3,
            _ => 1,
        };
        let attributes: Vec<_> =
            fields.0.iter().map(|(name, value)| attribute(name, value)).collect();
        json!({
            "traceId": trace,
            "spanId": span,
            "parentSpanId": parent.as_deref().unwrap_or_default(),
            "name": name,
            "kind": kind,
            "startTimeUnixNano": begin.as_nanosecond().to_string(),
            "endTimeUnixNano": self.end.as_nanosecond().to_string(),
            "attributes": attributes,
        })
        .to_string()
    }
}

impl Fields {
    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    fn put(&mut self, field: &Field, mut value: String) {
        value.truncate(value.floor_char_boundary(VALUE_BYTES_MAX));
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| *known == field.name()) {
            *known = value;
        } else if self.0.len() < FIELDS_MAX {
            self.0.push((field.name(), value));
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

/// Whether a text is so many lower-case hex digits.
fn is_id(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
