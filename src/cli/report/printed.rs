//! A report on a terminal: Chinese titles above the names that JSON and CSV use, numbers to the right, and what a reader
//! should know below.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table as Printed, TableStyle};

use crate::growth::report::{Cell, Column, ColumnKind, Explain, Table, shown};

/// The report in words and lines. A terminal of `width` characters gets a table that is wider in parts, one below the
/// other, each with the first column; without a width it stays in one piece.
pub fn printed(table: &Table, width: Option<u16>, explain: Explain) -> String {
    let mut out = String::new();
    let told = told(table, width.map(usize::from));
    for part in parts(table, &told, width.map(usize::from)) {
        let _ = writeln!(out, "{}", part_of(table, &part));
    }
    if table.rows.is_empty() {
        out.push_str("（没有数据）\n");
    }
    if let Some(first) = table.columns.get(told.len()) {
        let _ = writeln!(out, "· {} 及以后还没有数字，没有列出。", first.title);
    }
    for told in &table.small_print {
        let _ = writeln!(out, "· {told}");
    }
    if explain == Explain::Yes {
        definitions(&mut out, table);
        terms(&mut out, table);
    }
    out
}

/// The columns that are shown: all, but on a terminal too narrow for them not those at the end without any number yet.
fn told(table: &Table, width: Option<usize>) -> Vec<usize> {
    let all: Vec<usize> = (0..table.columns.len()).collect();
    if parts(table, &all, width).len() == 1 || table.rows.is_empty() {
        return all;
    }
    let is_told = |at: &usize| table.rows.iter().any(|row| row.get(*at).is_some_and(|cell| *cell != Cell::Unknown));
    let last = all.iter().rposition(is_told).unwrap_or_default();
    all.into_iter().take(last + 1).collect()
}

/// Which columns stand side by side.
fn parts(table: &Table, told: &[usize], width: Option<usize>) -> Vec<Vec<usize>> {
    let Some(width) = width else { return vec![told.to_vec()] };
    let measured = part_of(table, told).column_max_content_widths();
    // One space on both sides of every column, and one between two.
    let wide = |column: usize| measured.get(column).map_or(0, |chars| usize::from(*chars) + 3);
    let mut parts = vec![vec![0]];
    let mut taken = wide(0);
    for column in 1..told.len() {
        if taken + wide(column) > width && parts.last().is_some_and(|part| part.len() > 1) {
            parts.push(vec![0]);
            taken = wide(0);
        }
        taken += wide(column);
        if let Some(part) = parts.last_mut() {
            part.push(column);
        }
    }
    parts
}

fn part_of(table: &Table, columns: &[usize]) -> Printed {
    let line = |fill| LineStyle::none().fill(fill).junction(fill);
    let style = TableStyle::new().top_border(line('─')).header_separator(line('═')).bottom_border(line('─'));
    let mut printed = Printed::new();
    printed.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
    let chosen = || columns.iter().filter_map(|at| table.columns.get(*at));
    printed.set_header(chosen().map(|column| aligned(head(column), column.kind)));
    for row in &table.rows {
        let cells = columns.iter().filter_map(|at| row.get(*at)).zip(chosen());
        printed.add_row(cells.map(|(cell, column)| aligned(one_line(cell), column.kind)));
    }
    printed
}

fn head(column: &Column) -> String {
    if column.title == column.name { column.name.to_string() } else { format!("{}\n{}", column.title, column.name) }
}

/// A customer's words stay on one line.
fn one_line(cell: &Cell) -> String {
    shown(cell).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn aligned(text: String, kind: ColumnKind) -> comfy_table::Cell {
    let cell = comfy_table::Cell::new(text);
    if kind == ColumnKind::Number { cell.set_alignment(CellAlignment::Right) } else { cell }
}

fn definitions(out: &mut String, table: &Table) {
    let _ = writeln!(out, "\n口径 {}", table.definition());
    for column in &table.columns {
        let _ = writeln!(out, "  {} {}", column.name, column.title);
        for told in [&column.meaning, &column.formula].into_iter().filter(|told| !told.is_empty()) {
            let _ = writeln!(out, "      {told}");
        }
    }
}

/// `2026-03-01 r7 = 12`, and below it each integer.
fn terms(out: &mut String, table: &Table) {
    out.push_str("\n构成\n");
    for ((row, column), terms) in &table.terms {
        let Some((cells, about)) = table.rows.get(*row).zip(table.columns.get(*column)) else { continue };
        let of = cells.first().map(one_line).unwrap_or_default();
        let number = cells.get(*column).map(one_line).unwrap_or_default();
        let _ = writeln!(out, "  {of} {} = {number}", about.name);
        for term in terms {
            let _ = writeln!(out, "      {:>8}  {}", term.count, term.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::time::BusinessDay;
    use crate::growth::lateness::DayState;
    use crate::growth::report::Term;

    fn wide() -> Table {
        let mut columns = Column::list([("cohort", "首次活跃日"), ("state", "状态")]);
        columns.extend((1..=30).map(|n| Column::plain(ColumnKind::Number, format!("d{n}"), format!("第{n}日"))));
        let mut row = vec![Cell::Day(BusinessDay(20_000)), Cell::State(DayState::Open)];
        row.extend((1..=29).map(|n| Cell::Count(n * 1_000)));
        row.push(Cell::Unknown);
        Table { name: "retention", version: 1, columns, rows: vec![row], ..Table::default() }
    }

    #[test]
    fn a_wide_table_comes_in_parts_that_fit_and_loses_nothing() {
        for width in [40, 80, 120] {
            let text = printed(&wide(), Some(width), Explain::No);
            for line in text.lines() {
                let takes: usize = line.chars().map(|c| if c.is_ascii() || "─═—".contains(c) { 1 } else { 2 }).sum();
                assert!(takes <= usize::from(width), "{takes} of {width}: {line}");
            }
            assert!((1..=29).all(|n| text.contains(&format!("第{n}日"))) && text.contains("29000"), "{text}");
            assert!(
                text.contains("· 第30日 及以后还没有数字"),
                "what nobody knows yet is not listed, and that is told"
            );
            let parts = text.lines().filter(|line| line.contains("首次活跃日")).count();
            assert_eq!(parts, text.matches("2024-10-04").count());
            assert!(parts > 1);
        }
        let whole = printed(&wide(), None, Explain::No);
        assert_eq!(whole.matches("2024-10-04").count(), 1);
        assert!(whole.contains("进行中") && whole.contains("—") && !whole.contains("没有列出"));
    }

    #[test]
    fn a_column_wider_than_the_terminal_is_still_there() {
        let all: Vec<usize> = (0..32).collect();
        assert_eq!(parts(&wide(), &all, Some(1)).len(), 31);
    }

    #[test]
    fn words_of_a_customer_cannot_break_the_table_or_steer_the_terminal() {
        assert_eq!(one_line(&Cell::Text("a\nb\u{1b}[2Jc".into())), "a b [2Jc");
    }

    #[test]
    fn an_explained_number_stands_with_its_integers_and_its_definition() {
        let columns = vec![
            Column::plain(ColumnKind::Day, "day", "日期"),
            Column::plain(ColumnKind::Number, "net", "净增").meaning("关注减去取消关注。").formula("关注 − 取消关注"),
        ];
        let table = Table {
            name: "followers",
            version: 1,
            columns,
            rows: vec![vec![Cell::Day(BusinessDay(20_000)), Cell::Count(-5)]],
            terms: BTreeMap::from([((0, 1), vec![Term::new("关注", 1), Term::new("取消关注", -6)])]),
            small_print: vec!["以北京时间为准。".into()],
            ..Table::default()
        };
        let text = printed(&table, None, Explain::Yes);
        let told = [
            "· 以北京时间为准。",
            "口径 followers@1",
            "关注减去取消关注。",
            "关注 − 取消关注",
            "2024-10-04 net = -5",
            "-6  取消关注",
        ];
        assert!(told.iter().all(|words| text.contains(words)), "{text}");
        assert!(!printed(&table, None, Explain::No).contains("口径"));
    }
}
