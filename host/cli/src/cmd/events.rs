//! `plughouse events`: what happened.

use anyhow::Result;
use model::store::{Event, RecordStore as _};

use crate::exit::Exit;
use crate::{Global, wire};

/// Which events.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Behind this number.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: u64,
    /// At most this many.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

/// Lists events, the oldest first.
pub(crate) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let store = wire::open_store(global)?;
    let output = global.output();
    let mut listing = output.listing(&["NUMBER", "AT", "CONNECTION", "RUN", "WHAT"]);
    let Args { mut after, mut limit } = args;
    // In parts, for the store gives no more than some at once.
    loop {
        let events = store.events(&global.tenant, after, limit).await?;
        listing.show(&events, row)?;
        let Some(last) = events.last() else { return Ok(Exit::Done) };
        (after, limit) = (last.seq, limit - events.len());
        if limit == 0 {
            output.note(format_args!("more may follow: --after {after}"));
            return Ok(Exit::Done);
        }
    }
}

fn row(event: &Event) -> Vec<String> {
    let what = serde_json::to_string(&event.kind).unwrap_or_default();
    vec![
        event.seq.to_string(),
        format!("{:.0}", event.at),
        event.connection.as_ref().map(ToString::to_string).unwrap_or_default(),
        event.run.map(|run| run.to_string()).unwrap_or_default(),
        super::records::excerpt(&what),
    ]
}
