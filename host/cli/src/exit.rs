//! How the command ends.

use serde::Serialize;

use crate::output::{Closed, Output};

/// The documented exit codes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    /// Everything asked for was done.
    Done,
    /// Something failed.
    Failed,
    /// A signature, trust or permission rule said no.
    Refused,
    /// A sync read something, not everything.
    Partial,
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Refused => 3,
            Self::Partial => 4,
            Self::Interrupted => 130,
        }
    }
}

/// Marks an error as a refusal rather than a failure.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refusal(pub(crate) String);

/// Marks the end of a command whose work others go on with.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Left(pub(crate) String);

/// An error as `--json` shows it.
#[derive(Serialize)]
struct Shown {
    error: Failure,
}

#[derive(Serialize)]
struct Failure {
    message: String,
    causes: Vec<String>,
    refused: bool,
    /// Of an error of the host or of an adapter.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// Shows an error with its causes, and tells how to end.
pub(crate) fn report(error: &anyhow::Error, output: &Output) -> Exit {
    if error.is::<Closed>() {
        return Exit::Done;
    }
    if let Some(Left(note)) = error.downcast_ref() {
        output.note(note);
        return Exit::Interrupted;
    }
    let message = output.scrubbed(&error.to_string());
    let causes = error.chain().skip(1).map(|cause| output.scrubbed(&cause.to_string()));
    let causes: Vec<_> = causes.collect();
    output.line(&format_args!("error: {message}"));
    for cause in &causes {
        output.line(&format_args!("  because: {cause}"));
    }
    let code = error.chain().find_map(|cause| cause.downcast_ref::<model::Error>());
    let code = code.map(|error| error.code.clone());
    if let Some(code) = code.as_deref().filter(|code| model::errors::find(code).is_some()) {
        output.line(&format_args!("  see: plughouse errors {code}"));
    }
    let refused = error.chain().any(<dyn std::error::Error>::is::<Refusal>);
    show(Failure { message, causes, refused, code }, output);
    if refused { Exit::Refused } else { Exit::Failed }
}

/// Shows what clap has to say, and gives its exit code.
pub(crate) fn usage(error: &clap::Error, output: &Output) -> u8 {
    // Help and version are "errors" that belong on standard output with code 0.
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    let shown = error.print();
    if error.use_stderr() {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default();
        let message = message.trim_start_matches("error: ").to_owned();
        let causes = Vec::new();
        show(Failure { message, causes, refused: false, code: None }, output);
        return code;
    }
    if shown.is_ok() { code } else { 1 }
}

/// A standard output that cannot be written to is nobody's to tell.
fn show(error: Failure, output: &Output) {
    if output.is_json() {
        output.json(&Shown { error }).unwrap_or_default();
    }
}
