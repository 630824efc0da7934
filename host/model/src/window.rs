//! Which selection a lane reads next: the pure rules of full reads, feeds and windows.
//!
//! A lane that was never finished reads in full. After that, a window lane sweeps on from where
//! it was complete, in steps; a feed lane asks for the changes since its token. The instant up to
//! which a lane is complete moves only when a sweep has reached its end, so a lane that is
//! interrupted anywhere loses nothing.
//!
//! Where a provider shows changes late, the lane of records stays so far behind that it reads
//! every instant once and misses nothing, and the lane of what is recent goes ahead of it: see
//! `recent`.

mod generation;
mod recent;
mod span;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::adapter::{Next, Selection};
use crate::store::LaneKind;

pub use generation::{Generation, Proof};
use span::{back, deleted, first_window, floor, oldest, window};

/// How an entity is read again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cursor {
    /// By windows of modification time.
    Window,
    /// By the provider's change feed.
    Feed,
    /// In full every time.
    Scan,
}

/// How an entity is read in full.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Full {
    /// By one scan.
    Scan,
    /// Window by window, from as far back as the provider reaches.
    Windows,
}

/// The reading rule of an entity, from its manifest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReadRule {
    /// How it is read again.
    pub cursor: Cursor,
    /// How it is read in full.
    pub full: Full,
    /// The longest window; zero means any length.
    pub step: Duration,
    /// The unit that window ends are rounded to; zero means milliseconds.
    pub granularity: Duration,
    /// The provider usually shows changes this late.
    pub lag: Duration,
    /// Some it shows later, by up to this much.
    pub lookback: Duration,
    /// The provider shows nothing older; zero means everything.
    pub history: Duration,
    /// The provider keeps its feed and its list of deletions this long; zero means for ever.
    pub kept: Duration,
}

impl ReadRule {
    /// How late the provider may show a change to a reader of windows.
    pub fn margin(&self) -> Duration {
        self.lag.saturating_add(self.lookback)
    }

    /// Whether the lane of what is recent reads beside the lane of records that stands so: a full
    /// scan that has yet to begin will see all of it.
    pub fn reads_recent(&self, records: &LaneState) -> bool {
        let begun = records.progress.is_some() || records.complete_until.is_some();
        self.cursor == Cursor::Window
            && !self.margin().is_zero()
            && (begun || self.full != Full::Scan)
    }

    /// Whether what a feed or a list of deletions has shown until `seen` may have been followed by
    /// something that it shows no more at `now`.
    pub fn has_lapsed(&self, seen: Timestamp, now: Timestamp) -> bool {
        !self.kept.is_zero() && seen < back(now, self.kept)
    }

    /// The instant up to which a lane can be complete at `now`.
    fn target(&self, kind: LaneKind, now: Timestamp) -> Timestamp {
        match (kind, self.cursor) {
            (LaneKind::Recent, _) => now,
            (LaneKind::Records, Cursor::Window) if !self.margin().is_zero() => {
                floor(back(now, self.margin()), self.granularity)
            }
            _ => back(now, self.lag),
        }
    }
}

/// A selection in work.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Progress {
    /// What is being read.
    pub selection: Selection,
    /// Where the last committed page ended.
    pub checkpoint: Option<String>,
    /// The end of the sweep.
    pub target: Timestamp,
    /// How long the sweep waited behind `target` for what is shown late.
    #[serde(default)]
    pub waited: Duration,
}

/// Where a lane stands; persisted with every page.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct LaneState {
    /// The selection in work.
    pub progress: Option<Progress>,
    /// Everything that changed before this instant has been read.
    pub complete_until: Option<Timestamp>,
    /// How long the read up to there waited for what is shown late. A rule that wants more, such
    /// as that of a newer package, reaches back for the difference.
    #[serde(default)]
    pub waited: Duration,
    /// The token of the provider's feed.
    pub feed: Option<String>,
    /// Records per page, while the provider does not manage as many as the manifest says.
    #[serde(default)]
    pub page: Option<u32>,
    /// The newest full read, where absence from it tells deletions.
    #[serde(default)]
    pub generation: Option<Generation>,
}

impl LaneState {
    /// What to read now: the selection in work, else the next one, or nothing when the lane is
    /// complete at `now`. A deletions lane that has not begun reads nothing.
    pub fn next(&self, rule: &ReadRule, kind: LaneKind, now: Timestamp) -> Option<Progress> {
        if let Some(progress) = &self.progress
            && !(progress.selection == Selection::Changes && rule.has_lapsed(progress.target, now))
        {
            return Some(progress.clone());
        }
        if let Some(early) = self.before_clock_was_set_back(rule, now) {
            return early.next(rule, kind, now);
        }
        let target = rule.target(kind, now);
        if self.complete_until.is_some_and(|until| until >= target) {
            return None;
        }
        match kind {
            LaneKind::Records => self.records(rule, target, now),
            LaneKind::Recent => recent::next(rule, self.complete_until, now),
            LaneKind::Deletions => {
                let from = back(self.complete_until?, rule.lookback);
                let sweep = sweep(rule, from.max(oldest(rule, now)), target)?;
                Some(Progress { selection: deleted(sweep.selection), ..sweep })
            }
        }
    }

    /// The lane as far as it can be trusted, where it says to be complete in the future: when it
    /// was read the clock was ahead, and there was nothing yet of what it has passed over. By how
    /// much is not known, so it reaches back for as much as it sees and what is shown late.
    fn before_clock_was_set_back(&self, rule: &ReadRule, now: Timestamp) -> Option<Self> {
        let until = self.complete_until.filter(|until| *until > now)?;
        let ahead = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        let complete_until = Some(back(now, ahead.saturating_add(rule.margin())));
        Some(Self { complete_until, ..self.clone() })
    }

    fn records(&self, rule: &ReadRule, target: Timestamp, now: Timestamp) -> Option<Progress> {
        let waited = if rule.cursor == Cursor::Window { rule.margin() } else { Duration::ZERO };
        let progress = match (rule.cursor, self.complete_until) {
            (Cursor::Feed, Some(until)) if self.feed.is_some() && !rule.has_lapsed(until, now) => {
                let checkpoint = self.feed.clone();
                Progress { selection: Selection::Changes, checkpoint, target, waited }
            }
            (Cursor::Window, Some(until)) => {
                let missing = waited.saturating_sub(self.waited);
                sweep(rule, back(until, missing).max(oldest(rule, now)), target)?
            }
            _ if rule.full == Full::Windows => sweep(rule, oldest(rule, now), target)?,
            _ => Progress { selection: Selection::All, checkpoint: None, target, waited },
        };
        Some(Progress { waited, ..progress })
    }

    /// Where the deletions lane beside this records lane begins: where the records are complete,
    /// or where the full read has begun that they are in. It is stored before the records lane
    /// moves on, or what is deleted meanwhile would never be seen.
    pub fn deletions(&self, rule: &ReadRule, now: Timestamp) -> Option<Self> {
        let full = || self.next(rule, LaneKind::Records, now).map(|progress| progress.target);
        let complete_until = Some(self.complete_until.or_else(full)?);
        Some(Self { complete_until, ..Self::default() })
    }

    /// The state of a records lane that reads in full again.
    #[must_use]
    pub fn afresh(&self) -> Self {
        Self { page: self.page, ..Self::default() }
    }

    /// The state after a page of `progress` that ended with `next`.
    #[must_use]
    pub fn after(&self, rule: &ReadRule, progress: &Progress, next: &Next) -> Self {
        let mut state = self.clone();
        match next {
            Next::More(checkpoint) => {
                let checkpoint = Some(checkpoint.clone());
                state.progress = Some(Progress { checkpoint, ..progress.clone() });
            }
            Next::Done(token) | Next::Partial(token) => {
                if progress.selection == Selection::All {
                    state.prove(matches!(next, Next::Done(_)));
                }
                state.progress = following(rule, progress);
                if state.progress.is_none() {
                    state.complete_until = Some(progress.target);
                    state.waited = progress.waited;
                }
                if rule.cursor == Cursor::Feed {
                    state.feed = Some(token.clone());
                }
            }
        }
        state
    }

    /// The state after the provider has refused the checkpoint: a window or scan starts again, a
    /// feed is read in full.
    #[must_use]
    pub fn expired(&self, progress: &Progress) -> Self {
        let selection = match &progress.selection {
            Selection::Changes => Selection::All,
            other => other.clone(),
        };
        let progress = Some(Progress { selection, checkpoint: None, ..progress.clone() });
        Self { progress, feed: None, ..self.clone() }
    }

    /// Where the lane stands, for people.
    pub fn shown(&self) -> String {
        let checkpoint = |text: Option<&String>| {
            text.filter(|text| !text.is_empty())
                .map(|text| format!(" @ {text}"))
                .unwrap_or_default()
        };
        match (&self.progress, self.complete_until) {
            (Some(progress), _) => {
                format!("{}{}", progress.selection, checkpoint(progress.checkpoint.as_ref()))
            }
            (None, Some(until)) => format!("until {until}{}", checkpoint(self.feed.as_ref())),
            (None, None) => "not begun".to_owned(),
        }
    }
}

fn sweep(rule: &ReadRule, from: Timestamp, target: Timestamp) -> Option<Progress> {
    (from < target).then(|| first_window(rule, from, target))
}

fn following(rule: &ReadRule, progress: &Progress) -> Option<Progress> {
    let (Selection::Window(done) | Selection::Deleted(done)) = &progress.selection else {
        return None;
    };
    if done.until >= progress.target {
        return None;
    }
    let next = Selection::Window(window(rule, done.until, progress.target));
    let selection = match progress.selection {
        Selection::Deleted(_) => deleted(next),
        _ => next,
    };
    Some(Progress { selection, checkpoint: None, ..progress.clone() })
}
