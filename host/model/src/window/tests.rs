use super::*;
use crate::RunId;

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
        kept: zero,
    }
}

/// Reads until the lane is complete; the selections as text.
fn run(state: &mut LaneState, rule: &ReadRule, kind: LaneKind, now: &str) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(progress) = state.next(rule, kind, at(now)) {
        seen.push(progress.selection.to_string());
        *state = state.after(rule, &progress, &Next::Done("token".to_owned()));
    }
    seen
}

#[test]
fn lane_of_records_reads_every_instant_once_and_late() {
    let rule = rule(Cursor::Window, Full::Scan);
    let mut state = LaneState::default();
    let kind = LaneKind::Records;
    assert_eq!(run(&mut state, &rule, kind, "2026-01-01T12:00:00Z"), ["all"]);
    assert_eq!(state.complete_until, Some(at("2026-01-01T10:59:00Z")));
    assert_eq!(
        run(&mut state, &rule, kind, "2026-01-01T13:00:00Z"),
        ["2026-01-01T10:59:00Z..2026-01-01T11:59:00Z"]
    );
    assert!(run(&mut state, &rule, kind, "2026-01-01T13:00:00Z").is_empty());
    assert_eq!(
        run(&mut state, &rule, kind, "2026-01-02T13:00:00Z"),
        ["2026-01-01T11:59:00Z..2026-01-02T11:59:00Z"]
    );
}

#[test]
fn lane_that_was_read_by_a_clock_that_was_ahead_reads_again_what_it_passed_over() {
    let rule = ReadRule { lookback: Duration::ZERO, ..rule(Cursor::Window, Full::Scan) };
    for kind in [LaneKind::Records, LaneKind::Recent, LaneKind::Deletions] {
        let until = Some(at("2026-01-01T13:00:00Z"));
        let mut state = LaneState { complete_until: until, waited: rule.lag, ..Default::default() };
        let seen = run(&mut state, &rule, kind, "2026-01-01T12:20:00Z");
        assert!(seen[0].contains("2026-01-01T11:39:00Z..") || kind == LaneKind::Recent, "{seen:?}");
        assert!(state.complete_until <= Some(at("2026-01-01T12:20:00Z")), "{kind:?}");
        assert!(run(&mut state, &rule, kind, "2026-01-01T12:20:00Z").is_empty());
    }
}

#[test]
fn lane_of_what_is_recent_goes_ahead_up_to_the_present() {
    let rule = rule(Cursor::Window, Full::Scan);
    let mut state = LaneState::default();
    let kind = LaneKind::Recent;
    assert_eq!(
        run(&mut state, &rule, kind, "2026-01-01T13:00:00Z"),
        ["2026-01-01T11:59:00Z..2026-01-01T13:00:00Z"]
    );
    assert!(run(&mut state, &rule, kind, "2026-01-01T13:00:00Z").is_empty());
    assert_eq!(
        run(&mut state, &rule, kind, "2026-01-01T13:01:00Z"),
        ["2026-01-01T12:58:00Z..2026-01-01T13:01:00Z"]
    );
}

#[test]
fn two_lanes_are_read_where_the_provider_shows_changes_late() {
    let late = rule(Cursor::Window, Full::Scan);
    let at_once = ReadRule { lag: Duration::ZERO, lookback: Duration::ZERO, ..late };
    let begun =
        LaneState { complete_until: Some(at("2026-01-01T12:00:00Z")), ..LaneState::default() };
    assert!(late.reads_recent(&begun));
    assert!(!late.reads_recent(&LaneState::default()), "the scan that begins sees everything");
    assert!(rule(Cursor::Window, Full::Windows).reads_recent(&LaneState::default()));
    assert!(!at_once.reads_recent(&begun));
    assert!(!rule(Cursor::Feed, Full::Scan).reads_recent(&begun));
    let mut state = begun;
    assert_eq!(
        run(&mut state, &at_once, LaneKind::Records, "2026-01-01T13:00:00Z"),
        ["2026-01-01T12:00:00Z..2026-01-01T13:00:00Z"]
    );
}

#[test]
fn lane_that_has_waited_too_little_reaches_back_for_the_rest() {
    let rule = rule(Cursor::Window, Full::Scan);
    let row = r#"{"progress":null,"complete_until":"2026-01-01T12:59:00Z","feed":null}"#;
    let mut state: LaneState = serde_json::from_str(row).unwrap();
    let kind = LaneKind::Records;
    assert!(run(&mut state, &rule, kind, "2026-01-01T13:30:00Z").is_empty());
    assert_eq!(
        run(&mut state, &rule, kind, "2026-01-01T14:30:00Z"),
        ["2026-01-01T11:58:00Z..2026-01-01T13:29:00Z"]
    );
    let longer = ReadRule { lookback: Duration::from_hours(3), ..rule };
    assert_eq!(
        run(&mut state, &longer, kind, "2026-01-01T17:30:00Z"),
        ["2026-01-01T11:29:00Z..2026-01-01T14:29:00Z"]
    );
}

#[test]
fn selection_of_before_is_finished_and_read_again_with_the_margin() {
    let rule = rule(Cursor::Window, Full::Scan);
    let row = r#"{"progress":{"selection":"all","checkpoint":"page 2","target":"2026-01-01T11:59:00Z"},
        "complete_until":null,"feed":null}"#;
    let mut state: LaneState = serde_json::from_str(row).unwrap();
    assert_eq!(
        run(&mut state, &rule, LaneKind::Records, "2026-01-01T13:30:00Z"),
        ["all", "2026-01-01T10:58:00Z..2026-01-01T12:29:00Z"]
    );
}

#[test]
fn history_is_read_window_by_window_with_rounded_ends() {
    let rule = ReadRule {
        step: DAY,
        granularity: DAY,
        history: DAY * 4,
        lag: Duration::ZERO,
        lookback: DAY,
        ..rule(Cursor::Window, Full::Windows)
    };
    let (mut state, mut recent) = (LaneState::default(), LaneState::default());
    let (records, ahead) = (LaneKind::Records, LaneKind::Recent);
    let noon = "2026-01-10T12:00:00Z";
    assert_eq!(
        run(&mut state, &rule, records, noon),
        [
            "2026-01-06T00:00:00Z..2026-01-07T00:00:00Z",
            "2026-01-07T00:00:00Z..2026-01-08T00:00:00Z",
            "2026-01-08T00:00:00Z..2026-01-09T00:00:00Z",
        ]
    );
    let (ninth, tenth) = (
        "2026-01-09T00:00:00Z..2026-01-10T00:00:00Z",
        "2026-01-10T00:00:00Z..2026-01-11T00:00:00Z",
    );
    assert_eq!(run(&mut recent, &rule, ahead, noon), [ninth, tenth]);
    let later = "2026-01-10T12:10:00Z";
    assert!(run(&mut state, &rule, records, later).is_empty(), "no day has become complete");
    assert_eq!(run(&mut recent, &rule, ahead, later), [tenth]);
    assert_eq!(run(&mut state, &rule, records, "2026-01-11T00:00:00Z"), [ninth]);
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
    assert_eq!(state.complete_until, Some(at("2026-01-01T10:59:00Z")));
}

#[test]
fn feed_continues_from_its_token_and_falls_back_to_a_full_read() {
    let rule = rule(Cursor::Feed, Full::Scan);
    let mut state = LaneState::default();
    let kind = LaneKind::Records;
    assert_eq!(run(&mut state, &rule, kind, "2026-01-01T12:00:00Z"), ["all"]);
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

#[test]
fn feed_that_may_have_lapsed_is_read_in_full() {
    let rule = ReadRule { kept: DAY * 7, ..rule(Cursor::Feed, Full::Scan) };
    let mut state = LaneState::default();
    let kind = LaneKind::Records;
    assert_eq!(run(&mut state, &rule, kind, "2026-01-01T12:00:00Z"), ["all"]);
    assert_eq!(run(&mut state, &rule, kind, "2026-01-08T11:58:00Z"), ["changes"]);
    let interrupted = state.next(&rule, kind, at("2026-01-09T12:00:00Z")).unwrap();
    let mut cut = state.after(&rule, &interrupted, &Next::More("page 2".to_owned()));
    assert_eq!(run(&mut state, &rule, kind, "2026-01-20T12:00:00Z"), ["all"]);
    assert_eq!(run(&mut cut, &rule, kind, "2026-01-20T12:00:00Z"), ["all"]);
}

#[test]
fn full_read_proves_what_it_has_shown_to_its_end_alone() {
    let rule = rule(Cursor::Scan, Full::Scan);
    let prove = |pages: &[Next], broken: bool| {
        let mut state = LaneState::default();
        state.begin_generation(RunId(7), at("2026-01-01T12:00:00Z"));
        for next in pages {
            let progress =
                state.next(&rule, LaneKind::Records, at("2026-01-01T12:00:00Z")).unwrap();
            if broken {
                state.break_proof();
            }
            state = state.after(&rule, &progress, next);
        }
        state.generation.unwrap().proof
    };
    let text = String::new;
    assert_eq!(prove(&[Next::More("2".to_owned())], false), Proof::Open);
    assert_eq!(prove(&[Next::More("2".to_owned()), Next::Done(text())], false), Proof::Complete);
    assert_eq!(prove(&[Next::Partial(text())], false), Proof::Broken);
    assert_eq!(prove(&[Next::Done(text())], true), Proof::Broken);
}

#[test]
fn place_of_a_lane_is_told_in_a_line() {
    let rule = rule(Cursor::Feed, Full::Scan);
    let mut state = LaneState::default();
    assert_eq!(state.shown(), "not begun");
    let progress = state.next(&rule, LaneKind::Records, at("2026-01-01T12:00:00Z")).unwrap();
    let cut = state.after(&rule, &progress, &Next::More("page 2".to_owned()));
    assert_eq!(cut.shown(), "all @ page 2");
    state = state.after(&rule, &progress, &Next::Done("token".to_owned()));
    assert_eq!(state.shown(), "until 2026-01-01T11:59:00Z @ token");
}
