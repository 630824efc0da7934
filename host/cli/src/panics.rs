//! What is said of a panic: as much as usual, without the secrets that are in use.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{PanicHookInfo, set_hook};

use egress::Redactor;

use crate::terminal::Terminal;

/// Masks what panics of this process say from now on.
pub(crate) fn mask(redactor: Redactor) {
    set_hook(Box::new(move |panic| Terminal::Process.err(&told(panic, &redactor))));
}

fn told(panic: &PanicHookInfo<'_>, redactor: &Redactor) -> String {
    let trace = Backtrace::capture();
    let is_asked_for = trace.status() == BacktraceStatus::Captured;
    let trace = if is_asked_for { trace.to_string() } else { String::new() };
    redactor.scrub(&format!("{panic}\n{trace}")).into_owned()
}

#[cfg(test)]
mod tests {
    use std::panic::{catch_unwind, take_hook};
    use std::sync::mpsc;

    use model::Secret;
    use model::masking::Masking as _;

    use super::*;

    #[test]
    fn panic_does_not_tell_a_secret() {
        let redactor = Redactor::default();
        let secret = "hunter2-hunter2-hunter2";
        let _masked = redactor.mask(&[Secret::new(secret.to_owned())]);
        let (say, said) = mpsc::channel();
        let before = take_hook();
        set_hook(Box::new(move |panic| say.send(told(panic, &redactor)).unwrap_or_default()));
        let panicked = catch_unwind(|| panic!("no {secret} here"));
        set_hook(before);
        let said = said.recv().unwrap();
        assert!(panicked.is_err() && said.contains("panics.rs") && said.contains("no "), "{said}");
        assert!(!said.contains(secret), "{said}");
    }
}
