//! A workbook, opened again without the library that wrote it.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use fuwu::domain::time::{BusinessDay, UnixSecs};
use fuwu::growth::lateness::DayState;
use fuwu::growth::report::{Cell, Column, ColumnKind, Explain, Meta, Table, Term, to_xlsx};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// What a cell of a workbook is.
#[derive(Clone, Debug, PartialEq)]
pub enum Held {
    Text(String),
    Number(f64),
    /// A number that is shown by a date's format.
    Date(f64),
    Formula(String),
}

/// Sheets by name, in order; cells by their address.
pub struct Book {
    pub names: Vec<String>,
    pub sheets: BTreeMap<String, BTreeMap<String, Held>>,
    parts: BTreeMap<String, String>,
}

impl Book {
    pub fn open(bytes: &[u8]) -> Self {
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut parts = BTreeMap::new();
        for at in 0..archive.len() {
            let mut part = archive.by_index(at).unwrap();
            let mut text = String::new();
            part.read_to_string(&mut text).unwrap();
            parts.insert(part.name().unwrap().into_owned(), text);
        }
        let names: Vec<String> =
            starts(&parts["xl/workbook.xml"], "sheet").map(|tag| attribute(&tag, "name").unwrap()).collect();
        let texts = parts.get("xl/sharedStrings.xml").map(|text| strings(text)).unwrap_or_default();
        let dates = date_styles(&parts["xl/styles.xml"]);
        let sheet = |(n, name): (usize, &String)| {
            (name.clone(), cells(&parts[&format!("xl/worksheets/sheet{}.xml", n + 1)], &texts, &dates))
        };
        let sheets = names.iter().enumerate().map(sheet).collect();
        Self { names, sheets, parts }
    }

    pub fn cell(&self, sheet: &str, at: &str) -> &Held {
        self.sheets[sheet].get(at).unwrap_or_else(|| panic!("{sheet}!{at} is empty"))
    }

    pub fn texts(&self, sheet: &str) -> Vec<String> {
        let text = |held: &Held| if let Held::Text(text) = held { Some(text.clone()) } else { None };
        self.sheets[sheet].values().filter_map(text).collect()
    }
}

fn starts(xml: &str, name: &str) -> impl Iterator<Item = BytesStart<'static>> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) | Event::Empty(tag) if tag.name().as_ref() == name => found.push(tag.into_owned()),
            Event::Eof => return found.into_iter(),
            _ => {}
        }
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.attributes().map(Result::unwrap).find(|a| a.key.as_ref() == name)?;
    Some(found.value.into_owned())
}

/// The texts of `<t>`, one for each `<si>`.
fn strings(xml: &str) -> Vec<String> {
    let mut found = Vec::new();
    for item in xml.split("<si>").skip(1) {
        let inside = item.split("<t").nth(1).unwrap().split_once('>').unwrap().1.split("</t>").next().unwrap();
        found.push(quick_xml::escape::unescape(inside).unwrap().into_owned());
    }
    found
}

/// The styles whose number format is a date's.
fn date_styles(xml: &str) -> Vec<bool> {
    let formats: BTreeMap<String, String> = starts(xml, "numFmt")
        .map(|tag| (attribute(&tag, "numFmtId").unwrap(), attribute(&tag, "formatCode").unwrap()))
        .collect();
    let used = xml.split("<cellXfs").nth(1).unwrap().split("</cellXfs>").next().unwrap();
    let used = format!("<cellXfs{used}</cellXfs>");
    starts(&used, "xf")
        .map(|tag| {
            formats
                .get(&attribute(&tag, "numFmtId").unwrap())
                .is_some_and(|code| code == "yyyy\\-mm\\-dd" || code == "yyyy-mm-dd")
        })
        .collect()
}

fn cells(xml: &str, texts: &[String], dates: &[bool]) -> BTreeMap<String, Held> {
    let mut cells = BTreeMap::new();
    for part in xml.split("<c ").skip(1) {
        let tag = format!("<c {}", part.split_once('>').unwrap().0.trim_end_matches('/'));
        let tag = starts(&format!("{tag}/>"), "c").next().unwrap();
        let inside = |name: &str| {
            part.split(&format!("<{name}>")).nth(1)?.split(&format!("</{name}>")).next().map(str::to_owned)
        };
        let at = attribute(&tag, "r").unwrap();
        let style = attribute(&tag, "s").map_or(0, |s| s.parse::<usize>().unwrap());
        let held = match (inside("f"), attribute(&tag, "t").as_deref(), inside("v")) {
            (Some(formula), ..) => Held::Formula(formula),
            (None, Some("s"), Some(index)) => Held::Text(texts[index.parse::<usize>().unwrap()].clone()),
            (None, None | Some("n"), Some(number)) if dates[style] => Held::Date(number.parse().unwrap()),
            (None, None | Some("n"), Some(number)) => Held::Number(number.parse().unwrap()),
            (None, _, None) => continue,
            other => panic!("{at} holds {other:?}"),
        };
        cells.insert(at, held);
    }
    cells
}

fn table() -> Table {
    let columns = vec![
        Column::plain(ColumnKind::Day, "day", "日期"),
        Column::plain(ColumnKind::State, "state", "状态"),
        Column::plain(ColumnKind::Number, "net", "净增").meaning("关注减去取消关注。").formula("关注 − 取消关注"),
        Column::plain(ColumnKind::Number, "dormant", "转沉默"),
        Column::plain(ColumnKind::Text, "text", "客户的话"),
    ];
    let row = |day, text: &str| {
        vec![
            Cell::Day(BusinessDay::parse(day).unwrap()),
            Cell::State(DayState::Sealed),
            Cell::Count(-5),
            Cell::Unknown,
            Cell::Text(text.into()),
        ]
    };
    let long = "话".repeat(40_000);
    Table {
        name: "activity",
        version: 3,
        columns,
        rows: vec![row("2026-03-01", "=1+1"), row("1850-01-01", "<&>\u{1}\n\"_x0041_"), row("2026-03-03", &long)],
        terms: BTreeMap::from([((0, 2), vec![Term::new("关注", 1), Term::new("取消关注", -6)])]),
        small_print: vec!["以北京时间为准。".into()],
        ..Table::default()
    }
}

fn meta() -> Meta {
    Meta { account: "demo".into(), playbook: "abc123".into(), as_of: UnixSecs(1_772_416_800) }
}

fn text(told: &str) -> Held {
    Held::Text(told.into())
}

#[test]
fn a_workbook_holds_dates_numbers_and_words_as_what_they_are() {
    let bytes = to_xlsx(&table(), &meta(), Explain::No).unwrap();
    let book = Book::open(&bytes);
    assert_eq!(book.names, ["数据", "口径"]);
    let titles = ["A1", "B1", "C1", "D1", "E1"].map(|at| book.cell("数据", at).clone());
    assert_eq!(titles, ["日期", "状态", "净增", "转沉默", "客户的话"].map(text));
    // 2026-03-01 is the 46,082nd day of a spreadsheet.
    let row = ["A2", "B2", "C2", "D2", "E2"].map(|at| book.cell("数据", at).clone());
    assert_eq!(row, [Held::Date(46_082.0), text("已封存"), Held::Number(-5.0), text("—"), text("=1+1")]);
    assert_eq!(*book.cell("数据", "A3"), text("1850-01-01"), "a day that spreadsheets do not know is told in words");
    let Held::Text(long) = book.cell("数据", "E4") else { panic!() };
    assert_eq!(long.chars().count(), 32_767);
    assert!(!book.parts.values().any(|part| part.contains("<f>")), "no formula anywhere");
    let frozen = &book.parts["xl/worksheets/sheet1.xml"];
    assert!(frozen.contains("ySplit=\"1\"") && frozen.contains("state=\"frozen\""), "the titles stay in sight");
    assert_eq!(bytes, to_xlsx(&table(), &meta(), Explain::No).unwrap(), "the same report gives the same bytes");
}

#[test]
fn a_workbook_says_what_its_numbers_mean_and_when_they_were_read() {
    let book = Book::open(&to_xlsx(&table(), &meta(), Explain::No).unwrap());
    let told = book.texts("口径");
    let expected = [
        "activity@3",
        "demo",
        "+08:00",
        "2026-03-02 10:00:00",
        "abc123",
        "net",
        "净增",
        "关注减去取消关注。",
        "关注 − 取消关注",
        "以北京时间为准。",
    ];
    for words in expected {
        assert!(told.iter().any(|cell| cell == words), "no {words} in {told:?}");
    }
}

#[test]
fn an_explained_workbook_has_the_integers_of_each_number() {
    let book = Book::open(&to_xlsx(&table(), &meta(), Explain::Yes).unwrap());
    assert_eq!(book.names, ["数据", "口径", "构成"]);
    let line = |n: usize| ["A", "B", "C", "D", "E"].map(|c| book.cell("构成", &format!("{c}{n}")).clone());
    let first = Held::Date(46_082.0);
    assert_eq!(line(2), [first.clone(), text("净增"), Held::Number(-5.0), text("关注"), Held::Number(1.0)]);
    assert_eq!(line(3), [first, text("净增"), Held::Number(-5.0), text("取消关注"), Held::Number(-6.0)]);
}
