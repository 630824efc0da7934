//! What is asked of the samples, and the answer.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use model::Timestamp;

use super::cells::{self, Place};
use super::quantile::quantile;
use super::ring::{Ring, Row, between};
use crate::metrics::table::{Kind, Metric, TABLE};

/// Points of a line in one answer: more than a chart has pixels for.
const POINTS_MAX: u128 = 2_016;

/// The quantiles of histograms, in percent.
const QUANTILES: [(u8, f64); 3] = [(50, 0.5), (95, 0.95), (99, 0.99)];

/// A stretch of the past of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The metric, by its name in the [table](super::super::TABLE).
    pub name: &'a str,
    /// The label by whose values lines are told apart; without it there is one for all.
    pub by: Option<&'a str>,
    /// The begin.
    pub from: Timestamp,
    /// The end, at most 2,016 steps later.
    pub to: Timestamp,
    /// The time between points, which lie at its multiples; the answer's may be longer.
    pub step: Duration,
}

/// How a metric went.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The metric.
    pub metric: &'static Metric,
    /// The time between points.
    pub step: Duration,
    /// The lines, by label and quantile.
    pub lines: Vec<Line>,
}

/// One line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The value of the label that was asked for.
    pub label: Option<String>,
    /// Which quantile, in percent; of histograms only.
    pub quantile: Option<u8>,
    /// The points, by time.
    pub points: Vec<Point>,
}

/// A point of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The end of the step that it tells of.
    pub at: Timestamp,
    /// The value; of counters per second.
    pub value: f64,
}

/// Why a question has no answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// There is no such metric.
    #[error("there is no metric of this name: see the list in docs/metrics.md")]
    Unknown,
    /// The metric has no such label.
    #[error("the metric is not told apart by this label; choose from: {}", .labels.join(", "))]
    Label {
        /// Those that it has.
        labels: &'static [&'static str],
    },
    /// The begin is not before the end, or the step is nothing.
    #[error("the time has no length: `from` must lie before `to`, and `step` be longer than 0")]
    Empty,
    /// There would be more points than one answer has.
    #[error("these are more than {POINTS_MAX} points: ask for less time or a longer step")]
    TooMany,
}

impl Query<'_> {
    /// The metric, where the question makes sense.
    pub(super) fn check(&self) -> Result<&'static Metric, QueryError> {
        let mut table = TABLE.iter().copied();
        let metric = table.find(|metric| metric.name == self.name).ok_or(QueryError::Unknown)?;
        if self.by.is_some_and(|by| !metric.labels.contains(&by)) {
            return Err(QueryError::Label { labels: metric.labels });
        }
        if self.from >= self.to || self.step.is_zero() {
            return Err(QueryError::Empty);
        }
        let points = between(self.from, self.to).as_nanos() / self.step.as_nanos();
        if points > POINTS_MAX {
            return Err(QueryError::TooMany);
        }
        Ok(metric)
    }

    /// The instants of the points: multiples of the step, so that the same question a moment later
    /// has the same ones.
    fn instants(&self) -> impl Iterator<Item = Timestamp> {
        let step = i128::try_from(self.step.as_nanos()).unwrap_or(i128::MAX);
        let first = self.from.as_nanosecond().div_euclid(step).saturating_add(1);
        let at = move |multiple: i128| {
            Timestamp::from_nanosecond(multiple.saturating_mul(step)).unwrap_or(Timestamp::MAX)
        };
        let to = self.to;
        (first..).map(at).take_while(move |at| *at <= to)
    }
}

/// Answers from these rows.
pub(super) fn answer(
    ring: &Ring,
    (metric, groups): (&'static Metric, &BTreeMap<Option<String>, Vec<Place>>),
    query: &Query<'_>,
) -> Answer {
    let step = SignedDuration::try_from(query.step).unwrap_or(SignedDuration::MAX);
    let behind = ring.newest().and_then(|newest| newest.checked_add(ring.every()).ok());
    let pairs: Vec<_> = query
        .instants()
        .take_while(|at| behind.is_some_and(|behind| *at < behind))
        .filter_map(|at| {
            let before = at.checked_sub(step).ok().and_then(|from| ring.before(from));
            Some((at, before, ring.before(at)?))
        })
        .collect();
    let lines = groups.iter().flat_map(|(label, places)| {
        let line = |quantile: Option<(u8, f64)>| Line {
            label: label.clone(),
            quantile: quantile.map(|(percent, _)| percent),
            points: points(metric, places, &pairs, quantile.map_or(0.0, |(_, share)| share)),
        };
        match metric.kind {
            Kind::Histogram(_) => QUANTILES.map(|quantile| line(Some(quantile))).to_vec(),
            Kind::Counter | Kind::Gauge => vec![line(None)],
        }
    });
    Answer { metric, step: query.step, lines: lines.collect() }
}

/// An instant, and the rows that were the last ones at the begin and the end of the step before it.
type Pair<'a> = (Timestamp, Option<&'a Row>, &'a Row);

fn points(metric: &Metric, places: &[Place], pairs: &[Pair<'_>], share: f64) -> Vec<Point> {
    let value = |(_, before, last): &Pair<'_>| {
        let now = cells::sum(&last.cells, places);
        if metric.kind == Kind::Gauge {
            return now.first().copied();
        }
        let before = before.filter(|before| before.at < last.at)?;
        let then = cells::sum(&before.cells, places);
        let grown: Vec<_> = now.iter().zip(then).map(|(now, then)| now - then).collect();
        match metric.kind {
            Kind::Histogram(bounds) => quantile(bounds, &grown, share),
            _ => Some(grown.first()? / between(before.at, last.at).as_secs_f64()),
        }
    };
    let point = |pair: &Pair<'_>| Some(Point { at: pair.0, value: value(pair)? });
    pairs.iter().filter_map(point).collect()
}
