//! Series over figures that a test writes, at instants that it chooses.

use super::*;
use crate::metrics::family::Value;
use crate::metrics::table::{self, Kind, Metric};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn sample(metric: &'static Metric, labels: &[(&str, &str)], value: Value) -> Sample {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Sample { metric, labels: labels.iter().map(pair).collect(), value }
}

fn created(package: &str, count: u32) -> Sample {
    sample(&table::RECORDS_CREATED, &[("package", package)], Value::Number(f64::from(count)))
}

fn ask(series: &Series, name: &str, by: Option<&str>, (from, to, step): (i64, i64, u64)) -> Answer {
    let (from, to, step) = (at(from), at(to), Duration::from_secs(step));
    series.answer(&Query { name, by, from, to, step }).unwrap()
}

/// The lines as text: `label: second=value …`.
#[track_caller]
fn check(answer: &Answer, expected: &[&str]) {
    let lines: Vec<_> = answer
        .lines
        .iter()
        .map(|line| {
            let label = line.label.as_deref().unwrap_or("all");
            let quantile = line.quantile.map(|percent| format!(" p{percent}")).unwrap_or_default();
            let points = line.points.iter().map(|p| format!(" {}={}", p.at.as_second(), p.value));
            format!("{label}{quantile}:{}", points.collect::<String>())
        })
        .collect();
    assert_eq!(lines, expected);
}

/// A counter that grows by one a second in `a` and by two in `b`, sampled for this long.
fn growing(seconds: u32) -> Series {
    let mut series = Series::default();
    for second in (0..=seconds).step_by(15) {
        let samples = [created("a", second), created("b", 2 * second)];
        series.push(at(i64::from(second)), &samples);
    }
    series
}

#[test]
fn counter_is_told_as_growth_per_second() {
    let series = growing(120);
    let answer = ask(&series, "sync_records_created", None, (0, 120, 60));
    check(&answer, &["all: 60=3 120=3"]);
    let answer = ask(&series, "sync_records_created", Some("package"), (0, 120, 60));
    check(&answer, &["a: 60=1 120=1", "b: 60=2 120=2"]);
}

#[test]
fn what_appears_later_has_grown_from_nothing() {
    let mut series = Series::default();
    series.push(at(0), &[created("a", 5)]);
    series.push(at(15), &[created("a", 5), created("b", 30)]);
    let answer = ask(&series, "sync_records_created", Some("package"), (0, 15, 15));
    check(&answer, &["a: 15=0", "b: 15=2"]);
}

#[test]
fn gauge_is_told_as_it_stood() {
    let mut series = Series::default();
    let depth = |count| sample(&table::QUEUE_DEPTH, &[("queue", "outbound")], Value::Number(count));
    for (second, count) in [(0, 4.0), (16, 7.0), (31, 2.0)] {
        series.push(at(second), &[depth(count)]);
    }
    let answer = ask(&series, "sync_queue_depth", Some("queue"), (0, 45, 15));
    check(&answer, &["outbound: 15=4 30=7 45=2"]);
}

#[test]
fn histogram_is_told_by_quantiles_of_each_step() {
    let mut series = Series::default();
    let Kind::Histogram(bounds) = table::RUN_MS.kind else { panic!("it is no histogram") };
    let runs = |short: u64, long: u64| {
        let up_to = |bound: &f64| if *bound < 1e3 { short } else { short + long };
        let cumulative = bounds.iter().map(up_to).chain([short + long]).collect();
        let labels = [("outcome", "succeeded"), ("package", "a")];
        sample(&table::RUN_MS, &labels, Value::Spread { cumulative, sum: 0.0 })
    };
    series.push(at(0), &[runs(0, 0)]);
    series.push(at(15), &[runs(10, 0)]);
    series.push(at(30), &[runs(10, 10)]);
    series.push(at(45), &[runs(10, 10)]);
    let answer = ask(&series, "sync_latency_ms", None, (0, 45, 15));
    check(&answer, &["all p50: 15=50 30=750", "all p95: 15=95 30=975", "all p99: 15=99 30=995"]);
}

#[test]
fn what_is_older_than_fine_samples_is_told_from_coarse_ones() {
    let series = growing(86_400);
    let answer = ask(&series, "sync_records_created", None, (82_800, 83_100, 15));
    assert_eq!((answer.step, answer.lines[0].points.len()), (FINE_EVERY, 20));
    let answer = ask(&series, "sync_records_created", None, (0, 3_600, 15));
    assert_eq!((answer.step, answer.lines[0].points.len()), (COARSE_EVERY, 12));
    let steps = answer.lines[0].points.iter().all(|point| (point.value - 3.0).abs() < 1e-9);
    assert!(steps, "{answer:?}");
}

#[test]
fn points_end_where_samples_end_and_begin_where_they_begin() {
    let series = growing(60);
    let answer = ask(&series, "sync_records_created", None, (-600, 600, 15));
    let points = &answer.lines[0].points;
    assert_eq!((points[0].at, points.last().unwrap().at), (at(15), at(60)));
}

#[test]
fn clock_that_is_set_back_forgets_what_is_ahead_of_it() {
    let mut series = growing(600);
    series.push(at(300), &[created("a", 700), created("b", 1_200)]);
    series.push(at(315), &[created("a", 715), created("b", 1_200)]);
    let answer = ask(&series, "sync_records_created", Some("package"), (300, 600, 15));
    check(&answer, &["a: 315=1", "b: 315=0"]);
}

#[test]
fn memory_is_bounded_however_long_and_however_many() {
    let mut series = growing(2 * 86_400);
    let many: Vec<_> = (0..3_000).map(|n| created(&format!("p{n}"), 1)).collect();
    series.push(at(2 * 86_400 + 15), &many);
    assert_eq!(series.fine.len(), FINE_MAX);
    assert!(series.coarse.len() <= COARSE_MAX);
    let cells = series.fine.before(at(i64::MAX >> 30)).map(|row| row.cells.len());
    assert_eq!(cells, Some(2_048));
}

#[track_caller]
fn refused(name: &str, by: Option<&str>, (from, to, step): (i64, i64, u64), expected: &str) {
    let (from, to, step) = (at(from), at(to), Duration::from_secs(step));
    let error = Series::default().answer(&Query { name, by, from, to, step }).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn question_that_makes_no_sense_is_refused_with_the_reason() {
    let name = "sync_jobs_failed";
    refused("sync_jobs", None, (0, 60, 15), "no metric of this name");
    refused(name, Some("tenant"), (0, 60, 15), "choose from: queue, package, code");
    refused(name, None, (60, 60, 15), "no length");
    refused(name, None, (0, 60, 0), "longer than 0");
    refused(name, None, (0, 86_400, 15), "more than 2016 points");
    let empty = ask(&Series::default(), name, None, (0, 60, 15));
    check(&empty, &[]);
}
