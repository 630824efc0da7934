//! What the tests of the whole share: where things lie, and guests built once.

pub mod door;
pub mod guests;
mod host;
pub mod stage;

use std::path::{Path, PathBuf};

pub use host::{CONNECTION, Ended, Host, TOKEN};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."))
}

/// The `plughouse` binary that cargo built beside the running test.
///
/// # Panics
///
/// When it is not there, saying how to build it.
pub fn plughouse() -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    let dir = test.parent().and_then(Path::parent).unwrap_or_else(|| Path::new("."));
    let binary = dir.join("plughouse");
    assert!(binary.is_file(), "{} is not built: run `cargo build` first", binary.display());
    binary
}
