//! The log of this process: lines on standard error, and spans for a collector.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing::{Level, Metadata};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::{Global, config};

/// How lines look.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Pretty,
    /// For programs: one JSON object a line.
    Json,
}

/// Begins to log what is wanted, through the redactor.
pub(crate) fn begin(global: &Global) {
    let redactor = global.redactor.clone();
    let writer = move || redactor.writer(std::io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match global.log_format {
        Format::Pretty => {
            let no_color = config::variable("NO_COLOR").is_some();
            lines.with_ansi(std::io::stderr().is_terminal() && !no_color).boxed()
        }
        Format::Json => {
            let lines = lines.with_ansi(false).json();
            lines.flatten_event(true).with_current_span(false).boxed()
        }
    };
    let wanted = global.log.clone();
    let shown = filter_fn(move |it| is_span(it) || wanted.would_enable(it.target(), it.level()));
    let spans = global.spans.clone().map(|spans| spans.with_filter(filter_fn(is_span)));
    tracing_subscriber::registry().with(lines.with_filter(shown)).with(spans).init();
}

/// Whether it is a span that belongs on every line within it, whatever is logged: an error
/// without the request or the job that it comes from is of little use.
fn is_span(it: &Metadata<'_>) -> bool {
    it.is_span() && *it.level() <= Level::INFO
}
