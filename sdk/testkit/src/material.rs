//! Answers that real providers have sent to others, which are no part of the repository.

use std::io::Write as _;
use std::path::PathBuf;

/// A recorded answer by its path below `providers/data`; `None`, said aloud, where it is not.
///
/// The material lies in `shared` beside the repository, or where `PLUGHOUSE_SHARED` says.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a test has no configuration to read it from")]
pub fn recorded(name: &str) -> Option<Vec<u8>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let shared = std::env::var_os("PLUGHOUSE_SHARED").map_or_else(|| beside.into(), PathBuf::from);
    let path = shared.join("providers/data").join(name);
    let answer = std::fs::read(&path).ok();
    if answer.is_none() {
        // Straight to stderr: what `eprintln!` says in a test that passes nobody sees.
        drop(writeln!(std::io::stderr(), "SKIPPED: no recorded answer at {}", path.display()));
    }
    answer
}
