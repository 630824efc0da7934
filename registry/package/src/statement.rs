//! In-toto statements: what a signature says about a package.
//!
//! They grow by new predicate types, never by new fields: an unknown type is skipped, an unknown
//! field of a known type is refused.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::hex::is_digest;
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
    pub enum Verdict {
        /// It may be installed.
        Approved = "approved",
        /// It may not; such a review never counts.
        Rejected = "rejected",
    }
}

words! {
    /// How much a gate weighs.
    pub enum Level {
        /// It blocks.
        Error = "error",
        /// It needs a note.
        Warning = "warning",
    }
}

words! {
    /// What a gate or check has found.
    pub enum Outcome {
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
struct Wire {
    #[serde(rename = "_type")]
    kind: String,
    subject: Box<RawValue>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Box<RawValue>,
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
        let wire: Wire = crate::json::from_slice(payload).map_err(StatementError::json)?;
        if wire.kind != STATEMENT {
            return Err(StatementError::Kind(wire.kind));
        }
        let predicate = match wire.predicate_type.as_str() {
            RELEASE => Predicate::Release(part(&wire.predicate)?),
            REVIEW => Predicate::Review(part(&wire.predicate)?),
            _ => return Ok(None),
        };
        let mut subjects: Vec<Subject> = part(&wire.subject)?;
        let (Some(subject), []) = (subjects.pop(), subjects.as_slice()) else {
            return Err(StatementError::Subjects);
        };
        let digest = format!("sha256:{}", subject.digest.sha256);
        check_digest(&digest)?;
        if let Predicate::Review(review) = &predicate {
            review.check()?;
        }
        Ok(Some(Self { name: subject.name, digest, predicate }))
    }
}

fn part<T: DeserializeOwned>(raw: &RawValue) -> Result<T, StatementError> {
    serde_json::from_str(raw.get()).map_err(StatementError::json)
}

fn check_digest(digest: &str) -> Result<(), StatementError> {
    if is_digest(digest) { Ok(()) } else { Err(StatementError::Digest(digest.to_owned())) }
}

impl Review {
    fn check(&self) -> Result<(), StatementError> {
        let tool = self.tool.as_ref().map(|tool| &tool.digest);
        let digests = [self.previous.as_ref(), self.report.as_ref(), tool];
        digests.into_iter().flatten().try_for_each(|digest| check_digest(digest))?;
        let blocks = |gate: &&Gate| gate.level == Level::Error && gate.result == Outcome::Fail;
        match self.gates.iter().find(blocks) {
            Some(gate) if self.verdict == Verdict::Approved => {
                Err(StatementError::Contradiction(gate.id.clone()))
            }
            _ => Ok(()),
        }
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
    #[error("a statement must have exactly one subject")]
    Subjects,
    /// A digest that is none.
    #[error("`{0}` is not a sha256 in lower-case hex")]
    Digest(String),
    /// Approved although a gate that blocks has failed.
    #[error("the verdict is approved although gate {0} has failed")]
    Contradiction(String),
}

impl StatementError {
    #[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
    fn json(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> String {
        format!("sha256:{}", crate::hex::sha256(b""))
    }

    fn review(verdict: Verdict, gates: Vec<Gate>) -> Review {
        Review {
            verdict,
            reviewer: "security".to_owned(),
            policy: "1".to_owned(),
            gates,
            checklist: Vec::new(),
            previous: None,
            report: Some(digest()),
            tool: None,
        }
    }

    #[track_caller]
    fn check(text: &str, from: &str, to: &str, expected: Result<bool, &str>) {
        assert!(text.contains(from), "{text}");
        let read = Statement::parse(text.replacen(from, to, 1).as_bytes());
        let read = read.map(|statement| statement.is_some()).map_err(|error| error.to_string());
        match (&read, expected) {
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (read, expected) => assert_eq!(read.as_ref().ok(), expected.ok().as_ref(), "{read:?}"),
        }
    }

    #[test]
    fn statements_are_read_back() {
        let gate = Gate {
            id: "PKG03".to_owned(),
            level: Level::Warning,
            result: Outcome::Fail,
            note: "no changelog".to_owned(),
        };
        let statements = [
            Statement::release("acme/crm", "1.0.0", &digest()),
            Statement::review("acme/crm@1.0.0", &digest(), review(Verdict::Approved, vec![gate])),
        ];
        for statement in statements {
            assert_eq!(Statement::parse(&statement.to_json()), Ok(Some(statement)));
        }
    }

    #[test]
    fn unknown_types_are_skipped_and_unknown_fields_refused() {
        let release = Statement::release("acme/crm", "1.0.0", &digest()).to_json();
        let text = String::from_utf8(release).unwrap();
        let hex = crate::hex::sha256(b"");
        check(&text, RELEASE, "https://slsa.dev/provenance/v1", Ok(false));
        check(&text, "release/v1", "release/v2", Ok(false));
        check(&text, STATEMENT, "https://in-toto.io/Statement/v2", Err("`_type` is"));
        check(&text, "\"package\":", "\"time\":1,\"package\":", Err("unknown field `time`"));
        check(&text, "\"subject\":", "\"x\":1,\"subject\":", Err("unknown field `x`"));
        check(&text, "\"package\":", "\"package\":\"a/b\",\"package\":", Err("is repeated"));
        check(&text, "\"subject\":[", "\"subject\":[],\"x\":[", Err("unknown field `x`"));
        check(&text, &format!("{{\"sha256\":\"{hex}\"}}"), "{}", Err("missing field `sha256`"));
        check(&text, &hex, &hex.to_uppercase(), Err("is not a sha256"));
        let subject = &text[text.find("[{").unwrap()..=text.find("}]").unwrap() + 1];
        check(&text, subject, "[]", Err("exactly one subject"));
        let two = format!("[{0},{0}]", &subject[1..subject.len() - 1]);
        check(&text, subject, &two, Err("exactly one subject"));
    }

    #[test]
    fn an_approval_over_a_failed_gate_is_refused() {
        let level = |level, result| {
            let gate = Gate { id: "SEC01".to_owned(), level, result, note: String::new() };
            let approved = review(Verdict::Approved, vec![gate]);
            Statement::parse(&Statement::review("a/b@1.0.0", &digest(), approved).to_json()).is_ok()
        };
        assert!(level(Level::Warning, Outcome::Fail) && level(Level::Error, Outcome::Pass));
        assert!(!level(Level::Error, Outcome::Fail));
    }
}
