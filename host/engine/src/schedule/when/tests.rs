use model::task::HourWindow;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn task(id: &str) -> Task {
    Task {
        tenant: "acme".parse().unwrap(),
        id: id.parse().unwrap(),
        connection: "crm".parse().unwrap(),
        package: "acme/hub".to_owned(),
        schedule: Schedule::Every(MINUTE),
        window: None,
        jitter: Duration::ZERO,
        direction: model::task::Direction::Inbound,
        entities: Vec::new(),
        paused: None,
        created: at("01T00:00:00"),
        next_sync_at: None,
        last_sync_at: None,
        revision: 0,
    }
}

fn at(text: &str) -> Timestamp {
    format!("2026-01-{text}Z").parse().unwrap()
}

fn every(interval: Duration) -> Task {
    Task { schedule: Schedule::Every(interval), created: at("01T00:00:10"), ..task("crm") }
}

fn cron(expression: &str) -> Task {
    let schedule = Schedule::Cron { expression: expression.to_owned(), zone: "UTC".to_owned() };
    Task { schedule, ..task("crm") }
}

fn within(task: Task, from: u16, until: u16) -> Task {
    let window = HourWindow { from: from * 60, until: until * 60, zone: "UTC".to_owned() };
    Task { window: Some(window), ..task }
}

#[track_caller]
fn check(task: &Task, after: &str, expected: &[&str]) {
    let when = When::of(task).unwrap();
    let mut now = at(after);
    for expected in expected {
        now = when.next(now).unwrap();
        assert_eq!(now, at(expected), "{:?}", task.schedule);
    }
}

#[test]
fn interval_is_counted_from_when_the_task_was_made() {
    check(&every(15 * MINUTE), "01T00:00:10", &["01T00:15:10", "01T00:30:10"]);
    check(&every(15 * MINUTE), "01T00:20:00", &["01T00:30:10"]);
    check(&every(15 * MINUTE), "01T00:15:09.9", &["01T00:15:10"]);
    check(&every(15 * MINUTE), "01T00:00:00", &["01T00:00:10", "01T00:15:10"]);
    check(&every(15 * MINUTE), "09T23:59:00", &["10T00:00:10"]);
}

#[test]
fn what_falls_outside_the_hours_is_due_once_when_they_open() {
    let office = within(every(7 * 60 * MINUTE), 8, 18);
    check(&office, "01T00:00:10", &["01T08:00:00", "01T14:00:10", "02T08:00:00", "02T11:00:10"]);
    check(&within(cron("0 3 * * *"), 8, 18), "01T00:00:00", &["01T08:00:00", "02T08:00:00"]);
}

#[test]
fn jitter_is_the_same_each_time_and_differs_by_task_and_instant() {
    let jittery =
        |id: &str| Task { id: id.parse().unwrap(), jitter: 10 * MINUTE, ..every(60 * MINUTE) };
    let delays = |id: &str| -> Vec<_> {
        let when = When::of(&jittery(id)).unwrap();
        let hours = (0..50).map(|hour| at("01T00:59:00") + SignedDuration::from_hours(hour));
        hours.map(|hour| when.next(hour).unwrap().duration_since(hour).as_secs() - 70).collect()
    };
    assert_eq!(delays("one"), delays("one"));
    assert_ne!(delays("one"), delays("two"));
    assert!(delays("one").iter().all(|s| (0..600).contains(s)));
    assert!(delays("one").iter().max() > Some(&400) && delays("one").iter().min() < Some(&200));
}

#[test]
fn jitter_neither_passes_the_next_instant_nor_leaves_the_hours() {
    let jittery = Task { jitter: JITTER_MAX, ..within(cron("*/5 * * * *"), 8, 9) };
    let when = When::of(&jittery).unwrap();
    let mut last = at("01T00:00:00");
    for _ in 0..20 {
        // One for each five minutes of the hour: none is passed over, and none comes twice.
        for slot in 0..12 {
            let next = when.next(last).unwrap();
            assert!(next > last && when.admits(next), "{next}");
            let second_of_hour = next.as_second() % 3600;
            assert_eq!(second_of_hour / 300, slot, "{next}");
            last = next;
        }
    }
}

#[track_caller]
fn refused(task: &Task, expected: &str) {
    let error = When::of(task).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn intervals_and_jitters_out_of_bounds_are_refused() {
    refused(&every(Duration::ZERO), "one minute to 366 days");
    refused(&every(Duration::from_secs(59)), "one minute to 366 days");
    refused(&every(Duration::MAX), "one minute to 366 days");
    refused(&Task { jitter: Duration::MAX, ..cron("0 0 * * *") }, "jitter");
}

#[test]
fn ends_of_time_have_no_next() {
    assert_eq!(When::of(&every(MINUTE)).unwrap().next(Timestamp::MAX), None);
    assert_eq!(When::of(&cron("0 0 * * *")).unwrap().next(Timestamp::MAX), None);
    assert!(When::of(&every(MINUTE)).unwrap().next(Timestamp::MIN).is_some());
    assert!(When::of(&cron("0 0 * * *")).unwrap().next(Timestamp::MIN).is_some());
}
