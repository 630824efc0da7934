//! One metric and its figures, by label.

use std::fmt::Write as _;
use std::time::Duration;

use prometheus::core::Collector as _;
use prometheus::proto;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, TextEncoder};

use super::table::{Kind, Metric};

/// A figure, with its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Of which metric.
    pub metric: &'static Metric,
    /// Names and values, by name.
    pub labels: Vec<(String, String)>,
    /// How it stands.
    pub value: Value,
}

/// How a figure stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a counter or a gauge.
    Number(f64),
    /// Of a histogram.
    Spread {
        /// How many there were up to each bound, and at last all.
        cumulative: Vec<u64>,
        /// All of them together.
        sum: f64,
    },
}

/// A metric and its figures.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) metric: &'static Metric,
    figures: Figures,
}

#[derive(Debug)]
enum Figures {
    Counter(IntCounterVec),
    Gauge(IntGaugeVec),
    Histogram(HistogramVec),
}

impl Family {
    /// Nothing where the metric is not well formed, which a test of the table looks after.
    pub(super) fn new(metric: &'static Metric) -> Option<Self> {
        let Metric { name, labels, meaning, .. } = metric;
        let options = Opts::new(*name, *meaning);
        let figures = match metric.kind {
            Kind::Counter => Figures::Counter(IntCounterVec::new(options, labels).ok()?),
            Kind::Gauge => Figures::Gauge(IntGaugeVec::new(options, labels).ok()?),
            Kind::Histogram(bounds) => {
                let options = HistogramOpts::from(options).buckets(bounds.to_vec());
                Figures::Histogram(HistogramVec::new(options, labels).ok()?)
            }
        };
        Some(Self { metric, figures })
    }

    pub(super) fn add(&self, labels: &[&str], more: u64) {
        if let Figures::Counter(counter) = &self.figures
            && let Ok(counter) = counter.get_metric_with_label_values(labels)
        {
            counter.inc_by(more);
        }
    }

    pub(super) fn set(&self, labels: &[&str], value: i64) {
        if let Figures::Gauge(gauge) = &self.figures
            && let Ok(gauge) = gauge.get_metric_with_label_values(labels)
        {
            gauge.set(value);
        }
    }

    pub(super) fn change(&self, labels: &[&str], by: i64) {
        if let Figures::Gauge(gauge) = &self.figures
            && let Ok(gauge) = gauge.get_metric_with_label_values(labels)
        {
            gauge.add(by);
        }
    }

    pub(super) fn observe(&self, labels: &[&str], value: f64) {
        if let Figures::Histogram(histogram) = &self.figures
            && let Ok(histogram) = histogram.get_metric_with_label_values(labels)
        {
            histogram.observe(value);
        }
    }

    /// Sets a gauge to nothing for all labels.
    pub(super) fn reset(&self) {
        for sample in self.samples() {
            let labels: Vec<_> = self.metric.labels.iter().map(|name| sample.label(name)).collect();
            self.set(&labels, 0);
        }
    }

    /// Appends the figures as text. Of a metric without any its name and meaning are told all the
    /// same, so that who looks for it finds out that it is empty.
    pub(super) fn render(&self, text: &mut String) {
        let families = self.collect();
        let encoded = TextEncoder::new().encode_utf8(&families, text);
        if encoded.is_err() {
            let Metric { name, meaning, .. } = self.metric;
            let kind = self.metric.kind.as_str();
            writeln!(text, "# HELP {name} {meaning}\n# TYPE {name} {kind}").unwrap_or_default();
        }
    }

    /// The figures one by one.
    pub(super) fn samples(&self) -> Vec<Sample> {
        let families = self.collect();
        families
            .iter()
            .flat_map(proto::MetricFamily::get_metric)
            .map(|figure| {
                let pair =
                    |pair: &proto::LabelPair| (pair.name().to_owned(), pair.value().to_owned());
                let labels = figure.get_label().iter().map(pair).collect();
                Sample { metric: self.metric, labels, value: self.value(figure) }
            })
            .collect()
    }

    fn value(&self, figure: &proto::Metric) -> Value {
        match self.figures {
            Figures::Counter(_) => Value::Number(figure.get_counter().get_value()),
            Figures::Gauge(_) => Value::Number(figure.get_gauge().get_value()),
            Figures::Histogram(_) => {
                let spread = figure.get_histogram();
                let up_to = spread.get_bucket().iter().map(proto::Bucket::cumulative_count);
                let cumulative = up_to.chain([spread.get_sample_count()]).collect();
                Value::Spread { cumulative, sum: spread.get_sample_sum() }
            }
        }
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        match &self.figures {
            Figures::Counter(counter) => counter.collect(),
            Figures::Gauge(gauge) => gauge.collect(),
            Figures::Histogram(histogram) => histogram.collect(),
        }
    }
}

impl Sample {
    /// The value of a label; empty where there is none of this name.
    pub fn label(&self, name: &str) -> &str {
        let mut labels = self.labels.iter();
        labels.find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// A number for a figure. Beyond 2^53 it is not exact, and nobody reads so many digits.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "figures are floats")]
pub(super) fn float(number: u64) -> f64 {
    number as f64
}

/// Milliseconds, with what is below them.
pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Whole milliseconds.
pub(super) fn number(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
