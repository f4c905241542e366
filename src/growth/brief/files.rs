//! A report as files, by how their names end.

use super::value::Brief;
use crate::growth::report::{Bom, to_csv};

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// As JSON.
    #[error("as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// As CSV.
    #[error("as CSV: {0}")]
    Csv(#[from] csv::Error),
}

impl Brief {
    /// Every file of the report: how its name ends, and its bytes.
    ///
    /// # Errors
    /// When a format cannot hold it.
    pub fn files(&self) -> Result<Vec<(&'static str, Vec<u8>)>, Unwritten> {
        let mut json = serde_json::to_vec_pretty(&self.json()?)?;
        json.push(b'\n');
        let mut files = vec![
            ("txt", format!("{}\n", self.text()).into_bytes()),
            ("md", format!("{}\n", self.markdown()).into_bytes()),
            ("json", json),
        ];
        if let Some(table) = self.tables().first() {
            files.push(("csv", to_csv(table, Bom::With)?));
        }
        Ok(files)
    }
}
