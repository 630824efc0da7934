//! Events as they come, in the form of server-sent events (WHATWG HTML).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use engine::sync::Cancel;
use futures_util::stream;
use model::TenantId;
use model::event::EventLog;
use model::store::RecordStore;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::behind;
use super::hub::{Frame, Hub};
use super::view::Topics;
use crate::slots::Slot;

/// How long a stream is silent at most: proxies cut what is silent for half a minute or longer. A
/// sign of life moves the id on as well, past events that the stream does not tell.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a browser waits before it comes back.
const RETRY: Duration = Duration::from_secs(2);

/// Events that are read from the log at once, before the stream is as far as the log.
const BATCH: usize = 200;

/// Parts of a stream that wait for its reader. One that is slower than this and what the hub
/// holds for it is cut.
const WAITING_MAX: usize = 16;

/// Why a stream ends, as its last event says it. Whoever comes back misses nothing, or hears that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// Its reader is too slow: for what waits, or for how long the log is kept.
    Behind,
    /// The host stops.
    Closing,
    /// The log could not be read, or nobody reads it for the streams any more.
    Failed,
}

/// A stream of events.
pub(super) struct Follower {
    pub(super) records: Arc<dyn RecordStore>,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) hub: Hub,
    pub(super) closing: Cancel,
    pub(super) tenant: TenantId,
    pub(super) topics: Topics,
    /// Which program tells.
    pub(super) build: Arc<str>,
    /// All events up to this one were told, or are not asked for.
    pub(super) seq: u64,
}

/// Where a stream goes; nobody reads it any more where that fails.
struct Out(mpsc::Sender<Bytes>);

/// Nobody reads it any more.
struct Gone;

impl Follower {
    /// The answer. `missed` says that events behind the place where the stream was to begin are
    /// not kept any more.
    pub(super) fn answer(mut self, missed: bool, slot: Slot) -> Response {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        tokio::spawn(async move {
            let _slot = slot;
            let out = Out(sender);
            let Ok(end) = self.tell(&out, missed).await else { return };
            // Who is gone need not be told.
            drop(out.send(self.last(end)).await);
        });
        let parts = stream::unfold(receiver, |mut receiver| async move {
            let bytes = receiver.recv().await?;
            Some((Ok::<_, Infallible>(bytes), receiver))
        });
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
            // nginx holds answers back until it has a page of them, unless it is told not to.
            (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        ];
        (headers, Body::from_stream(parts)).into_response()
    }

    /// Tells what has happened and what happens, until there is a reason to end.
    async fn tell(&mut self, out: &Out, missed: bool) -> Result<End, Gone> {
        out.send(self.hello(missed)).await?;
        // First far, then once more for what has happened before the hub was asked.
        if let Some(end) = self.read(out).await? {
            return Ok(end);
        }
        let mut news = self.hub.follow(&self.tenant, self.seq);
        if let Some(end) = self.read(out).await? {
            return Ok(end);
        }
        let closing = self.closing.clone();
        let mut silent = Instant::now() + HEARTBEAT;
        loop {
            let next = tokio::select! {
                biased;
                () = closing.cancelled() => return Ok(End::Closing),
                () = out.gone() => return Err(Gone),
                next = timeout_at(silent, news.recv()) => next,
            };
            let bytes = match next {
                Ok(Ok(frame)) if frame.seq > self.seq => {
                    self.seq = frame.seq;
                    if !self.topics.hold(frame.kind, frame.connection.as_ref()) {
                        continue;
                    }
                    frame.bytes
                }
                Ok(Ok(_told)) => continue,
                Ok(Err(RecvError::Lagged(_))) => return Ok(End::Behind),
                Ok(Err(RecvError::Closed)) if closing.is_cancelled() => return Ok(End::Closing),
                Ok(Err(RecvError::Closed)) => return Ok(End::Failed),
                Err(_silent) => format!(":\nid: {}\n\n", self.seq).into(),
            };
            out.send(bytes).await?;
            silent = Instant::now() + HEARTBEAT;
        }
    }

    /// Tells what stands in the log.
    async fn read(&mut self, out: &Out) -> Result<Option<End>, Gone> {
        loop {
            if self.closing.is_cancelled() {
                return Ok(Some(End::Closing));
            }
            match self.batch().await {
                Ok(None) => return Ok(None),
                Ok(Some(bytes)) if bytes.is_empty() => {}
                Ok(Some(bytes)) => out.send(bytes).await?,
                Err(end) => return Ok(Some(end)),
            }
        }
    }

    /// What the next events of the log tell; nothing at its end.
    async fn batch(&mut self) -> Result<Option<Bytes>, End> {
        let stores = (&*self.records, &*self.log);
        let events = behind(stores, &self.tenant, self.seq, BATCH).await;
        let events = events.map_err(|problem| {
            if problem.status() == StatusCode::GONE {
                return End::Behind;
            }
            tracing::error!(code = problem.code(), "a stream has failed");
            End::Failed
        })?;
        let Some(last) = events.last() else { return Ok(None) };
        self.seq = last.seq;
        let frames = events.into_iter().map(Frame::of);
        let told = frames.filter(|it| self.topics.hold(it.kind, it.connection.as_ref()));
        let bytes = told.fold(Vec::new(), |mut bytes, frame| {
            bytes.extend_from_slice(&frame.bytes);
            bytes
        });
        Ok(Some(bytes.into()))
    }

    fn hello(&self, missed: bool) -> Bytes {
        let data = json!({"build": &*self.build, "seq": self.seq, "missed": missed});
        let (seq, retry_ms) = (self.seq, RETRY.as_millis());
        format!("retry: {retry_ms}\nid: {seq}\nevent: hello\ndata: {data}\n\n").into()
    }

    fn last(&self, end: End) -> Bytes {
        let reason = match end {
            End::Behind => "behind",
            End::Closing => "closing",
            End::Failed => "failed",
        };
        let data = json!({"reason": reason, "seq": self.seq});
        format!("id: {}\nevent: resume\ndata: {data}\n\n", self.seq).into()
    }
}

impl Out {
    async fn send(&self, bytes: Bytes) -> Result<(), Gone> {
        self.0.send(bytes).await.map_err(|_closed| Gone)
    }

    async fn gone(&self) {
        self.0.closed().await;
    }
}
