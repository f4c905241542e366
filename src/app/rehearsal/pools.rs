//! The pools of a rehearsal: nobody else wants anything of them.

use std::collections::BTreeMap;

use crate::domain::ids::PoolKey;
use crate::domain::playbook::Playbook;
use crate::domain::pool::{Later, Pool, Wish};
use crate::domain::question::{Answer, Question};
use crate::domain::time::UnixSecs;

/// What of each pool is held and taken.
#[derive(Debug, Default)]
pub(super) struct Pools(BTreeMap<PoolKey, Pool>);

impl Pools {
    /// The answer to a question of our own; `None` for every other.
    pub fn answer(&mut self, playbook: &Playbook, question: &Question, now: UnixSecs) -> Option<Answer> {
        let Some((key, wish)) = Wish::read(question) else { return Later::answer(question) };
        let rule = playbook.pools.get(&key);
        Some(wish.fulfil(self.0.entry(key).or_default(), (rule, now)))
    }
}
