//! Whether a channel that somebody asks about is one.

use super::table::{Cell, Table};
use crate::domain::channel::Channels;
use crate::domain::ids::Channel;

/// Nobody came by such a channel, and the playbook has none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no channel `{asked}`; there are: {known}")]
pub struct UnknownChannel {
    asked: Channel,
    known: String,
}

/// Refuses a channel that is neither of the playbook nor has any number: one that the playbook named once keeps its
/// numbers, and they can be read.
///
/// # Errors
/// Names the channels that there are.
pub fn known_channel(asked: Option<&Channel>, table: &Table, channels: &Channels) -> Result<(), UnknownChannel> {
    let Some(asked) = asked else { return Ok(()) };
    let counts = |cell: &Cell| matches!(cell, Cell::Count(count) if *count != 0);
    let named = channels.0.contains_key(asked) || [Channel::OTHER, ""].contains(&asked.as_str());
    if named || table.rows.iter().flatten().any(counts) {
        return Ok(());
    }
    let known = channels.0.keys().map(Channel::as_str).chain([Channel::OTHER]).collect::<Vec<_>>().join(", ");
    Err(UnknownChannel { asked: asked.clone(), known })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::channel::ChannelRule;

    #[test]
    fn a_channel_is_one_of_the_playbook_or_one_with_numbers() {
        let channels = Channels(BTreeMap::from([("store".into(), ChannelRule::default())]));
        let table = |count| Table { rows: vec![vec![Cell::Unknown, Cell::Count(count)]], ..Table::default() };
        let known = |asked: &str, count| known_channel(Some(&asked.into()), &table(count), &channels);
        assert_eq!((known("store", 0), known("other", 0), known("", 0)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(known("a former one", 2), Ok(()));
        let told = known("sotre", 0).unwrap_err().to_string();
        assert_eq!(told, "there is no channel `sotre`; there are: store, other");
        assert_eq!(known_channel(None, &table(0), &channels), Ok(()));
    }
}
