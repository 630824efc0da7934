//! In-toto statements: what a signature says about a package.
//!
//! They grow by new predicate types, never by new fields: an unknown type is skipped, an unknown
//! field of a known type is refused.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::words::words;

/// The type of every statement.
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The publisher says: this is my release.
pub const RELEASE: &str = "https://plughouse.dev/attestation/release/v1";
/// A reviewer says what a review has found.
pub const REVIEW: &str = "https://plughouse.dev/attestation/review/v1";

/// A statement about one package.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement {
    /// The subject's name, for people: `publisher/id@version`.
    pub name: String,
    /// The subject: `sha256:` and the digest of `contents.json`.
    pub digest: String,
    /// What is said.
    pub predicate: Predicate,
}

/// What a statement says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Predicate {
    /// A release.
    Release(Release),
    /// A review.
    Review(Review),
}

/// The publisher's word. Everything else is under the digest already.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// `publisher/id`.
    pub package: String,
    /// The version, equal to the manifest's.
    pub version: String,
}

/// The reviewer's word.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The result.
    pub verdict: Verdict,
    /// Who has reviewed: a `[reviewer.NAME]` of the trust file.
    pub reviewer: String,
    /// The version of the set of gates.
    pub policy: String,
    /// What the automatic gates have found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// What the person has found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checklist: Vec<Check>,
    /// The digest of the release that the review compares with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The sha256 of the full report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// The program that ran the gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool>,
}

/// The result of an automatic gate.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The gate; ids are never reused.
    pub id: String,
    /// How much it weighs.
    pub level: Level,
    /// What came out.
    pub result: Outcome,
    /// What the reviewer says to it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The result of a check by a person.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The check; ids are never reused.
    pub id: String,
    /// What came out.
    pub result: Outcome,
    /// What the reviewer says to it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A program by version and digest.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its version.
    pub version: String,
    /// Its digest.
    pub digest: String,
}

words! {
    /// The result of a review.
    Verdict {
        /// It may be installed.
        Approved = "approved",
        /// It may not; such a review never counts.
        Rejected = "rejected",
    }
}

words! {
    /// How much a gate weighs.
    Level {
        /// It blocks.
        Error = "error",
        /// It needs a note.
        Warning = "warning",
    }
}

words! {
    /// What a gate or check has found.
    Outcome {
        /// Nothing wrong.
        Pass = "pass",
        /// Something wrong.
        Fail = "fail",
        /// It did not apply.
        Skip = "skip",
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    #[serde(rename = "_type")]
    kind: &'a str,
    #[serde(borrow)]
    subject: &'a RawValue,
    #[serde(rename = "predicateType")]
    predicate_type: &'a str,
    #[serde(borrow)]
    predicate: &'a RawValue,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: Digest,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Digest {
    sha256: String,
}

impl Statement {
    /// The publisher's statement about a package.
    pub fn release(package: &str, version: &str, digest: &str) -> Self {
        let release = Release { package: package.to_owned(), version: version.to_owned() };
        Self {
            name: format!("{package}@{version}"),
            digest: digest.to_owned(),
            predicate: Predicate::Release(release),
        }
    }

    /// A reviewer's statement about a package.
    pub fn review(name: &str, digest: &str, review: Review) -> Self {
        let predicate = Predicate::Review(review);
        Self { name: name.to_owned(), digest: digest.to_owned(), predicate }
    }

    /// Writes the payload of an envelope.
    pub fn to_json(&self) -> Vec<u8> {
        let (kind, predicate) = match &self.predicate {
            Predicate::Release(release) => (RELEASE, serde_json::json!(release)),
            Predicate::Review(review) => (REVIEW, serde_json::json!(review)),
        };
        let sha256 = self.digest.trim_start_matches("sha256:").to_owned();
        let subject = Subject { name: self.name.clone(), digest: Digest { sha256 } };
        serde_json::json!({
            "_type": STATEMENT, "subject": [subject], "predicateType": kind, "predicate": predicate,
        })
        .to_string()
        .into_bytes()
    }

    /// Reads a payload; `None` is a statement of a type that is not known here.
    pub fn parse(payload: &[u8]) -> Result<Option<Self>, StatementError> {
        todo!("{payload:?}")
    }
}

/// Why a payload is no statement.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StatementError {
    /// It is not the JSON of a statement, or holds a field that its type does not have.
    #[error("not a statement: {0}")]
    Json(String),
    /// Another `_type`.
    #[error("the statement's `_type` is `{0}`, not `{STATEMENT}`")]
    Kind(String),
    /// None or several subjects.
    #[error("a statement must have exactly one subject, this one has {0}")]
    Subjects(usize),
    /// A digest that is none.
    #[error("`{0}` is not a sha256 in lower-case hex")]
    Digest(String),
    /// Approved although a gate that blocks has failed.
    #[error("the verdict is approved although gate {0} has failed")]
    Contradiction(String),
}
