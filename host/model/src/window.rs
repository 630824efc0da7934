//! Which selection a lane reads next: the pure rules of full reads, feeds and windows.
//!
//! A lane that was never finished reads in full. After that, a window lane sweeps from where it
//! was complete, less the look-back, to now, less the lag, in steps; a feed lane asks for the
//! changes since its token. The instant up to which a lane is complete moves only when a sweep
//! has reached its end, so a lane that is interrupted anywhere loses nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::adapter::{Next, Selection, Window};
use crate::store::LaneKind;

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
    /// The provider shows changes this late.
    pub lag: Duration,
    /// How far a sweep reaches back before the instant it was complete up to.
    pub lookback: Duration,
    /// The provider shows nothing older; zero means everything.
    pub history: Duration,
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
}

/// Where a lane stands; persisted with every page.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct LaneState {
    /// The selection in work.
    pub progress: Option<Progress>,
    /// Everything that changed before this instant has been read.
    pub complete_until: Option<Timestamp>,
    /// The token of the provider's feed.
    pub feed: Option<String>,
}

impl LaneState {
    /// What to read now: the selection in work, else the next one, or nothing when the lane is
    /// complete at `now`. A deletions lane that has not begun reads nothing.
    pub fn next(&self, rule: &ReadRule, kind: LaneKind, now: Timestamp) -> Option<Progress> {
        if let Some(progress) = &self.progress {
            return Some(progress.clone());
        }
        let target = back(now, rule.lag);
        if self.complete_until.is_some_and(|until| until >= target) {
            return None;
        }
        if kind == LaneKind::Deletions {
            return sweep(rule, self.complete_until?, target)
                .map(|p| Progress { selection: deleted(p.selection), ..p });
        }
        match (rule.cursor, self.complete_until) {
            (Cursor::Feed, _) if self.feed.is_some() => Some(Progress {
                selection: Selection::Changes,
                checkpoint: self.feed.clone(),
                target,
            }),
            (Cursor::Window, Some(until)) => sweep(rule, until, target),
            _ if rule.full == Full::Windows => {
                let from = oldest(rule, now);
                Some(first_window(rule, from, target))
            }
            _ => Some(Progress { selection: Selection::All, checkpoint: None, target }),
        }
    }

    /// Where the deletions lane beside this records lane begins: where the records are complete,
    /// or where the full read has begun that they are in. It is stored before the records lane
    /// moves on, or what is deleted meanwhile would never be seen.
    pub fn deletions(&self, rule: &ReadRule, now: Timestamp) -> Option<Self> {
        let full = || self.next(rule, LaneKind::Records, now).map(|progress| progress.target);
        let complete_until = Some(self.complete_until.or_else(full)?);
        Some(Self { complete_until, ..Self::default() })
    }

    /// The state after a page of `progress` that ended with `next`.
    #[must_use]
    pub fn after(&self, rule: &ReadRule, progress: &Progress, next: &Next) -> Self {
        let mut state = self.clone();
        match next {
            Next::More(checkpoint) => {
                state.progress =
                    Some(Progress { checkpoint: Some(checkpoint.clone()), ..progress.clone() });
            }
            Next::Done(token) | Next::Partial(token) => {
                state.progress = following(rule, progress);
                if state.progress.is_none() {
                    state.complete_until = Some(progress.target);
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
        Self {
            progress: Some(Progress { selection, checkpoint: None, target: progress.target }),
            complete_until: self.complete_until,
            feed: None,
        }
    }
}

fn sweep(rule: &ReadRule, since: Timestamp, target: Timestamp) -> Option<Progress> {
    let from = back(since, rule.lookback).max(oldest(rule, target));
    (from < target).then(|| first_window(rule, from, target))
}

fn first_window(rule: &ReadRule, from: Timestamp, target: Timestamp) -> Progress {
    let window = window(rule, floor(from, rule.granularity), target);
    Progress { selection: Selection::Window(window), checkpoint: None, target }
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
    Some(Progress { selection, checkpoint: None, target: progress.target })
}

/// The window that begins at `from`: a step long at most, its end rounded up to the granularity.
fn window(rule: &ReadRule, from: Timestamp, target: Timestamp) -> Window {
    let end = if rule.step.is_zero() { target } else { forth(from, rule.step).min(target) };
    Window { from, until: ceil(end, rule.granularity) }
}

fn deleted(selection: Selection) -> Selection {
    match selection {
        Selection::Window(window) => Selection::Deleted(window),
        other => other,
    }
}

fn oldest(rule: &ReadRule, now: Timestamp) -> Timestamp {
    if rule.history.is_zero() { Timestamp::UNIX_EPOCH } else { back(now, rule.history) }
}

fn back(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

fn forth(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

fn floor(at: Timestamp, unit: Duration) -> Timestamp {
    let unit = i64::try_from(unit.as_millis()).unwrap_or(i64::MAX).max(1);
    let ms = at.as_millisecond();
    Timestamp::from_millisecond(ms - ms.rem_euclid(unit)).unwrap_or(at)
}

fn ceil(at: Timestamp, unit: Duration) -> Timestamp {
    let low = floor(at, unit);
    if low == at { at } else { forth(low, unit.max(Duration::from_millis(1))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn rule(cursor: Cursor, full: Full) -> ReadRule {
        let zero = Duration::ZERO;
        ReadRule {
            cursor,
            full,
            step: zero,
            granularity: zero,
            lag: Duration::from_mins(1),
            lookback: Duration::from_hours(1),
            history: zero,
        }
    }

    /// Reads until the lane is complete; the selections as text.
    fn run(state: &mut LaneState, rule: &ReadRule, kind: LaneKind, now: &str) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some(progress) = state.next(rule, kind, at(now)) {
            seen.push(match &progress.selection {
                Selection::Window(w) => format!("{}..{}", w.from, w.until),
                Selection::Deleted(w) => format!("deleted {}..{}", w.from, w.until),
                other => format!("{other:?}"),
            });
            *state = state.after(rule, &progress, &Next::Done("token".to_owned()));
        }
        seen
    }

    #[test]
    fn first_run_scans_and_the_next_reads_a_window_that_reaches_back() {
        let rule = rule(Cursor::Window, Full::Scan);
        let mut state = LaneState::default();
        let kind = LaneKind::Records;
        assert_eq!(run(&mut state, &rule, kind, "2026-01-01T12:00:00Z"), ["All"]);
        assert_eq!(state.complete_until, Some(at("2026-01-01T11:59:00Z")));
        assert_eq!(
            run(&mut state, &rule, kind, "2026-01-01T13:00:00Z"),
            ["2026-01-01T10:59:00Z..2026-01-01T12:59:00Z"]
        );
        assert!(run(&mut state, &rule, kind, "2026-01-01T13:00:00Z").is_empty());
    }

    #[test]
    fn history_is_read_window_by_window_with_rounded_ends() {
        let rule = ReadRule {
            step: DAY,
            granularity: DAY,
            history: DAY * 2,
            lag: Duration::ZERO,
            lookback: DAY,
            ..rule(Cursor::Window, Full::Windows)
        };
        let mut state = LaneState::default();
        let kind = LaneKind::Records;
        assert_eq!(
            run(&mut state, &rule, kind, "2026-01-10T12:00:00Z"),
            [
                "2026-01-08T00:00:00Z..2026-01-09T00:00:00Z",
                "2026-01-09T00:00:00Z..2026-01-10T00:00:00Z",
                "2026-01-10T00:00:00Z..2026-01-11T00:00:00Z",
            ]
        );
        assert_eq!(
            run(&mut state, &rule, kind, "2026-01-10T18:00:00Z"),
            [
                "2026-01-09T00:00:00Z..2026-01-10T00:00:00Z",
                "2026-01-10T00:00:00Z..2026-01-11T00:00:00Z",
            ]
        );
    }

    #[test]
    fn deletions_begin_where_the_records_were_complete() {
        let rule = rule(Cursor::Window, Full::Scan);
        let kind = LaneKind::Deletions;
        let mut state = LaneState::default();
        assert!(run(&mut state, &rule, kind, "2026-01-01T12:00:00Z").is_empty());
        let records =
            LaneState { complete_until: Some(at("2026-01-01T11:59:00Z")), ..LaneState::default() };
        let mut state = records.deletions(&rule, at("2026-01-01T13:00:00Z")).unwrap();
        assert_eq!(
            run(&mut state, &rule, kind, "2026-01-01T13:00:00Z"),
            ["deleted 2026-01-01T10:59:00Z..2026-01-01T12:59:00Z"]
        );
    }

    #[test]
    fn deletions_during_a_full_read_of_several_runs_are_seen() {
        let rule = rule(Cursor::Window, Full::Scan);
        let records = LaneState::default();
        let begun = at("2026-01-01T12:00:00Z");
        let first = records.next(&rule, LaneKind::Records, begun).unwrap();
        let records = records.after(&rule, &first, &Next::More("page 2".to_owned()));
        let state = records.deletions(&rule, at("2026-01-03T12:00:00Z")).unwrap();
        assert_eq!(state.complete_until, Some(at("2026-01-01T11:59:00Z")));
    }

    #[test]
    fn feed_continues_from_its_token_and_falls_back_to_a_full_read() {
        let rule = rule(Cursor::Feed, Full::Scan);
        let mut state = LaneState::default();
        let kind = LaneKind::Records;
        assert_eq!(run(&mut state, &rule, kind, "2026-01-01T12:00:00Z"), ["All"]);
        let changes = state.next(&rule, kind, at("2026-01-01T13:00:00Z")).unwrap();
        assert_eq!(changes.checkpoint.as_deref(), Some("token"));
        let state = state.expired(&changes);
        let full = state.next(&rule, kind, at("2026-01-01T13:00:00Z")).unwrap();
        assert_eq!((full.selection, full.checkpoint), (Selection::All, None));
    }

    #[test]
    fn interrupted_selection_goes_on_from_its_checkpoint() {
        let rule = rule(Cursor::Window, Full::Scan);
        let state = LaneState::default();
        let first = state.next(&rule, LaneKind::Records, at("2026-01-01T12:00:00Z")).unwrap();
        let state = state.after(&rule, &first, &Next::More("page 2".to_owned()));
        let again = state.next(&rule, LaneKind::Records, at("2026-01-02T12:00:00Z")).unwrap();
        assert_eq!(again.checkpoint.as_deref(), Some("page 2"));
        assert_eq!(again.target, first.target);
    }
}
