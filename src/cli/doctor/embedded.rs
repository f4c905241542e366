//! The embedded store: whether it can be opened, and is whole.

use std::path::Path;

use super::finding::Findings;
use crate::store::{Spec, StoreError, embedded_health};

const MIB: u64 = 1 << 20;

pub(super) fn look(data_dir: &Path, spec: Spec, findings: &mut Findings) {
    let health = match embedded_health(data_dir, spec) {
        Ok(health) => health,
        Err(StoreError::Mismatch(why)) => {
            return findings.fault("数据库不能用于现在的设置或版本", format!("the store does not fit: {why}"));
        }
        Err(fault) => return findings.fault("数据库打不开", format!("the store cannot be opened: {fault}")),
    };
    let Some(health) = health else {
        return findings.ok("还没有数据，首次启动时建立", "there is no store yet; the first start makes one");
    };
    let mib = health.bytes.div_ceil(MIB);
    match health.damage.as_deref() {
        None => findings.ok(format!("数据库能打开，{mib} MiB"), format!("the store opens, {mib} MiB")),
        Some("ok") => findings.ok(
            format!("数据库能打开，{mib} MiB，结构完好；确认过的都已落盘"),
            format!("the store opens, {mib} MiB, and is whole; everything acknowledged is on disk"),
        ),
        Some(damage) => findings.fault(
            "数据库文件已损坏，请从备份恢复",
            format!("the store is damaged, restore it from a backup: {damage}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{PseudonymKey, open};

    fn told(dir: &Path, spec: Spec) -> (bool, String) {
        let mut findings = Findings::default();
        look(dir, spec, &mut findings);
        (findings.has_fault(), findings.to_string())
    }

    #[tokio::test]
    async fn a_store_is_looked_at_beside_the_process_that_writes_it() {
        let dir = tempfile::tempdir().unwrap();
        assert!(told(dir.path(), Spec::default()).1.contains("no store yet"));
        let store = open("embedded:", dir.path(), Spec::default(), PseudonymKey::new("k")).await.unwrap();
        let (is_fault, sentence) = told(dir.path(), Spec::default());
        assert!(!is_fault && sentence.contains("is whole"), "{sentence}");
        let (is_fault, sentence) = told(dir.path(), Spec { partitions: 8, ..Spec::default() });
        assert!(is_fault && sentence.contains("set it to 64"), "{sentence}");
        store.close().await.unwrap();
    }

    #[test]
    fn a_file_that_is_no_database_is_a_fault() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("fuwu.db"), [7; 4_096]).unwrap();
        assert!(told(dir.path(), Spec::default()).0);
    }
}
