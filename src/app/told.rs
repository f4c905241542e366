//! What an order was told by somebody else than its customer, as a commit: the payment platform, or a person.

use super::perform::carriers;
use super::settle::{Consequences, Setting, consequences};
use crate::domain::decision::Decision;
use crate::domain::ids::WorkId;
use crate::domain::order::Order;
use crate::domain::work::{Task, Work};
use crate::store::{Commit, Version};

/// What became of an order is worth telling for so long.
const SAY_WITHIN_SECS: i64 = 2 * 86_400;

/// The commit; what there is to say goes out as a message of its own.
pub(super) fn commit(setting: Setting<'_>, (base, mut decision): (Version, Decision), order: &Order) -> Commit {
    let now = setting.moment.now;
    let reply = std::mem::take(&mut decision.reply);
    let carriers = carriers((&setting.of.account, setting.playbook), &mut decision, now);
    if !reply.is_silent() {
        let id = WorkId::new(format!("order/{}/{}/receipt", order.number, order.state().as_str()));
        let task = if carriers.is_empty() { Task::Send(reply) } else { Task::Tell { reply, carriers } };
        decision.outbox.push(Work {
            id,
            origin: order.origin,
            due: now,
            expires: now.plus_secs(SAY_WITHIN_SECS),
            task,
        });
    }
    let Consequences { customer, facts, recorded, outbox, keep } = consequences(setting, decision);
    Commit {
        of: setting.of.clone(),
        base,
        customer,
        increments: recorded.increments,
        facts,
        outbox,
        settled: Vec::new(),
        spent: Vec::new(),
        keep,
    }
}
