//! What a person reads at the end of a replay.

use std::fmt::Write as _;

use crate::app::replay::{Listed, Progress, Tallies};

pub(super) const APPLIED_BEFORE: &str =
    "这个文件已经全部回放过，没有新的行 this file was applied before, nothing is new";

/// The lines that could not be used.
pub(super) fn listed(progress: &Progress) -> String {
    let mut told = String::new();
    for Listed { line, cause } in &progress.listed {
        // Writing to a String cannot fail.
        let _ = writeln!(told, "line {line}: {cause}");
    }
    let more = progress.tallies.unusable.saturating_sub(progress.listed.len() as u64);
    if more > 0 {
        let _ = writeln!(told, "… and {more} more");
    }
    told
}

/// What came of all lines.
pub(super) fn tallies(progress: &Progress) -> String {
    let Tallies { read, applied, duplicates, late, quarantined, unusable, kept, backwards, .. } = progress.tallies;
    let Tallies { messages, questions, orders, .. } = progress.tallies;
    let mut told = format!(
        "read          {read:>10}  读到的推送\n\
         applied       {applied:>10}  已处理并计数\n\
         duplicates    {duplicates:>10}  重复推送，不再计数\n\
         late          {late:>10}  晚到但已计入当天（含在 applied 里）\n\
         quarantined   {quarantined:>10}  太晚或来自未来，不计入\n\
         unusable      {unusable:>10}  不能用的行，其中 {kept} 行已存入隔离区\n\
         not performed {:>10}  没有对外执行：消息 {messages}，查询 {questions}，办理 {orders}\n",
        messages + questions + orders,
    );
    if backwards > 0 {
        let _ = writeln!(told, "backwards     {backwards:>10}  到达时间早于前面的行");
    }
    told
}
