//! Runs cases against an adapter as it is compiled for `cargo test`.

use std::path::Path;

use plughouse_sdk::{Adapter, Error, ErrorKind, Next, Page, PullRequest};

use crate::Shared;
use crate::case::{
    Case, CaseError, EXTENSION, ErrorSummary, NextKind, PageSummary, Pull, Selection, Window,
};
use crate::cassette::{Cassette, Replay};
use crate::native::TestHost;

/// Bytes of a checkpoint at most; the contract's number.
const CHECKPOINT_BYTES_MAX: usize = 64 << 10;

/// Runs every case of a directory; returns how many there are.
///
/// # Errors
///
/// All cases that fail, each with what was expected and what came; or that there is no case.
pub fn run_all<A: Adapter>(directory: impl AsRef<Path>) -> Result<usize, CaseError> {
    let directory = directory.as_ref();
    let files = Case::files(directory).map_err(|cause| {
        CaseError(format!("{}: it cannot be listed: {cause}", directory.display()))
    })?;
    if files.is_empty() {
        let directory = directory.display();
        return Err(CaseError(format!("{directory}: there is no file that ends in {EXTENSION}")));
    }
    let mut failed = Vec::new();
    for file in &files {
        let outcome = Case::load(file).and_then(|(case, cassette)| case.run::<A>(cassette));
        if let Err(error) = outcome {
            failed.push(format!("{}: {error}", file.display()));
        }
    }
    if failed.is_empty() { Ok(files.len()) } else { Err(CaseError(failed.join("\n"))) }
}

impl Case {
    /// Runs the case against an adapter, each page with a fresh host call.
    pub fn run<A: Adapter>(&self, cassette: Cassette) -> Result<(), CaseError> {
        let replay = Shared::new(Replay::new(cassette));
        let host = self.host(replay.clone());
        let mut run = self.start();
        while let Some(pull) = run.next() {
            match host.run(|| A::pull(pull.into())) {
                Ok(page) => {
                    check(&host, &page)?;
                    let (summary, checkpoint) = summary(page);
                    run.page(summary, checkpoint);
                }
                Err(error) => {
                    let kind = kind_name(error.kind).to_owned();
                    let Error { code, message, .. } = error;
                    run.error(ErrorSummary { kind, code }, message);
                }
            }
        }
        replay.with(|replay| run.finish(replay))
    }

    fn host(&self, replay: Shared<Replay>) -> TestHost {
        let host = TestHost::new(replay).now(self.now_ms);
        let host = self.variables.iter().fold(host, |host, (name, it)| host.variable(name, it));
        self.endpoints.iter().fold(host, |host, (name, it)| host.endpoint(name, it))
    }
}

impl From<Pull<'_>> for PullRequest {
    fn from(Pull { case, checkpoint }: Pull<'_>) -> Self {
        let window = |Window { from_ms, until_ms }| plughouse_sdk::Window { from_ms, until_ms };
        Self {
            entity: case.entity.clone(),
            part: case.part.clone(),
            selection: match &case.selection {
                Selection::All => plughouse_sdk::Selection::All,
                Selection::Changes => plughouse_sdk::Selection::Changes,
                Selection::Window(it) => plughouse_sdk::Selection::Window(window(*it)),
                Selection::Deleted(it) => plughouse_sdk::Selection::Deleted(window(*it)),
                Selection::Ids(ids) => plughouse_sdk::Selection::Ids(ids.clone()),
            },
            checkpoint: checkpoint.map(str::to_owned),
            fields: case.fields.clone(),
            limit: case.limit,
        }
    }
}

/// Checks what the host would check: records have an id, payloads are JSON of this call.
fn check(host: &TestHost, page: &Page) -> Result<(), CaseError> {
    for record in &page.records {
        let name = format!("record `{}` of `{}`", record.id, record.entity);
        if record.id.is_empty() {
            return Err(CaseError(format!("{name}: its id is empty")));
        }
        let payload = host.payload(&record.payload).ok_or_else(|| {
            CaseError(format!("{name}: its payload is a span outside of the answers of this call"))
        })?;
        serde_json::from_slice::<serde::de::IgnoredAny>(&payload)
            .map_err(|cause| CaseError(format!("{name}: its payload is not JSON: {cause}")))?;
    }
    let (Next::More(checkpoint) | Next::Done(checkpoint) | Next::Partial(checkpoint)) = &page.next;
    if checkpoint.len() > CHECKPOINT_BYTES_MAX {
        return Err(CaseError("the checkpoint is larger than 64 KiB".to_owned()));
    }
    Ok(())
}

fn summary(page: Page) -> (PageSummary, String) {
    let (next, checkpoint) = match page.next {
        Next::More(checkpoint) => (NextKind::More, checkpoint),
        Next::Done(checkpoint) => (NextKind::Done, checkpoint),
        Next::Partial(checkpoint) => (NextKind::Partial, checkpoint),
    };
    let summary = PageSummary {
        records: page.records.into_iter().map(|record| record.id).collect(),
        tombstones: page.tombstones.into_iter().map(|tombstone| tombstone.id).collect(),
        rejects: page.rejects.len(),
        next,
    };
    (summary, checkpoint)
}

fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AuthRequired => "auth-required",
        ErrorKind::Permission => "permission",
        ErrorKind::NotFound => "not-found",
        ErrorKind::Invalid => "invalid",
        ErrorKind::Conflict => "conflict",
        ErrorKind::RateLimited => "rate-limited",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Timeout => "timeout",
        ErrorKind::ExpiredCheckpoint => "expired-checkpoint",
        ErrorKind::Unsupported => "unsupported",
        ErrorKind::BudgetExhausted => "budget-exhausted",
        ErrorKind::Denied => "denied",
        ErrorKind::Malformed => "malformed",
        ErrorKind::Other => "other",
    }
}
