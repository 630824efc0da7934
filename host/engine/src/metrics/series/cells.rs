//! Where the numbers of a figure stand in a row of samples.

use std::collections::BTreeMap;

use crate::metrics::family::{Sample, Value, float};
use crate::metrics::table::Metric;

/// Numbers in one row. A counter or gauge has one, a histogram a dozen; ten providers need some
/// 1,500. All rows together then have at most 40 MB, and mostly a third of it.
const CELLS_MAX: usize = 2_048;

/// Which figure: the metric, and its labels by name.
type Key = (&'static str, Vec<(String, String)>);

/// The places of all figures. A figure keeps its place, so rows may be shorter than later ones.
#[derive(Debug, Default)]
pub(super) struct Cells {
    places: BTreeMap<Key, Place>,
    used: usize,
    full: bool,
}

/// Where the numbers of one figure stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Place {
    start: usize,
    len: usize,
}

impl Cells {
    /// The numbers of all figures, each in its place. Figures that come when all places are taken
    /// are left out.
    pub(super) fn row(&mut self, samples: &[Sample]) -> Box<[f64]> {
        let mut row = vec![0.0; self.used];
        for sample in samples {
            let numbers: &[f64] = match &sample.value {
                Value::Number(number) => &[*number],
                Value::Spread { cumulative, .. } => {
                    &cumulative.iter().map(|count| float(*count)).collect::<Vec<_>>()
                }
            };
            let Some(Place { start, len }) = self.place(sample, numbers.len()) else { continue };
            row.resize(self.used, 0.0);
            if let Some(cells) = row.get_mut(start..start + len) {
                cells.copy_from_slice(numbers);
            }
        }
        row.into()
    }

    /// The places of the figures of a metric, by the value of a label, or all together.
    pub(super) fn groups(
        &self,
        metric: &Metric,
        by: Option<&str>,
    ) -> BTreeMap<Option<String>, Vec<Place>> {
        let mut groups = BTreeMap::<_, Vec<_>>::new();
        let of_metric = self.places.range((metric.name, Vec::new())..);
        for ((name, labels), place) in of_metric {
            if *name != metric.name {
                break;
            }
            let value = |by| labels.iter().find(|(label, _)| label == by);
            let group = by.map(|by| value(by).map(|(_, value)| value.clone()).unwrap_or_default());
            groups.entry(group).or_default().push(*place);
        }
        groups
    }

    fn place(&mut self, sample: &Sample, len: usize) -> Option<Place> {
        let key = (sample.metric.name, sample.labels.clone());
        if let Some(place) = self.places.get(&key) {
            return Some(*place);
        }
        if self.used + len > CELLS_MAX {
            if !std::mem::replace(&mut self.full, true) {
                tracing::warn!(metric = sample.metric.name, "no more figures are kept for charts");
            }
            return None;
        }
        let place = Place { start: self.used, len };
        self.used += len;
        self.places.insert(key, place);
        Some(place)
    }
}

/// The numbers of some figures together, as one figure has them.
pub(super) fn sum(row: &[f64], places: &[Place]) -> Vec<f64> {
    let mut sum = vec![0.0; places.first().map_or(0, |place| place.len)];
    for Place { start, len } in places {
        // What was not there yet when the row was made had counted nothing.
        let cells = row.get(*start..start + len).unwrap_or_default();
        sum.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell);
    }
    sum
}
