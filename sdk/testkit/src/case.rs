//! A case: pulls against a cassette, and the pages that are expected.
//!
//! Written as `fixtures/NAME.case.json` beside its cassette. `cargo test` runs it natively with
//! [`run_all`]; `plughouse adapter test` runs the same file against the built component. Both
//! follow one [`Run`].
//!
//! ```
//! let case = plughouse_testkit::Case::parse(r#"{
//!     "entity": "contact",
//!     "selection": { "window": { "from_ms": 0, "until_ms": 1780315200000 } },
//!     "fields": ["email"],
//!     "variables": { "auth": "token" },
//!     "cassette": "changed.jsonl",
//!     "expect": { "pages": [{ "records": ["151000000003"], "next": "done" }] }
//! }"#);
//! assert_eq!(case.unwrap().limit, 100);
//! ```

mod native;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cassette::{Cassette, CassetteError, Replay};
pub use native::run_all;

/// The end of the names of case files.
pub const EXTENSION: &str = ".case.json";

/// Records per page unless the case says otherwise.
const LIMIT_DEFAULT: u32 = 100;

/// What a case is.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The entity to pull.
    pub entity: String,
    /// Its part, for dynamic entities and those with a parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Which records.
    #[serde(default)]
    pub selection: Selection,
    /// Where the first page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// The fields; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Records per page.
    #[serde(default = "limit_default")]
    pub limit: u32,
    /// The connection variables, `auth` included.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// The origins of endpoints, for links; the component takes those of its manifest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoints: BTreeMap<String, String>,
    /// The clock.
    #[serde(default = "now_default")]
    pub now_ms: u64,
    /// The cassette, beside this file.
    pub cassette: String,
    /// What must come of it.
    pub expect: Expect,
}

fn limit_default() -> u32 {
    LIMIT_DEFAULT
}

fn now_default() -> u64 {
    crate::native::NOW_MS
}

/// Which records a case asks for; the contract's selections.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Selection {
    /// Everything there is.
    #[default]
    All,
    /// The change feed.
    Changes,
    /// What was created or changed in a window.
    Window(Window),
    /// What was deleted in a window.
    Deleted(Window),
    /// These records.
    Ids(Vec<String>),
}

/// A half-open stretch of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Inclusive.
    pub from_ms: u64,
    /// Exclusive.
    pub until_ms: u64,
}

/// What must come of a case: pages, and possibly an error after them.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The pages in their order.
    #[serde(default)]
    pub pages: Vec<PageSummary>,
    /// The error that ends the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorSummary>,
}

/// A page in short.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PageSummary {
    /// The ids of the records, in order.
    #[serde(default)]
    pub records: Vec<String>,
    /// The ids of the tombstones, in order.
    #[serde(default)]
    pub tombstones: Vec<String>,
    /// How many records were rejected.
    #[serde(default)]
    pub rejects: usize,
    /// What follows.
    pub next: NextKind,
}

/// What follows a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the contract's words")]
pub enum NextKind {
    More,
    Done,
    Partial,
}

/// An error in short.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorSummary {
    /// The kind, in the contract's words: `rate-limited`.
    pub kind: String,
    /// The code of the adapter.
    pub code: String,
}

/// One call of `pull`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pull<'a> {
    /// What is pulled; entity, part, selection, fields and limit stand there.
    pub case: &'a Case,
    /// Where the page begins.
    pub checkpoint: Option<&'a str>,
}

/// A case being run: it says what to pull next and collects what came.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    case: &'a Case,
    checkpoint: Option<String>,
    over: bool,
    actual: Expect,
    /// The text of the error, for people.
    message: String,
}

impl Case {
    /// Reads a case.
    pub fn parse(text: &str) -> Result<Self, CaseError> {
        serde_json::from_str(text).map_err(|cause| CaseError(format!("not a case: {cause}")))
    }

    /// Reads a case and its cassette.
    pub fn load(path: &Path) -> Result<(Self, Cassette), CaseError> {
        let text = std::fs::read_to_string(path).map_err(|cause| {
            CaseError(format!("{}: it cannot be read: {cause}", path.display()))
        })?;
        let case = Self::parse(&text)
            .map_err(|cause| CaseError(format!("{}: {cause}", path.display())))?;
        let cassette = Cassette::load(&path.with_file_name(&case.cassette))?;
        Ok((case, cassette))
    }

    /// The case files of a directory, by name.
    pub fn files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(EXTENSION) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Begins a run.
    pub fn start(&self) -> Run<'_> {
        Run {
            case: self,
            checkpoint: self.checkpoint.clone(),
            over: false,
            actual: Expect::default(),
            message: String::new(),
        }
    }
}

impl Run<'_> {
    /// What to pull now; `None` when the run is over, or one page longer than expected.
    pub fn next(&self) -> Option<Pull<'_>> {
        let expected = self.actual.pages.len() <= self.case.expect.pages.len();
        let pull = Pull { case: self.case, checkpoint: self.checkpoint.as_deref() };
        (!self.over && expected).then_some(pull)
    }

    /// Takes the page that came and the checkpoint in its `next`.
    pub fn page(&mut self, page: PageSummary, checkpoint: impl Into<String>) {
        self.over = page.next != NextKind::More;
        self.checkpoint = Some(checkpoint.into());
        self.actual.pages.push(page);
    }

    /// Takes the error that came instead of a page.
    pub fn error(&mut self, error: ErrorSummary, message: impl Into<String>) {
        self.over = true;
        self.actual.error = Some(error);
        self.message = message.into();
    }

    /// Compares what came with what was expected, and whether the cassette was played to its end.
    pub fn finish(self, replay: &Replay) -> Result<(), CaseError> {
        let mut wrong: Vec<String> = replay.missed().iter().map(ToString::to_string).collect();
        let (expected, actual) = (&self.case.expect, &self.actual);
        for number in 0..expected.pages.len().max(actual.pages.len()) {
            let (expected, actual) = (expected.pages.get(number), actual.pages.get(number));
            if expected != actual {
                let number = number + 1;
                wrong.push(format!(
                    "page {number}:\n  expected {}\n  came     {}",
                    shown(expected),
                    shown(actual)
                ));
            }
        }
        if expected.error != actual.error {
            let (expected, actual) = (shown(expected.error.as_ref()), shown(actual.error.as_ref()));
            let message = &self.message;
            wrong.push(format!("error:\n  expected {expected}\n  came     {actual} {message}"));
        }
        if wrong.is_empty() && !replay.unused().is_empty() {
            let lines: Vec<String> = replay.unused().iter().map(ToString::to_string).collect();
            wrong.push(format!(
                "the adapter did not ask for what is recorded on line {} of {}",
                lines.join(", "),
                self.case.cassette
            ));
        }
        if wrong.is_empty() { Ok(()) } else { Err(CaseError(wrong.join("\n"))) }
    }
}

fn shown<T: Serialize>(value: Option<&T>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    serde_json::to_string(value).unwrap_or_else(|cause| cause.to_string())
}

/// A case that cannot be run or did not come out as expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaseError(String);

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CaseError {}

impl From<CassetteError> for CaseError {
    fn from(error: CassetteError) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests;
