//! What guests log: bounded, scrubbed, one line each.

use std::fmt::Write as _;
use std::sync::Arc;

use tracing::Level;

use crate::limits::{LOG_LINE_BYTES_MAX, LOG_LINES_MAX, SECRET_BYTES_MAX};

/// Who is talking.
#[derive(Debug, Default)]
pub(crate) struct Speaker {
    pub(crate) package: String,
    pub(crate) tenant: String,
    pub(crate) connection: String,
}

/// The log of one call.
#[derive(Debug, Default)]
pub(crate) struct GuestLog {
    speaker: Arc<Speaker>,
    lines: u32,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Admission {
    Write,
    Warn,
    Drop,
}

impl GuestLog {
    pub(crate) fn new(speaker: Arc<Speaker>) -> Self {
        Self { speaker, lines: 0 }
    }

    /// Writes a line, unless the call has written its share.
    pub(crate) fn write(&mut self, level: Level, line: &str, scrub: impl Fn(&str) -> String) {
        match self.admit() {
            Admission::Write => self.emit(level, line, scrub),
            Admission::Warn => self.emit(
                Level::WARN,
                &format!("more than {LOG_LINES_MAX} lines in one call, dropping the rest"),
                str::to_owned,
            ),
            Admission::Drop => {}
        }
    }

    fn admit(&mut self) -> Admission {
        self.lines = self.lines.saturating_add(1);
        match self.lines.cmp(&(LOG_LINES_MAX + 1)) {
            std::cmp::Ordering::Less => Admission::Write,
            std::cmp::Ordering::Equal => Admission::Warn,
            std::cmp::Ordering::Greater => Admission::Drop,
        }
    }

    fn emit(&self, level: Level, line: &str, scrub: impl Fn(&str) -> String) {
        let Speaker { package, tenant, connection } = &*self.speaker;
        macro_rules! emit {
            ($level:expr) => {
                // The text is made only if somebody listens.
                tracing::event!(
                    target: "adapter", $level, %package, %tenant, %connection, "{}",
                    clean(line, LOG_LINE_BYTES_MAX, &scrub)
                )
            };
        }
        match level {
            Level::ERROR => emit!(Level::ERROR),
            Level::WARN => emit!(Level::WARN),
            Level::INFO => emit!(Level::INFO),
            _ => emit!(Level::DEBUG),
        }
    }
}

/// Joins a message and its fields.
pub(crate) fn compose(message: &str, fields: &[(&str, &str)]) -> String {
    // More than is looked at, so that it shows that something was cut.
    let enough = 2 * window(LOG_LINE_BYTES_MAX);
    let mut line = prefix(message, enough).to_owned();
    for (name, value) in fields {
        if line.len() >= enough {
            break;
        }
        let value = prefix(value, enough);
        write!(line, " {}={value}", prefix(name, enough)).unwrap_or_default();
    }
    line
}

/// How much of a text is looked at, of which `bytes_max` bytes are kept.
const fn window(bytes_max: usize) -> usize {
    bytes_max + SECRET_BYTES_MAX
}

/// Scrubs, then escapes, then cuts: a secret may hold line breaks, and half of one is one too. A
/// secret that the end of the window splits slips through the scrubbing, so what stands within the
/// length of one from there is not kept.
pub(crate) fn clean(text: &str, bytes_max: usize, scrub: impl Fn(&str) -> String) -> String {
    let looked_at = prefix(text, window(bytes_max));
    let scrubbed = scrub(looked_at);
    let kept = if looked_at.len() < text.len() {
        prefix(&scrubbed, scrubbed.len().saturating_sub(SECRET_BYTES_MAX))
    } else {
        &scrubbed
    };
    let escaped = escape(prefix(kept, bytes_max));
    prefix(&escaped, bytes_max).to_owned()
}

/// The beginning of a text from a component, fit for an error and a terminal.
pub(crate) fn shown(text: &str, bytes_max: usize) -> String {
    escape(prefix(text, bytes_max))
}

/// Writes control characters as `\n`, `\u{1b}` and so on, so that a text stays one line and moves
/// no cursor.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for symbol in text.chars() {
        if is_treacherous(symbol) {
            escaped.extend(symbol.escape_default());
        } else {
            escaped.push(symbol);
        }
    }
    escaped
}

/// Control characters, and those that reorder or hide the text around them.
fn is_treacherous(symbol: char) -> bool {
    symbol.is_control()
        || matches!(symbol, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The longest beginning of `text` within `bytes_max` that ends between two characters.
pub(crate) fn prefix(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrub(text: &str) -> String {
        text.replace("hunter2", "***")
    }

    #[track_caller]
    fn check(line: &str, expected: &str) {
        assert_eq!(clean(line, LOG_LINE_BYTES_MAX, scrub), expected);
    }

    #[test]
    fn line_is_scrubbed_escaped_and_cut() {
        check("plain äöü", "plain äöü");
        check("token hunter2 sent", "token *** sent");
        check("two\nlines\x1b[31m", "two\\nlines\\u{1b}[31m");
        check("a\u{202e}b", "a\\u{202e}b");
        check(&"x".repeat(LOG_LINE_BYTES_MAX * 3), &"x".repeat(LOG_LINE_BYTES_MAX));
    }

    #[test]
    fn secret_across_a_cut_is_not_half_written() {
        const KEPT: usize = 100;
        for shift in 0..8 {
            let whole = format!("{}hunter2", "x".repeat(KEPT - shift));
            assert!(!clean(&whole, KEPT, scrub).contains('h'), "the cut of what is kept");
            // Scrubbing makes a text so much shorter that the end of the window would be kept.
            let many = "hunter2".repeat(window(KEPT) / 7);
            let rest = window(KEPT) - many.len();
            let long = format!("{}{many}hunter2", "x".repeat(rest + shift));
            assert!(!clean(&long, KEPT, scrub).contains('h'), "the cut of what is looked at");
            let composed = compose(&long, &[]);
            assert!(!clean(&composed, KEPT, scrub).contains('h'), "the cut of what is composed");
        }
    }

    #[test]
    fn after_the_last_line_comes_one_warning_and_then_nothing() {
        let mut log = GuestLog::default();
        let count = |log: &mut GuestLog, wanted| {
            (0..LOG_LINES_MAX * 3).filter(|_| log.admit() == wanted).count()
        };
        let written = (0..LOG_LINES_MAX).filter(|_| log.admit() == Admission::Write).count();
        assert_eq!(u32::try_from(written).unwrap(), LOG_LINES_MAX);
        assert_eq!(log.admit(), Admission::Warn);
        assert_eq!(count(&mut log, Admission::Drop), 3 * 1_000);
    }

    #[test]
    fn fields_follow_the_message() {
        assert_eq!(compose("page", &[("rows", "100"), ("ms", "7")]), "page rows=100 ms=7");
    }
}
