//! A report as bytes: what the command writes and the API answers are made here, so they are the same.

use super::asked::Explain;
use super::table::Table;
use super::write::{Bom, Meta, to_csv, to_json};
use super::write_xlsx::to_xlsx;
use super::{Period, ReportName};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON, indented.
    Json,
    /// CSV.
    Csv(Bom),
    /// A workbook.
    Xlsx,
}

/// Why a report cannot be written so.
#[derive(Debug, thiserror::Error)]
pub enum Unwritable {
    /// CSV has room for the numbers alone.
    #[error("csv has no room for explanations; ask for json or xlsx, or leave the explanation out")]
    NoRoom,
    /// A table that is no table.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// A table that no spreadsheet holds.
    #[error(transparent)]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
    /// A value that JSON cannot hold.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Form {
    /// How the names of such files end.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv(_) => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// Refuses what this form cannot show.
    ///
    /// # Errors
    /// [`Unwritable::NoRoom`] when a CSV should explain itself.
    pub fn holds(self, explain: Explain) -> Result<(), Unwritable> {
        match (self, explain) {
            (Self::Csv(_), Explain::Yes) => Err(Unwritable::NoRoom),
            _ => Ok(()),
        }
    }

    /// A name that tells such a file from others in the same folder: `activity_2026-03-01_2026-03-31.csv`.
    pub fn file_name(self, report: ReportName, period: Period) -> String {
        format!("{}_{}_{}.{}", report.as_str(), period.from(), period.to(), self.ending())
    }
}

/// The report in that form.
///
/// # Errors
/// As [`Form::holds`], and when the table does not fit.
pub fn written(table: &Table, meta: &Meta, (form, explain): (Form, Explain)) -> Result<Vec<u8>, Unwritable> {
    form.holds(explain)?;
    Ok(match form {
        Form::Json => {
            let mut bytes = serde_json::to_vec_pretty(&to_json(table, meta, explain))?;
            bytes.push(b'\n');
            bytes
        }
        Form::Csv(bom) => to_csv(table, bom)?,
        Form::Xlsx => to_xlsx(table, meta, explain)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_report_and_days() {
        let period = Period::parse("2026-03-01", "2026-03-31").unwrap();
        let name = |form: Form| form.file_name(ReportName::Activity, period);
        assert_eq!(name(Form::Csv(Bom::With)), "activity_2026-03-01_2026-03-31.csv");
        assert_eq!(name(Form::Xlsx), "activity_2026-03-01_2026-03-31.xlsx");
    }

    #[test]
    fn only_csv_has_no_room_for_explanations() {
        assert!(matches!(Form::Csv(Bom::With).holds(Explain::Yes), Err(Unwritable::NoRoom)));
        assert!(Form::Csv(Bom::Without).holds(Explain::No).is_ok());
        assert!(Form::Json.holds(Explain::Yes).is_ok() && Form::Xlsx.holds(Explain::Yes).is_ok());
    }
}
