//! What a person or a program sees: lines, tables, JSON, progress.

use std::fmt::Display;
use std::io::ErrorKind;

use anyhow::Result;
use egress::Redactor;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::terminal::Terminal;

/// Where results go. Results are on standard output, everything else on standard error, so that
/// a pipe gets results only.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    json: bool,
    terminal: Terminal,
    redactor: Redactor,
}

impl Output {
    /// JSON or text.
    pub(crate) fn new(json: bool, terminal: Terminal, redactor: Redactor) -> Self {
        Self { json, terminal, redactor }
    }

    /// The text without the secrets that are in use.
    pub(crate) fn scrubbed(&self, text: &str) -> String {
        self.redactor.scrub(text).into_owned()
    }

    /// Whether a program reads.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// One result: JSON of `value`, or the text. That nobody reads it changes nothing.
    pub(crate) fn result(&self, value: &impl Serialize, text: impl Display) -> Result<()> {
        let written = if self.json { self.json(value) } else { self.write(&format!("{text}\n")) };
        written.or_else(|error| if error.is::<Closed>() { Ok(()) } else { Err(error) })
    }

    /// A list: one JSON value a line, or a table.
    pub(crate) fn list<T: Serialize>(
        &self,
        items: &[T],
        head: &[&str],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Result<()> {
        self.listing(head).show(items, row)
    }

    /// A list that comes in pieces.
    pub(crate) fn listing<'a>(&self, head: &'a [&'a str]) -> Listing<'a> {
        Listing { output: self.clone(), head, widths: Vec::new() }
    }

    /// A remark on the way; not part of the result.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.json {
            self.line(&text);
        }
    }

    /// A line that is not part of the result, wherever it goes; without secrets.
    pub(crate) fn line(&self, text: &dyn Display) {
        self.terminal.err(&self.scrubbed(&format!("{text}\n")));
    }

    /// Asks a person; nobody there means no, and who reads is told what else to say. Where a
    /// program reads, nobody has seen what the question is about.
    pub(crate) fn ask(&self, question: &str, otherwise: &str) -> bool {
        if self.json {
            return false;
        }
        if !self.terminal.answers() {
            self.line(&format_args!("nobody to ask here: {otherwise}"));
            return false;
        }
        self.terminal.err(&format!("{question} [y/N] "));
        self.terminal.line().is_ok_and(|answer| matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// A bar on a terminal, a line every so often elsewhere, nothing where a program reads.
    pub(crate) fn progress(&self, what: &str) -> Progress {
        if self.json {
            return Progress::Silent;
        }
        // A bar needs a terminal of this process.
        if !matches!(self.terminal, Terminal::Process) || !self.terminal.is_watched() {
            return Progress::Lines { output: self.clone(), what: what.to_owned(), shown: 0 };
        }
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {prefix}: {msg} ({elapsed})");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        Progress::Bar(bar)
    }

    /// Writes a value on one line.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<()> {
        self.write(&format!("{}\n", serde_json::to_string(value)?))
    }

    fn write(&self, text: &str) -> Result<()> {
        match self.terminal.out(text) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Closed.into()),
            written => Ok(written?),
        }
    }
}

/// How far something is.
pub(crate) enum Progress {
    /// On a terminal.
    Bar(ProgressBar),
    /// In a log: a line each time the count has grown by [`LINE_EVERY`].
    Lines {
        /// Where the lines go.
        output: Output,
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
            Self::Lines { output, what, shown } => {
                if count >= *shown + LINE_EVERY {
                    *shown = count;
                    output.line(&format_args!("{what}: {text}"));
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

/// A list in pieces: one head, and columns that never become narrower.
pub(crate) struct Listing<'a> {
    output: Output,
    head: &'a [&'a str],
    /// Of the columns so far; empty before the first piece.
    widths: Vec<usize>,
}

impl Listing<'_> {
    /// The next piece.
    pub(crate) fn show<T: Serialize>(
        &mut self,
        items: &[T],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Result<()> {
        if self.output.json {
            return items.iter().try_for_each(|item| self.output.json(item));
        }
        let table = self.table(items.iter().map(row));
        self.output.write(&table)
    }

    /// Columns as wide as their widest cell.
    fn table(&mut self, rows: impl Iterator<Item = Vec<String>>) -> String {
        let mut lines = Vec::new();
        if self.widths.is_empty() {
            lines.push(self.head.iter().map(ToString::to_string).collect::<Vec<_>>());
            self.widths = vec![0; self.head.len()];
        }
        lines.extend(rows);
        for (column, width) in self.widths.iter_mut().enumerate() {
            let cells = lines.iter().filter_map(|line| line.get(column));
            *width = cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(*width);
        }
        let mut text = String::new();
        for line in &lines {
            let cells = line.iter().zip(&self.widths).map(|(cell, width)| format!("{cell:width$}"));
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

/// Whoever read the output has gone: no failure, and no reason to go on.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output any more")]
pub(crate) struct Closed;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_without_spaces() {
        let output = Output::new(false, Terminal::Process, Redactor::default());
        let mut listing = output.listing(&["NAME", "N"]);
        let row = |name: &str, n: &str| vec![name.to_owned(), n.to_owned()];
        let first = listing.table([row("a", "1"), row("long", "")].into_iter());
        assert_eq!(first, "NAME  N\na     1\nlong\n");
        assert_eq!(listing.table([row("b", "2")].into_iter()), "b     2\n");
    }
}
