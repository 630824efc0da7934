//! How the command ends.

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

/// Prints an error with its causes, and tells how to end.
#[expect(clippy::print_stderr, reason = "this is the place that prints errors")]
pub(crate) fn report(error: &anyhow::Error) -> Exit {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
    if error.chain().any(<dyn std::error::Error>::is::<Refusal>) {
        Exit::Refused
    } else {
        Exit::Failed
    }
}
