//! A table as a workbook: the numbers, what they mean, and the integers they are made of. Made in memory; the workbook
//! is dated by the report, not by a clock, so the same report gives the same bytes.

use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::asked::Explain;
use super::table::{Cell, Column, Table};
use super::words::{clock_time, shown, state_word};
use super::write::Meta;
use crate::domain::time::BusinessDay;

/// 1970-01-01 as spreadsheets count days.
const EPOCH_SERIAL: i32 = 25_569;
/// A spreadsheet's cell holds no more characters.
const MAX_CHARS: usize = 32_767;
/// Widths in characters of the narrowest and the widest column.
const WIDTHS: (usize, usize) = (8, 60);

/// The report as a workbook.
///
/// # Errors
/// When the table has more rows or columns than a spreadsheet holds.
pub fn to_xlsx(table: &Table, meta: &Meta, explain: Explain) -> Result<Vec<u8>, XlsxError> {
    let mut book = titled(&table.definition(), meta);
    let look = Look::new();
    numbers(book.add_worksheet(), ("数据", table), &look)?;
    definitions(book.add_worksheet(), (table, meta), &look)?;
    if explain == Explain::Yes {
        terms(book.add_worksheet(), table, &look)?;
    }
    book.save_to_buffer()
}

/// Several tables as one workbook: a sheet for each under its title, then what those of the first mean.
///
/// # Errors
/// When a table has more rows or columns than a spreadsheet holds, or a title cannot be a sheet's.
pub fn to_xlsx_book(sheets: &[(&'static str, Table)], meta: &Meta) -> Result<Vec<u8>, XlsxError> {
    let mut book = titled(&sheets.first().map(|(_, table)| table.definition()).unwrap_or_default(), meta);
    let look = Look::new();
    for (title, table) in sheets {
        numbers(book.add_worksheet(), (title, table), &look)?;
    }
    if let Some((_, table)) = sheets.first() {
        definitions(book.add_worksheet(), (table, meta), &look)?;
    }
    book.save_to_buffer()
}

/// An empty workbook, dated by the report.
fn titled(title: &str, meta: &Meta) -> Workbook {
    let mut book = Workbook::new();
    let mut properties = DocProperties::new().set_title(title);
    if let Ok(at) = ExcelDateTime::from_timestamp(meta.as_of.0) {
        properties = properties.set_creation_datetime(&at);
    }
    book.set_properties(&properties);
    book
}

struct Look {
    head: Format,
    day: Format,
    count: Format,
    unknown: Format,
    wrapped: Format,
}

impl Look {
    fn new() -> Self {
        Self {
            head: Format::new().set_bold().set_border_bottom(FormatBorder::Thin).set_align(FormatAlign::Top),
            day: Format::new().set_num_format("yyyy-mm-dd").set_align(FormatAlign::Left),
            count: Format::new().set_num_format("#,##0"),
            unknown: Format::new().set_align(FormatAlign::Right),
            wrapped: Format::new().set_text_wrap().set_align(FormatAlign::Top),
        }
    }
}

fn numbers(sheet: &mut Worksheet, (title, table): (&str, &Table), look: &Look) -> Result<(), XlsxError> {
    sheet.set_name(title)?.set_freeze_panes(1, 1)?;
    for (at, column) in (0_u16..).zip(&table.columns) {
        sheet.write_string_with_format(0, at, &*column.title, &look.head)?;
        let cells = table.rows.iter().filter_map(|row| row.get(usize::from(at))).map(|cell| width(&shown(cell)));
        let widest = cells.chain([width(&column.title)]).max().unwrap_or_default();
        sheet.set_column_width(at, wide(widest + 2))?;
    }
    for (row, cells) in (1_u32..).zip(&table.rows) {
        for (column, cell) in (0_u16..).zip(cells) {
            write(sheet, (row, column), cell, look)?;
        }
    }
    Ok(())
}

fn write(sheet: &mut Worksheet, (row, column): (u32, u16), cell: &Cell, look: &Look) -> Result<(), XlsxError> {
    match cell {
        Cell::Day(day) => match date(*day) {
            Some(date) => sheet.write_datetime_with_format(row, column, date, &look.day)?,
            None => sheet.write_string(row, column, day.to_string())?,
        },
        Cell::State(state) => sheet.write_string(row, column, state_word(*state))?,
        #[allow(clippy::cast_precision_loss, reason = "a spreadsheet has no integers; no count comes near 2^53")]
        Cell::Count(count) => sheet.write_number_with_format(row, column, *count as f64, &look.count)?,
        // Written as a string, so that words which begin with `=` stay words.
        Cell::Text(text) => sheet.write_string(row, column, cut(text))?,
        Cell::Unknown => sheet.write_string_with_format(row, column, "—", &look.unknown)?,
    };
    Ok(())
}

/// `None` before 1900, where spreadsheets know no days.
fn date(day: BusinessDay) -> Option<ExcelDateTime> {
    let serial = day.0.checked_add(EPOCH_SERIAL).filter(|serial| *serial > 0)?;
    ExcelDateTime::from_serial_datetime(serial).ok()
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

fn definitions(sheet: &mut Worksheet, (table, meta): (&Table, &Meta), look: &Look) -> Result<(), XlsxError> {
    sheet.set_name("口径")?;
    for (at, width) in (0_u16..).zip([16, 16, 60, 60]) {
        sheet.set_column_width(at, wide(width))?;
    }
    let facts = [
        ("报表", table.definition()),
        ("账号", meta.account.to_string()),
        ("时区", "+08:00".to_owned()),
        ("截至", clock_time(meta.as_of)),
        ("话术版本", meta.playbook.to_string()),
    ];
    let mut row = 0;
    for (what, told) in facts {
        sheet.write_string_with_format(row, 0, what, &look.head)?.write_string(row, 1, told)?;
        row += 1;
    }
    row += 1;
    for (at, head) in (0_u16..).zip(["列名", "标题", "含义", "算法"]) {
        sheet.write_string_with_format(row, at, head, &look.head)?;
    }
    for Column { name, title, meaning, formula, .. } in &table.columns {
        row += 1;
        for (at, told) in (0_u16..).zip([name, title, meaning, formula]) {
            sheet.write_string_with_format(row, at, cut(told), &look.wrapped)?;
        }
    }
    if !table.small_print.is_empty() {
        row += 2;
        sheet.write_string_with_format(row, 0, "说明", &look.head)?;
    }
    for told in &table.small_print {
        row += 1;
        sheet.write_string(row, 0, cut(told))?;
    }
    Ok(())
}

/// One line for each integer: of which row and column, what it counts, how many.
fn terms(sheet: &mut Worksheet, table: &Table, look: &Look) -> Result<(), XlsxError> {
    sheet.set_name("构成")?.set_freeze_panes(1, 0)?;
    for (at, (head, width)) in (0_u16..).zip([("行", 14), ("列", 16), ("数值", 12), ("组成", 48), ("整数", 12)])
    {
        sheet.write_string_with_format(0, at, head, &look.head)?.set_column_width(at, wide(width))?;
    }
    let mut line = 1;
    for ((row, column), terms) in &table.terms {
        let Some((cells, title)) = table.rows.get(*row).zip(table.columns.get(*column)).map(|(r, c)| (r, &c.title))
        else {
            continue;
        };
        for term in terms {
            if let Some(first) = cells.first() {
                write(sheet, (line, 0), first, look)?;
            }
            sheet.write_string(line, 1, &**title)?;
            if let Some(number) = cells.get(*column) {
                write(sheet, (line, 2), number, look)?;
            }
            sheet.write_string(line, 3, cut(&term.what.to_string()))?;
            write(sheet, (line, 4), &Cell::Count(term.count), look)?;
            line += 1;
        }
    }
    Ok(())
}

/// What a text takes on a line: a Chinese character is as wide as two of the others.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

fn wide(chars: usize) -> f64 {
    let chars = chars.clamp(WIDTHS.0, WIDTHS.1);
    u8::try_from(chars).unwrap_or(u8::MAX).into()
}
