//! What the tests of the whole share: where things lie, guests built once, servers, and who asks
//! them.

mod api;
mod browser;
pub mod door;
mod events;
pub mod guests;
mod host;
mod http;
pub mod log;
mod served;
pub mod stage;

use std::path::{Path, PathBuf};

pub use api::Api;
pub use browser::{Browser, Page};
pub use events::created;
pub use host::{CONNECTION, Ended, Host, TOKEN};
pub use http::{Answered, Streamed};
pub use served::{Served, until};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."))
}

/// A binary that does what `plughouse` does. It is this package's own, so that cargo builds it
/// before it runs a test of this package.
///
/// # Panics
///
/// When it is not beside the running test.
pub fn plughouse() -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    let dir = test.parent().and_then(Path::parent).unwrap_or_else(|| Path::new("."));
    let binary = dir.join("plughouse-e2e");
    assert!(binary.is_file(), "{} is not built: run `cargo test -p e2e`", binary.display());
    binary
}
