//! Averages over cohorts (growth.md 1.5): weighted by size, over those that are ripe. An average of rates, or one over
//! cohorts that are not ripe, is a wrong number.

use super::table::{Cell, Table};

/// A weighted average: `Σ_k RET[k,n] / Σ_k RET[k,0]` over ripe cohorts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Average {
    /// Customers (or follows) that stayed.
    pub stayed: i64,
    /// Customers (or follows) of the same cohorts.
    pub of: i64,
    /// How many cohorts are ripe.
    pub cohorts: usize,
}

impl Average {
    /// Per ten thousand, rounded to the nearest; `None` while nothing is ripe, or when the ripe cohorts are empty.
    pub fn per_ten_thousand(self) -> Option<i64> {
        let (stayed, of) = (i128::from(self.stayed), i128::from(self.of));
        let rounded = (stayed * 20_000 + of).checked_div(of * 2).filter(|_| of > 0)?;
        i64::try_from(rounded).ok()
    }
}

/// The average of a column (`d1`, `d7`, `w4`) of a `retention` or `survival` report; `None` when the table has no such
/// column or no cohorts.
pub fn average(table: &Table, column: &str) -> Option<Average> {
    let size = table.column("size").or_else(|| table.column("follows"))?;
    let nth = table.column(column)?;
    table.column("cohort")?;
    let ripe = table.rows.iter().filter_map(|row| match (row.get(size)?, row.get(nth)?) {
        (Cell::Count(size), Cell::Count(stayed)) => Some((*stayed, *size)),
        _ => None,
    });
    Some(ripe.fold(Average::default(), |sum, (stayed, size)| Average {
        stayed: sum.stayed + stayed,
        of: sum.of + size,
        cohorts: sum.cohorts + 1,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::table::Column;
    use super::*;
    use crate::domain::time::BusinessDay;

    #[test]
    fn large_cohorts_weigh_more_and_unripe_ones_nothing() {
        let row = |size, d7| vec![Cell::Day(BusinessDay(0)), Cell::Count(size), d7];
        let rows = vec![row(900, Cell::Count(90)), row(100, Cell::Count(90)), row(5_000, Cell::Unknown)];
        let columns = Column::list([("cohort", ""), ("size", ""), ("d7", "")]);
        let table = Table { columns, rows, ..Table::default() };
        let average = average(&table, "d7").unwrap();
        assert_eq!(average, Average { stayed: 180, of: 1_000, cohorts: 2 });
        assert_eq!(average.per_ten_thousand(), Some(1_800), "the mean of 10 % and 90 % is not 50 %");
        assert_eq!(super::average(&table, "d30"), None);
        assert_eq!(Average::default().per_ten_thousand(), None);
        assert_eq!(Average { stayed: 2, of: 3, cohorts: 1 }.per_ten_thousand(), Some(6_667));
    }
}
