//! What a person or a program sees: lines, tables, JSON, progress.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// Where results go. Results are on standard output, everything else on standard error, so that
/// a pipe gets results only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// JSON or text.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// One result: JSON of `value`, or the text.
    pub(crate) fn result(self, value: &impl Serialize, text: impl Display) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if self.json {
            serde_json::to_writer(&mut out, value)?;
            writeln!(out)?;
        } else {
            writeln!(out, "{text}")?;
        }
        Ok(())
    }

    /// A list: one JSON value a line, or a table.
    pub(crate) fn list<T: Serialize>(
        self,
        items: &[T],
        head: &[&str],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if self.json {
            for item in items {
                serde_json::to_writer(&mut out, item)?;
                writeln!(out)?;
            }
            return Ok(());
        }
        write!(out, "{}", table(head, items.iter().map(row)))?;
        Ok(())
    }

    /// A remark on the way; not part of the result.
    pub(crate) fn note(self, text: impl Display) {
        if !self.json {
            eprint(&text);
        }
    }

    /// A bar on a terminal, a line every so often elsewhere, nothing where a program reads.
    pub(crate) fn progress(self, what: &str) -> Progress {
        if self.json {
            return Progress::Silent;
        }
        if !std::io::stderr().is_terminal() {
            return Progress::Lines { what: what.to_owned(), shown: 0 };
        }
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {prefix}: {msg} ({elapsed})");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        Progress::Bar(bar)
    }
}

/// How far something is.
pub(crate) enum Progress {
    /// On a terminal.
    Bar(ProgressBar),
    /// In a log: a line each time the count has grown by [`LINE_EVERY`].
    Lines {
        /// What is counted.
        what: String,
        /// The count of the last line.
        shown: u64,
    },
    /// A program reads.
    Silent,
}

/// Records between two lines of progress in a log.
const LINE_EVERY: u64 = 1000;

impl Progress {
    /// Shows a count and what goes with it.
    pub(crate) fn set(&mut self, count: u64, text: impl Display) {
        match self {
            Self::Bar(bar) => {
                bar.set_message(text.to_string());
                bar.tick();
            }
            Self::Lines { what, shown } => {
                if count >= *shown + LINE_EVERY {
                    *shown = count;
                    eprint(&format_args!("{what}: {text}"));
                }
            }
            Self::Silent => {}
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

#[expect(clippy::print_stderr, reason = "this is the place that prints")]
fn eprint(text: &dyn Display) {
    eprintln!("{text}");
}

/// Columns as wide as their widest cell.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut lines = vec![head.iter().map(ToString::to_string).collect::<Vec<_>>()];
    lines.extend(rows);
    let width = |column: usize| {
        lines.iter().filter_map(|l| l.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_without_spaces() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["long".to_owned(), String::new()]];
        assert_eq!(table(&["NAME", "N"], rows.into_iter()), "NAME  N\na     1\nlong\n");
    }
}
