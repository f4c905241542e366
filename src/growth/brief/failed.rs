//! Identities that do not hold, in words an operator reads.

use crate::growth::identities::Broken;

/// One line: the day, what should hold, and both sides.
pub fn told(broken: &Broken) -> String {
    let Broken { day, identity, left, right } = broken;
    format!("{day} {}：{left} 对 {right}", words(identity))
}

fn words(identity: &str) -> &str {
    match identity {
        "active = active of all cohorts" => "日活应等于各批新客当天活跃之和",
        "new = cohort of the day" => "新增活跃应等于当天这批新客的人数",
        "cohort = its customers by latest day" => "一批新客应等于按最近活跃日分开的人数之和",
        "messages = messages of all hours" => "消息应等于各小时之和",
        "follows = first follows + re-follows" => "关注应等于首次加再次关注",
        "messages = messages of all playbooks" => "消息应等于各配置版本之和",
        "unanswered <= messages" => "没答上的不应多于消息",
        "unfollows = spells ended" => "取关应等于当天结束的关注",
        "active <= messages" => "日活不应多于消息",
        "returning <= active of the day before" => "连续活跃不应多于前一天日活",
        "resurrected >= 0" => "回流不应为负",
        "followers >= 0" => "粉丝不应为负",
        "active followers >= 0" => "活跃粉丝不应为负",
        "active followers <= followers" => "活跃粉丝不应多于粉丝",
        // A check that is younger than these words is still told.
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::BusinessDay;
    use crate::growth::counter::{CounterKey, GAP_FIRST, Metric};
    use crate::growth::counters::Counters;
    use crate::growth::identities::check_identities;

    #[test]
    fn every_identity_that_can_fail_is_told_in_chinese() {
        let cells = [
            (Metric::Gap, 10, GAP_FIRST, -3),
            (Metric::Gap, 10, 1, 9),
            (Metric::Retained, 10, 0, 5),
            (Metric::Latest, 10, 0, 1),
            (Metric::Messages, 10, 0, 2),
            (Metric::Unanswered, 10, 0, 6),
            (Metric::Follows, 10, 0, 4),
            (Metric::FirstFollows, 10, 0, 1),
            (Metric::Unfollows, 10, 0, 7),
            (Metric::ActiveFollowers, 10, 0, -9),
            (Metric::ActiveFollowers, 11, 0, 99),
        ];
        let key = |metric, a, b| CounterKey { metric, a, b, dimension: String::new() };
        let counters: Counters = cells.into_iter().map(|(metric, a, b, by)| (key(metric, a, b), by)).collect();
        let broken = check_identities(&counters, BusinessDay(10), BusinessDay(11));
        assert!(broken.len() >= 12, "{broken:?}");
        for line in broken.iter().map(told) {
            assert!(line.chars().all(|c| !c.is_ascii_alphabetic()), "{line}");
        }
        let one = Broken { day: BusinessDay(0), identity: "followers >= 0", left: 0, right: -2 };
        assert_eq!(told(&one), "1970-01-01 粉丝不应为负：0 对 -2");
    }
}
