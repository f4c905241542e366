//! Counters as scripts tell them.

use std::collections::BTreeMap;

use crate::domain::time::BusinessDay;
use crate::growth::cells::Cells;
use crate::growth::counter::{CounterKey, CounterRange, Metric};
use crate::growth::counters::Counters;
use crate::store::StoreError;

/// A run: its metric or the range it was asked for by, first coordinate, block, and fields and values by turns.
pub(super) type Run = (usize, i32, i32, Vec<Vec<u8>>);
/// The late changes of one arrival day: fields and values by turns.
pub(super) type LateDay = (i32, Vec<Vec<u8>>);

/// Adds what of a run is within `range`.
pub(super) fn add_run(counters: &mut Counters, run: Run, range: &CounterRange) -> Result<(), StoreError> {
    let (_, a, block, flat) = run;
    let metric = range.metric;
    let mut dimensions = BTreeMap::<String, Vec<i64>>::new();
    for (field, value) in pairs(&flat) {
        let (place, dimension) = field.split_first().ok_or_else(|| unreadable("a cell without a place"))?;
        let values = dimensions.entry(text(dimension)?).or_default();
        let place = usize::from(*place);
        if values.len() <= place {
            values.resize(place + 1, 0);
        }
        if let Some(cell) = values.get_mut(place) {
            *cell = number(value)?;
        }
    }
    for (dimension, values) in dimensions {
        let cells = Cells::try_from(values).map_err(|error| unreadable(&error.to_string()))?;
        counters.add_run((metric, a), (&dimension, block), cells.within((a, block), range));
    }
    Ok(())
}

/// Late changes added up over homes.
#[derive(Default)]
pub(super) struct Journal(BTreeMap<(BusinessDay, CounterKey), i64>);

impl Journal {
    /// Adds those of one home and day.
    pub(super) fn add(&mut self, (arrived, flat): LateDay) -> Result<(), StoreError> {
        for (field, value) in pairs(&flat) {
            *self.0.entry((BusinessDay(arrived), cell(field)?)).or_default() += number(value)?;
        }
        Ok(())
    }

    /// In order of arrival and cell.
    pub(super) fn entries(self) -> Vec<(BusinessDay, CounterKey, i64)> {
        let changed = self.0.into_iter().filter(|(_, by)| *by != 0);
        changed.map(|((arrived, key), by)| (arrived, key, by)).collect()
    }
}

/// A cell from its field (`commit::cell`).
pub(super) fn cell(field: &[u8]) -> Result<CounterKey, StoreError> {
    let field = text(field)?;
    let mut parts = field.splitn(4, ':');
    let mut next = || parts.next().ok_or_else(|| unreadable("a cell without all its parts"));
    let parsed = |part: &str| part.parse::<i32>().map_err(|error| unreadable(&error.to_string()));
    let metric = next()?.parse().map_err(|_| unreadable("a metric that is no number"))?;
    let (a, b) = (parsed(next()?)?, parsed(next()?)?);
    Ok(CounterKey { metric: metric_of(metric)?, a, b, dimension: next()?.to_owned() })
}

/// Fields and values that stand by turns.
pub(super) fn pairs(flat: &[Vec<u8>]) -> impl Iterator<Item = (&[u8], &[u8])> {
    flat.chunks_exact(2).filter_map(|pair| match pair {
        [field, value] => Some((field.as_slice(), value.as_slice())),
        _ => None,
    })
}

/// A number in digits.
pub(super) fn number(digits: &[u8]) -> Result<i64, StoreError> {
    text(digits)?.parse().map_err(|_| unreadable("a value that is no number"))
}

pub(super) fn text(bytes: &[u8]) -> Result<String, StoreError> {
    String::from_utf8(bytes.to_vec()).map_err(|error| unreadable(&error.to_string()))
}

pub(super) fn metric_of(number: usize) -> Result<Metric, StoreError> {
    Metric::all().find(|metric| *metric as usize == number).ok_or_else(|| {
        unreadable(&format!("no metric has the number {number}; run the version of fuwu that wrote it, or a newer one"))
    })
}

fn unreadable(cause: &str) -> StoreError {
    StoreError::Shape { what: "counter", cause: cause.to_owned() }
}
