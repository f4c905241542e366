//! Room on the disk of `data_dir`, where the embedded store and the journal of deliveries live.

use std::path::Path;

use super::finding::Findings;

const MIB: u64 = 1 << 20;
/// Below this nothing may be written soon, and below that somebody should know.
const NONE_MIB: u64 = 64;
const LITTLE_MIB: u64 = 1_024;

pub(super) fn look(data_dir: &Path, findings: &mut Findings) {
    // Before the first start the folder is not there yet; its disk is.
    let there = data_dir.ancestors().find(|dir| dir.exists()).unwrap_or_else(|| Path::new("."));
    match rustix::fs::statvfs(there) {
        Ok(disk) => told(disk.f_bavail.saturating_mul(disk.f_frsize) / MIB, &data_dir.display().to_string(), findings),
        Err(error) => findings.warning(
            format!("看不到 {} 所在磁盘还剩多少", data_dir.display()),
            format!("the room on the disk of {} cannot be seen: {error}", data_dir.display()),
        ),
    }
}

fn told(free_mib: u64, dir: &str, findings: &mut Findings) {
    let english = format!("{free_mib} MiB are free for {dir}");
    match free_mib {
        ..NONE_MIB => findings.fault(
            format!("{dir} 所在磁盘只剩 {free_mib} MiB，很快什么都写不进去，请腾出空间"),
            format!("{english}, soon nothing can be written: make room"),
        ),
        NONE_MIB..LITTLE_MIB => findings.warning(
            format!("{dir} 所在磁盘只剩 {free_mib} MiB，请尽快腾出空间"),
            format!("{english}: make room soon"),
        ),
        _ => findings.ok(format!("{dir} 所在磁盘还剩 {free_mib} MiB"), english),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_a_fault_and_a_nearly_full_one_a_warning() {
        for (free_mib, says) in [(0, "故障"), (63, "故障"), (64, "注意"), (1_023, "注意"), (1_024, "正常")] {
            let mut findings = Findings::default();
            told(free_mib, "data", &mut findings);
            assert!(findings.to_string().starts_with(says), "{findings}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_looked_for_on_its_disk() {
        let dir = tempfile::tempdir().unwrap();
        for data_dir in [dir.path().join("not/yet"), "data".into()] {
            let mut findings = Findings::default();
            look(&data_dir, &mut findings);
            assert!(findings.to_string().contains("MiB are free"), "{findings}");
        }
    }
}
