//! Beside the embedded store: a journal that was kept for a store on Redis.

use std::path::Path;

use super::finding::Findings;
use crate::app::left_in_journal;
use crate::domain::time::UnixSecs;
use crate::store::PseudonymKey;

/// The embedded store needs no journal, so what stands in one was meant for another store.
pub(super) async fn look((data_dir, key): (&Path, PseudonymKey), now: UnixSecs, findings: &mut Findings) {
    match left_in_journal((&data_dir.join("journal"), key), None, now).await {
        Ok(0) => {}
        Ok(left) => findings.warning(
            format!(
                "收信日志里有 {left} 条一天内的推送，是用 Redis 时收下的，本机数据库不会读它；没有用 fuwu store copy \
                 从 Redis 搬过来的，请换回原来的 store.url 启动，等它补完再搬"
            ),
            format!(
                "the journal holds {left} deliveries of the last day, accepted while the store was on Redis, and the \
                 embedded store never reads it; if they were not brought here by `fuwu store copy`, start with that \
                 store.url again, let it catch up, then copy"
            ),
        ),
        Err(fault) => findings.warning(
            "收信日志读不出来，不知道里面还有没有没入库的推送",
            format!("whether a journal holds deliveries that the store does not have cannot be told: {fault}"),
        ),
    }
}
