//! Everything held on one customer, for whoever has a right to see it.

use serde_json::{Map, Value, json};

use crate::domain::customer::{Activity, Customer, Follow};
use crate::domain::ids::OrderNumber;
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::domain::value::Value as Kept;
use crate::store::{CustomerRef, Erasure, Logged, Store, StoreError};

/// Everything held on one customer as JSON; `None` when there is nothing.
pub async fn export_customer(store: &dyn Store, of: &CustomerRef) -> Result<Option<Value>, StoreError> {
    let Some(mut held) = store.held(of).await? else { return Ok(None) };
    let values = held.stored.customer.values_mut().chain(held.outbox.iter_mut().flat_map(|work| work.values_mut()));
    values.for_each(in_clear);
    let record = (held.stored.version.0 > 0).then(|| record(&held.stored.customer));
    let quarantined = held.quarantined.iter().map(|entry| {
        json!({
            "arrived": moment(entry.arrived),
            "reason": entry.reason,
            "body": String::from_utf8_lossy(&entry.body),
        })
    });
    Ok(Some(json!({
        "account": of.account,
        "openid": of.openid,
        "record": record,
        "facts": held.facts.iter().map(fact).collect::<Vec<_>>(),
        "outgoing": held.outbox,
        "quarantined": quarantined.collect::<Vec<_>>(),
    })))
}

/// Who has a right to see it sees it whole.
fn in_clear(value: &mut Kept) {
    if let Kept::Private(private) = value {
        *value = Kept::from(private.clear());
    }
}

/// What came of erasing a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erased {
    /// Nothing of them is left.
    Gone,
    /// Nothing was held.
    Nobody,
    /// They are kept: these orders and forms of theirs are under way, and money or a service is owed.
    UnderWay(Vec<OrderNumber>),
}

/// Erases a customer for good, unless something is owed to them.
///
/// # Errors
/// As the store answers.
pub async fn erase_customer(store: &dyn Store, of: &CustomerRef) -> Result<Erased, StoreError> {
    loop {
        match store.erase_unless(of, |customer| !customer.owed().is_empty()).await? {
            Erasure::Gone => return Ok(Erased::Gone),
            Erasure::Nobody => return Ok(Erased::Nobody),
            Erasure::Spared => {
                let owed = store.load(of).await?.customer.owed();
                // What was under way has ended meanwhile.
                if !owed.is_empty() {
                    return Ok(Erased::UnderWay(owed));
                }
            }
        }
    }
}

fn record(customer: &Customer) -> Value {
    let Customer { recent, follow, activity, tapped, windows, notes, dialogue, with_agent_since, .. } = customer;
    let Customer { memory, ways, orders, numbers, invite, drives, points, .. } = customer;
    let tapped = tapped.iter().map(|tapped| json!({ "key": tapped.key_hash, "days": days(&tapped.days) }));
    json!({
        "follow": of_follow(follow),
        "active_days": activity.as_ref().map(days),
        "tapped": tapped.collect::<Vec<_>>(),
        "recent_deliveries": recent,
        "reachable": windows,
        "ways": ways,
        "notes": notes,
        "dialogue": dialogue,
        "with_agent_since": with_agent_since.map(moment),
        "remembered": memory,
        "orders": orders,
        "numbers": numbers,
        "came_by_code": invite,
        "invites": drives,
        "points": points,
    })
}

fn of_follow(follow: &Follow) -> Value {
    let mut told = match json!(follow) {
        Value::Object(told) => told,
        _ => Map::new(),
    };
    for (name, day) in [("first_day", follow.first_day), ("spell_day", follow.spell_day)] {
        told.insert(name.into(), json!(day.map(|day| day.to_string())));
    }
    told.insert("changed_at".into(), json!(follow.changed_at.map(moment)));
    Value::Object(told)
}

/// The first active day ever, and every one that is known.
fn days(activity: &Activity) -> Value {
    let back = (0..128).filter(|back| activity.bits >> back & 1 == 1);
    let mut known: Vec<BusinessDay> = back.map(|back| activity.last.plus_days(-back)).collect();
    known.push(activity.first);
    known.sort_unstable();
    known.dedup();
    json!(known.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn fact(logged: &Logged) -> Value {
    let fact = &logged.fact;
    json!({
        "seq": logged.seq,
        "day": fact.at.business_day().to_string(),
        "at": moment(fact.at),
        "arrived": moment(fact.arrived),
        "playbook": fact.playbook,
        "what": fact.what,
    })
}

/// A time as people read it, in +08:00.
pub fn moment(at: UnixSecs) -> String {
    let secs = at.0.saturating_sub(at.business_day().start().0);
    format!("{} {:02}:{:02}:{:02} +08:00", at.business_day(), secs / 3600, secs / 60 % 60, secs % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::private::Private;

    #[test]
    fn days_are_written_as_days_the_first_one_ever_included() {
        let day = |text| BusinessDay::parse(text).unwrap();
        let activity = Activity { first: day("2025-01-01"), last: day("2026-03-02"), bits: 0b101 };
        assert_eq!(days(&activity), json!(["2025-01-01", "2026-02-28", "2026-03-02"]));
        let oldest = Activity { first: day("2026-01-01"), last: day("2026-01-01"), bits: 1 << 127 | 1 };
        assert_eq!(days(&oldest).as_array().unwrap().len(), 2);
    }

    #[test]
    fn everything_of_a_record_is_exported() {
        let mut customer = Customer::default();
        customer.points.earn("R1", 50, (BusinessDay(20_000), BusinessDay(20_365)));
        customer.drives.insert("spring".into(), Default::default());
        customer.invite.told = 3;
        let told = record(&customer);
        let kept = json!(customer).as_object().unwrap().len();
        assert_eq!(told.as_object().unwrap().len(), kept, "a field was left out");
        assert_eq!((&told["came_by_code"]["told"], &told["points"][0]["points"]), (&json!(3), &json!(50)));
        assert!(told["invites"]["spring"].is_object());
    }

    #[test]
    fn what_is_private_is_exported_in_clear() {
        let mut number = Kept::Private(Private::new("13800138000"));
        in_clear(&mut number);
        assert_eq!(json!(number), json!({ "Text": "13800138000" }));
        let mut sealed = Kept::Sealed(vec![1]);
        in_clear(&mut sealed);
        assert_eq!(sealed, Kept::Sealed(vec![1]));
    }

    #[test]
    fn a_moment_is_told_in_the_zone_of_the_reports() {
        assert_eq!(moment(UnixSecs(1_767_196_799)), "2025-12-31 23:59:59 +08:00");
    }
}
