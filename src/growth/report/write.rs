//! A table as JSON and as CSV (contract.md, "Reports").

use serde_json::{Map, Value, json};

use super::asked::Explain;
use super::english;
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

/// The report as the API and `--format json` give it. What is not in the contract stands behind `rows`.
pub fn to_json(table: &Table, meta: &Meta, explain: Explain) -> Value {
    let rows = table.rows.iter().enumerate().map(|(n, row)| {
        let mut row = json_row(table, row);
        if explain == Explain::Yes {
            row.insert("explain".into(), json_terms(table, n));
        }
        Value::Object(row)
    });
    let playbooks = table.playbooks.iter().map(|(day, version)| json!({ "day": day.to_string(), "playbook": version }));
    let mut report = json!({
        "report": table.definition(),
        "account": meta.account.as_str(),
        "zone": "+08:00",
        "as_of": meta.as_of.0,
        "playbook": meta.playbook.as_str(),
        "rows": rows.collect::<Vec<_>>(),
        "small_print": table.small_print,
        "playbooks": playbooks.collect::<Vec<_>>(),
    });
    if let (Explain::Yes, Some(report)) = (explain, report.as_object_mut()) {
        let columns = table.columns.iter().map(|column| {
            let english = english::column(&column.name);
            json!({
                "name": column.name,
                "title": column.title,
                "meaning": column.meaning,
                "formula": column.formula,
                "title_en": english.as_ref().map_or("", |english| english.title.as_str()),
                "meaning_en": english.as_ref().map_or("", |english| english.meaning),
            })
        });
        report.insert("columns".into(), columns.collect());
    }
    report
}

fn json_row(table: &Table, row: &[Cell]) -> Map<String, Value> {
    table.columns.iter().zip(row).map(|(column, cell)| (column.name.to_string(), json_cell(cell))).collect()
}

fn json_terms(table: &Table, row: usize) -> Value {
    let terms = table.columns.iter().enumerate().filter_map(|(n, column)| {
        let terms = table.terms.get(&(row, n))?.iter();
        let terms: Vec<Value> =
            terms.map(|term| json!({ "what": term.what.to_string(), "count": term.count })).collect();
        Some((column.name.to_string(), Value::Array(terms)))
    });
    Value::Object(terms.collect::<Map<_, _>>())
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
    use super::super::term::Term;
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
            terms: BTreeMap::from([((0, 2), vec![Term::new("关注", 1), Term::new("取消关注", -6)])]),
            small_print: vec!["以北京时间为准。".into()],
            playbooks: vec![(BusinessDay(0), "abc".into())],
        }
    }

    #[test]
    fn json_is_as_the_contract_says_and_in_that_order() {
        let meta = Meta { account: "demo".into(), playbook: "abc".into(), as_of: UnixSecs(7) };
        assert_eq!(
            to_json(&table("x"), &meta, Explain::No).to_string(),
            r#"{"report":"activity@1","account":"demo","zone":"+08:00","as_of":7,"playbook":"abc","rows":[{"day":"1970-01-01","state":"open","net":-5,"dormant":null,"text":"x"}],"small_print":["以北京时间为准。"],"playbooks":[{"day":"1970-01-01","playbook":"abc"}]}"#
        );
    }

    #[test]
    fn explained_json_brings_every_columns_definition_and_the_integers_of_each_number() {
        let meta = Meta { account: "demo".into(), playbook: "abc".into(), as_of: UnixSecs(7) };
        let (plain, explained) = (to_json(&table("x"), &meta, Explain::No), to_json(&table("x"), &meta, Explain::Yes));
        let terms = json!({ "net": [{ "what": "关注", "count": 1 }, { "what": "取消关注", "count": -6 }] });
        assert_eq!(explained["rows"][0]["explain"], terms);
        assert_eq!(explained["columns"].as_array().unwrap().len(), 5);
        let net = &explained["columns"][2];
        assert_eq!((&net["title_en"], &net["meaning_en"]), (&"Net".into(), &"Follows less unfollows.".into()));
        let (mut same, added) = (explained.clone(), ["columns", "explain"]);
        same.as_object_mut().unwrap().remove(added[0]);
        same["rows"][0].as_object_mut().unwrap().remove(added[1]);
        assert_eq!(same, plain);
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
