//! The `plughouse` command, for tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(plughouse::run(std::env::args_os()))
}
