//! The table, and what is rendered of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::ErrorKind;
use model::queue::{Death, Failure};

use super::*;

#[test]
fn every_metric_is_well_formed_and_stands_once() {
    assert_eq!(Metrics::default().0.families.len(), TABLE.len());
    let names: BTreeSet<_> = TABLE.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), TABLE.len());
    for metric in TABLE {
        assert!(!metric.meaning.is_empty() && !metric.meaning.ends_with('.'), "{}", metric.name);
        for label in metric.labels {
            let bounded = ["call", "code", "outcome", "package", "queue", "signal"];
            assert!(bounded.contains(label), "{}: {label}", metric.name);
        }
        if let Kind::Histogram(bounds) = metric.kind {
            assert!(bounds.is_sorted_by(|a, b| a < b), "{}", metric.name);
        }
    }
}

#[test]
fn names_that_are_promised_are_there_before_anything_happens() {
    let text = Metrics::default().render();
    for (name, kind) in [
        ("sync_jobs_processed", "counter"),
        ("sync_jobs_failed", "counter"),
        ("sync_records_created", "counter"),
        ("sync_records_updated", "counter"),
        ("sync_latency_ms", "histogram"),
        ("writeback_latency_ms", "histogram"),
        ("sync_queue_depth", "gauge"),
        ("token_refresh_failures", "counter"),
    ] {
        assert!(text.contains(&format!("\n# TYPE {name} {kind}\n")), "{name} in {text}");
    }
}

#[test]
fn job_counts_by_what_became_of_it() {
    let metrics = Metrics::default();
    let failure = |code: &str| Failure {
        at: Timestamp::UNIX_EPOCH,
        attempt: 1,
        error: Error::new(ErrorKind::Timeout, code, "too late"),
        digest: None,
        progressed: false,
    };
    let (queue, package) = (Queue::InboundScheduled, Some("acme/crm"));
    for outcome in [
        Outcome::Done,
        Outcome::Retry { after: Duration::ZERO, failure: failure("crm.customer-4711") },
        Outcome::Dead { failure: failure("egress.silent"), why: Death::Permanent },
        Outcome::Defer { until: Timestamp::MAX },
    ] {
        metrics.job(queue, package, &outcome);
    }
    let text = metrics.render();
    for line in [
        r#"sync_jobs_processed{outcome="dead",package="acme/crm",queue="inbound-scheduled"} 1"#,
        r#"sync_jobs_processed{outcome="done",package="acme/crm",queue="inbound-scheduled"} 1"#,
        r#"sync_jobs_processed{outcome="retry",package="acme/crm",queue="inbound-scheduled"} 1"#,
        r#"sync_jobs_failed{code="egress.silent",package="acme/crm",queue="inbound-scheduled"} 1"#,
        r#"sync_jobs_failed{code="timeout",package="acme/crm",queue="inbound-scheduled"} 1"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    assert_eq!(text.matches("sync_jobs_processed{").count(), 3, "{text}");
}

#[test]
fn histogram_has_its_bounds_and_all_of_them() {
    let metrics = Metrics::default();
    metrics.run("acme/crm", RunStatus::Succeeded, Duration::from_millis(180));
    let text = metrics.render();
    let count = |bound| {
        let line = format!(
            r#"sync_latency_ms_bucket{{outcome="succeeded",package="acme/crm",le="{bound}"}} "#
        );
        text.lines().find_map(|found| found.strip_prefix(&line).map(str::to_owned))
    };
    assert_eq!((count("100").as_deref(), count("250").as_deref()), (Some("0"), Some("1")));
    assert_eq!(count("+Inf").as_deref(), Some("1"));
}

#[test]
fn breakers_that_have_closed_are_counted_no_more() {
    let metrics = Metrics::default();
    metrics.breakers(&["acme/crm", "acme/crm", "acme/desk"]);
    metrics.breakers(&["acme/desk"]);
    let text = metrics.render();
    assert!(text.contains("breakers_open{package=\"acme/crm\"} 0\n"), "{text}");
    assert!(text.contains("breakers_open{package=\"acme/desk\"} 1\n"), "{text}");
}

/// The table as docs/metrics.md has it.
fn page() -> String {
    let mut page = String::new();
    for Metric { name, kind, unit, labels, meaning } in TABLE.iter().copied() {
        let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        let kind = kind.as_str();
        writeln!(page, "| `{name}` | {kind} | {unit} | {labels} | {meaning} |").unwrap();
    }
    page
}

#[test]
fn page_of_metrics_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let found = std::fs::read_to_string(path).unwrap();
    let (_, behind) = found.split_once("| metric | type | unit | labels | meaning |\n").unwrap();
    let rows = behind.lines().skip(1).take_while(|line| line.starts_with('|'));
    assert!(rows.eq(page().lines()), "write these rows to docs/metrics.md:\n{}", page());
}
