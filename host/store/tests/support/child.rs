//! A child process that works on a store and tells what it has done, until it is killed.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// This program again, with one of its tests alone.
pub(crate) fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    command
}

/// Lets a child work until it has told so many things, kills it, and hears what it had told by
/// then. `hear` says whether a line tells something.
pub(crate) fn kill_after(mut child: Command, count: usize, mut hear: impl FnMut(&str) -> bool) {
    let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        // What is cut off was not told.
        line.ends_with('\n').then(|| line.trim_end().to_owned())
    };
    let mut heard = 0;
    while heard < count {
        heard += usize::from(hear(&next().unwrap()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    while let Some(line) = next() {
        hear(&line);
    }
}
