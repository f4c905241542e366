//! Any report that is kept by channel, told apart by it: a customer belongs to the channel of their first follow ever
//! (growth.md 1.8), so the rows of all channels add up to the plain report.

use super::draft::Draft;
use super::table::{Cell, Column, ColumnKind};
use super::{Asked, By};
use crate::domain::ids::Channel;
use crate::growth::counters::Counters;

/// `drafted` of each channel, one below the other. A channel without any number has no rows.
pub(super) fn told_apart(asked: &Asked, counters: &Counters, drafted: impl Fn(&Asked, &Counters) -> Draft) -> Draft {
    let of = |channel: &str| {
        let channel = Channel::new(channel);
        let asked = Asked { by: By::Nothing, channel: Some(channel.clone()), ..asked.clone() };
        drafted(&asked, &counters.of_channel(&channel))
    };
    // Only for its columns and remarks, which are the same for every channel.
    let Draft { mut columns, mut remarks, .. } = of("");
    let mut rows = Vec::new();
    for channel in counters.channels() {
        let draft = of(channel);
        if !draft.rows.iter().flat_map(|row| &row.entries).any(|entry| entry.count().is_some_and(|count| count != 0)) {
            continue;
        }
        rows.extend(draft.rows.into_iter().map(|mut row| {
            row.entries.insert(0, Cell::Text(channel.to_owned()).into());
            row
        }));
    }
    let channel = Column::plain(ColumnKind::Text, "channel", "渠道");
    columns.insert(0, channel.meaning("客户第一次关注时的渠道，以后不变；空白是没有渠道码，other 是其他码。"));
    remarks.push("按渠道分开：每位客户只属于第一次关注的渠道，各渠道相加就是全部。".to_owned());
    Draft { columns, rows, remarks }
}
