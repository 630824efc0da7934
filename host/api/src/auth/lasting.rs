//! Answers that last end when what has opened them does.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use tokio::time::sleep;

use super::{Inner, Shown};

/// How often it is looked whether a key still works, while an answer lasts: as often as a silent
/// stream shows a sign of life.
const LOOK: Duration = Duration::from_secs(15);

/// Cuts a stream once its key or session has ended. It does not end well: who reads it is to see
/// that this was not all.
pub(super) fn while_open(gate: Arc<Inner>, shown: Shown, response: Response) -> Response {
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    response.map(|body| {
        let over = Box::pin(over(gate, shown));
        let parts = Some((body.into_data_stream(), over));
        Body::from_stream(stream::unfold(parts, |parts| async {
            let (mut data, mut over) = parts?;
            tokio::select! {
                biased;
                () = &mut over => {
                    let ended = io::Error::other("the key or the session has ended");
                    Some((Err(axum::Error::new(ended)), None))
                }
                part = data.next() => Some((part?, Some((data, over)))),
            }
        }))
    })
}

/// Comes when what was shown opens nothing any more.
async fn over(gate: Arc<Inner>, shown: Shown) {
    loop {
        sleep(LOOK).await;
        // A store that cannot be read says nothing about a key.
        if matches!(gate.opens(&shown).await, Ok(false)) {
            return;
        }
    }
}
