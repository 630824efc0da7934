//! Figures as data points.

use model::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::body::{Batch, Frame, Group, Resource, attribute};
use crate::metrics::{Kind, Metric, Sample, Value};

/// Sums since the start, in the words of the protocol.
const CUMULATIVE: u8 = 2;

/// The figures as requests, as they stand at the later instant since the earlier one.
pub(super) fn batches(
    samples: &[Sample],
    since: (Timestamp, Timestamp),
    resource: &Resource<'_>,
) -> Vec<Batch> {
    let of_one = samples.chunk_by(|a, b| a.metric.name == b.metric.name);
    let groups = of_one.filter_map(|samples| group(samples, since)).collect();
    Frame::figures(resource).batches(groups)
}

fn group(samples: &[Sample], since: (Timestamp, Timestamp)) -> Option<Group> {
    let Metric { name, kind, unit, meaning, .. } = samples.first()?.metric;
    let (name, meaning, unit) = (json!(name), json!(meaning), json!(unit));
    let (form, extra) = match kind {
        Kind::Counter => {
            ("sum", format!(r#""aggregationTemporality":{CUMULATIVE},"isMonotonic":true,"#))
        }
        Kind::Gauge => ("gauge", String::new()),
        Kind::Histogram(_) => ("histogram", format!(r#""aggregationTemporality":{CUMULATIVE},"#)),
    };
    Some(Group {
        head: format!(
            r#"{{"name":{name},"description":{meaning},"unit":{unit},"{form}":{{{extra}"dataPoints":["#
        ),
        items: samples.iter().map(|sample| point(sample, since).to_string()).collect(),
        tail: "]}}",
    })
}

fn point(sample: &Sample, (begun, now): (Timestamp, Timestamp)) -> Json {
    let attributes = sample.labels.iter().map(|(key, value)| attribute(key, value)).collect();
    let mut point = Map::from_iter([
        ("attributes".to_owned(), Json::Array(attributes)),
        ("startTimeUnixNano".to_owned(), json!(begun.as_nanosecond().to_string())),
        ("timeUnixNano".to_owned(), json!(now.as_nanosecond().to_string())),
    ]);
    let mut put = |name: &str, value: Json| drop(point.insert(name.to_owned(), value));
    match (&sample.value, sample.metric.kind) {
        (Value::Number(number), _) => put("asDouble", json!(number)),
        (Value::Spread { cumulative, sum }, Kind::Histogram(bounds)) => {
            let before = [0].iter().chain(cumulative);
            let counts = cumulative.iter().zip(before).map(|(up_to, before)| up_to - before);
            put("bucketCounts", counts.map(|count| count.to_string()).collect());
            put("explicitBounds", json!(bounds));
            let all = cumulative.last().copied().unwrap_or_default();
            put("count", json!(all.to_string()));
            put("sum", json!(sum));
        }
        (Value::Spread { .. }, _) => {}
    }
    Json::Object(point)
}
