//! A report as files, by how their names end.

use super::value::Brief;
use crate::growth::report::{Bom, to_csv, to_xlsx_book};

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// As JSON.
    #[error("as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// As CSV.
    #[error("as CSV: {0}")]
    Csv(#[from] csv::Error),
    /// As a workbook.
    #[error("as a workbook: {0}")]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BriefForm {
    /// For a chat or a mail.
    Text,
    /// For a group robot.
    Markdown,
    /// For programs.
    Json,
    /// The first table, for spreadsheets and programs.
    Csv(Bom),
    /// All tables, a sheet each.
    Xlsx,
}

impl BriefForm {
    /// Those a report is filed in.
    pub const FILED: [Self; 5] = [Self::Text, Self::Markdown, Self::Json, Self::Csv(Bom::With), Self::Xlsx];

    /// How the names of such files end.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Markdown => "md",
            Self::Json => "json",
            Self::Csv(_) => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

impl Brief {
    /// The report in that form.
    ///
    /// # Errors
    /// When the form cannot hold it.
    pub fn written(&self, form: BriefForm) -> Result<Vec<u8>, Unwritten> {
        Ok(match form {
            BriefForm::Text => (self.text() + "\n").into_bytes(),
            BriefForm::Markdown => (self.markdown() + "\n").into_bytes(),
            BriefForm::Json => {
                let mut json = serde_json::to_vec_pretty(self)?;
                json.push(b'\n');
                json
            }
            BriefForm::Csv(bom) => match self.tables().first() {
                Some((_, table)) => to_csv(table, bom)?,
                None => Vec::new(),
            },
            BriefForm::Xlsx => to_xlsx_book(&self.tables(), &self.meta())?,
        })
    }
}
