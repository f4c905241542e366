//! A table as JSON and as CSV (contract.md, "Reports").

use serde_json::{Map, Value, json};

use super::table::{Cell, Table};
use crate::domain::ids::{AccountId, PlaybookVersion};
use crate::domain::time::UnixSecs;

/// What stands beside the rows of every report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Whose numbers.
    pub account: AccountId,
    /// The playbook in force.
    pub playbook: PlaybookVersion,
    /// When the counters were read.
    pub as_of: UnixSecs,
}

/// Whether a CSV begins with a byte order mark: Excel needs it, pipes stumble over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bom {
    /// For people.
    With,
    /// For programs.
    Without,
}

/// The report as the API and `--format json` give it.
pub fn to_json(table: &Table, meta: &Meta) -> Value {
    let rows: Vec<Value> = table.rows.iter().map(|row| json_row(table, row)).collect();
    json!({
        "report": table.definition(),
        "account": meta.account.as_str(),
        "zone": "+08:00",
        "as_of": meta.as_of.0,
        "playbook": meta.playbook.as_str(),
        "rows": rows,
    })
}

fn json_row(table: &Table, row: &[Cell]) -> Value {
    let cells = table.columns.iter().zip(row).map(|(column, cell)| (column.name.to_string(), json_cell(cell)));
    Value::Object(cells.collect::<Map<_, _>>())
}

fn json_cell(cell: &Cell) -> Value {
    match cell {
        Cell::Count(count) => json!(count),
        Cell::Unknown => Value::Null,
        Cell::Day(_) | Cell::State(_) | Cell::Text(_) => json!(cell.to_string()),
    }
}

/// The report as CSV, with a line of column names. What is not known is an empty cell; words that a spreadsheet would
/// take for a formula are defused.
///
/// # Errors
/// When a row has more or fewer cells than there are columns.
pub fn to_csv(table: &Table, bom: Bom) -> Result<Vec<u8>, csv::Error> {
    let mut bytes = match bom {
        Bom::With => "\u{feff}".as_bytes().to_vec(),
        Bom::Without => Vec::new(),
    };
    let mut writer = csv::Writer::from_writer(&mut bytes);
    writer.write_record(table.columns.iter().map(|column| column.name.as_bytes()))?;
    for row in &table.rows {
        writer.write_record(row.iter().map(csv_cell))?;
    }
    writer.flush()?;
    drop(writer);
    Ok(bytes)
}

fn csv_cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => defused(text),
        Cell::Unknown => String::new(),
        Cell::Day(_) | Cell::State(_) | Cell::Count(_) => cell.to_string(),
    }
}

/// Words of a customer must never run in an operator's spreadsheet.
fn defused(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::table::Column;
    use super::*;
    use crate::domain::time::BusinessDay;
    use crate::growth::lateness::DayState;

    fn table(text: &str) -> Table {
        let row = vec![
            Cell::Day(BusinessDay(0)),
            Cell::State(DayState::Open),
            Cell::Count(-5),
            Cell::Unknown,
            Cell::Text(text.to_owned()),
        ];
        let columns = Column::list([("day", ""), ("state", ""), ("net", ""), ("dormant", ""), ("text", "")]);
        Table {
            name: "activity",
            version: 1,
            columns,
            rows: vec![row],
            terms: BTreeMap::new(),
            small_print: Vec::new(),
        }
    }

    #[test]
    fn json_is_as_the_contract_says_and_in_that_order() {
        let meta = Meta { account: "demo".into(), playbook: "abc".into(), as_of: UnixSecs(7) };
        assert_eq!(
            to_json(&table("x"), &meta).to_string(),
            r#"{"report":"activity@1","account":"demo","zone":"+08:00","as_of":7,"playbook":"abc","rows":[{"day":"1970-01-01","state":"open","net":-5,"dormant":null,"text":"x"}]}"#
        );
    }

    #[test]
    fn a_formula_in_a_customers_words_is_defused_and_a_negative_number_is_not() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            let csv = String::from_utf8(to_csv(&table(text), Bom::Without).unwrap()).unwrap();
            let mut read = csv::Reader::from_reader(csv.as_bytes());
            let record = read.records().next().unwrap().unwrap();
            assert_eq!(&record[4], format!("'{text}"));
            assert_eq!(&record[2], "-5");
        }
    }

    #[test]
    fn words_with_commas_quotes_and_line_breaks_stay_one_cell() {
        let csv = String::from_utf8(to_csv(&table("查\"流量\",\n谢谢"), Bom::Without).unwrap()).unwrap();
        assert_eq!(csv, "day,state,net,dormant,text\n1970-01-01,open,-5,,\"查\"\"流量\"\",\n谢谢\"\n");
    }

    #[test]
    fn a_byte_order_mark_is_there_for_people_only() {
        assert!(to_csv(&table("x"), Bom::With).unwrap().starts_with(b"\xef\xbb\xbfday,"));
        assert!(to_csv(&table("x"), Bom::Without).unwrap().starts_with(b"day,"));
    }

    #[test]
    fn on_a_screen_the_unknown_is_an_em_dash() {
        assert_eq!(Cell::Unknown.to_string(), "—");
    }
}
