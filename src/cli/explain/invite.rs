//! `fuwu explain invite`: by whose code a customer came and what became of that; whom they invited themselves, and how each
//! invite stands. Inviters and friends are named by keyed hashes, as in reports.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::super::customer::key;
use super::print;
use crate::app::{Clock as _, SystemClock, moment};
use crate::config::Settings;
use crate::domain::customer::Customer;
use crate::domain::fact::FactKind;
use crate::domain::ids::{AccountId, Openid};
use crate::domain::referral::drive::{Caps, Drive, Ended, Entry, Fate};
use crate::domain::referral::invite::{Standing, State};
use crate::domain::referral::refusal::Refusal;
use crate::domain::referral::terms::{ClawBack, Terms};
use crate::domain::time::BusinessDay;
use crate::growth::report::reason_words;
use crate::store::{CustomerRef, Logged, open_to_export};

/// How invites stand aside from what a campaign caps: that is the campaign's to say, and may change.
const UNCAPPED: Caps = Caps { per_day: u32::MAX, in_all: u32::MAX };

pub(super) async fn run(settings: &Settings, account: AccountId, openid: &Openid) -> anyhow::Result<ExitCode> {
    let store = open_to_export(settings.store_url.expose(), &settings.data_dir, key(settings)?).await?;
    match store.held(&CustomerRef { account, openid: openid.clone() }).await? {
        Some(held) => print(&told(&held.stored.customer, &held.facts, SystemClock.now().business_day())),
        None => {
            eprintln!("fuwu: 没有这位客户的任何资料。nothing is held on this customer");
            Ok(ExitCode::from(1))
        }
    }
}

fn told(customer: &Customer, facts: &[Logged], today: BusinessDay) -> String {
    let mut told = String::new();
    came(&mut told, customer, today);
    let mut codes = facts.iter().filter_map(|logged| match &logged.fact.what {
        FactKind::Invited(invited) => Some((logged.fact.at, invited)),
        _ => None,
    });
    if let Some(first) = codes.next() {
        told.push_str("\n每次带邀请码来 every time they came by a code\n");
        for (at, invited) in [first].into_iter().chain(codes) {
            let how = if invited.written { "填写 written" } else { "扫码 scanned" };
            let _ = write!(told, "  {}  {how}  活动 {}  邀请人 {}", moment(at), invited.campaign, invited.inviter);
            let _ =
                writeln!(told, "{}", invited.refused.map(|reason| format!("  {}", why(reason))).unwrap_or_default());
        }
    }
    for (campaign, drive) in &customer.drives {
        let _ = writeln!(told, "\n在活动 {campaign} 里邀请的朋友 friends invited in campaign {campaign}");
        let _ = writeln!(told, "  报表里的编号 in reports：{}", drive.inviter);
        invited(&mut told, drive, today);
        for (stage, right) in &drive.rights {
            let (since, state) = (moment(right.since), right.state.as_str());
            let _ = writeln!(told, "  奖励 reward {stage}  {since}  {state}");
        }
    }
    if customer.drives.is_empty() {
        told.push_str("\n没有邀请过朋友。no invites of their own\n");
    }
    told
}

/// How the customer came themselves.
fn came(told: &mut String, customer: &Customer, today: BusinessDay) {
    if let Some(at) = customer.follow.first_at {
        let _ = writeln!(told, "首次关注 first follow：{}", moment(at));
    }
    match customer.invited() {
        None => told.push_str("不是凭个人邀请码来的。did not come by a personal code\n"),
        Some(standing) => {
            let (offer, entry) = (&standing.offer, entry(&standing));
            let _ = writeln!(told, "活动 campaign：{}", offer.campaign);
            let _ = writeln!(told, "邀请人 invited by：{}", offer.inviter);
            let drive = Drive { invites: vec![entry], ..Drive::default() };
            for (entry, fate) in drive.fates(today, UNCAPPED) {
                if !matches!(fate, Fate::Refused(_)) {
                    let _ = writeln!(told, "要求 asked for：{}", asked(&offer.terms, entry));
                    let _ = writeln!(told, "定局 final：{0} 过完以后 once {0} is over", last_day(entry));
                }
                let _ = writeln!(told, "现在 now：{}", stands(entry, fate));
            }
        }
    }
    if let Some((offer, at, reason)) = customer.written_in_vain() {
        let _ = writeln!(
            told,
            "填过邀请码 wrote a code：{}  活动 {}  邀请人 {}  {}",
            moment(at),
            offer.campaign,
            offer.inviter,
            why(reason)
        );
    }
}

/// The friend's side, as the inviter's record has it: both are told the same.
fn entry(standing: &Standing) -> Entry {
    let Standing { offer, at, state } = standing;
    let Terms { within_days, hold_days, claw_back, .. } = offer.terms;
    Entry { friend: offer.friend, at: *at, revision: 0, within_days, hold_days, claw_back, state: Some(*state) }
}

fn after(entry: &Entry, days: u8) -> BusinessDay {
    entry.at.business_day().plus_days(i32::from(days))
}

fn last_day(entry: &Entry) -> BusinessDay {
    after(entry, entry.within_days.max(entry.hold_days))
}

fn asked(terms: &Terms, entry: &Entry) -> String {
    let (until, held) = (after(entry, terms.within_days), after(entry, terms.hold_days));
    let does = match (&terms.goal, terms.active_days) {
        (Some(goal), _) => format!("{until} 为止办成 {goal} an order of {goal} done by {until}"),
        (None, 0) => "来了就算达标 it is enough to come".to_owned(),
        (None, days) => format!(
            "{until} 为止有 {days} 天来过（首日不算） active on {days} day(s) up to {until}, the first one not counted"
        ),
    };
    let stays = match terms.claw_back {
        ClawBack::Never => "离开也不收回 leaving takes nothing back".to_owned(),
        ClawBack::Invite => format!("{held} 过完还没离开 has not left when {held} is over"),
    };
    format!("{does}；{stays}")
}

fn why(reason: Refusal) -> String {
    let words = reason_words(reason);
    format!("不计入：{}。does not count: {}", words.chinese, words.english)
}

fn stands(entry: &Entry, fate: Fate) -> String {
    let (qualified_on, left_on) = match entry.state {
        Some(State::Attributed { qualified_on, left_on }) => (qualified_on, left_on),
        Some(State::Refused(_)) | None => (None, None),
    };
    let on = |day: Option<BusinessDay>| day.map(|day| day.to_string()).unwrap_or_default();
    let (qualified_on, left_on) = (on(qualified_on), on(left_on));
    match fate {
        Fate::Waiting { until } => format!("还没达标，最晚 {until}。not qualified yet; there is time until {until}"),
        Fate::Held { until } => format!(
            "{qualified_on} 达标，{until} 过完还没离开就计入。qualified on {qualified_on}; counts when {until} is over and they have not left"
        ),
        Fate::Refused(reason) => why(reason),
        Fate::Ended(Ended::Counted) => format!("计入，{qualified_on} 达标。it counts; qualified on {qualified_on}"),
        Fate::Ended(Ended::OverCap) => "达标，但超过了上限。would count, but there were more than may".to_owned(),
        Fate::Ended(Ended::Left) => {
            format!("不计入：观察期内 {left_on} 离开了。does not count: left on {left_on}, within the hold")
        }
        Fate::Ended(Ended::Lapsed | Ended::Refused) => {
            let until = after(entry, entry.within_days);
            format!("不计入：到 {until} 没有达标。does not count: not qualified by {until}")
        }
    }
}

fn invited(told: &mut String, drive: &Drive, today: BusinessDay) {
    if let Some(joined) = drive.joined {
        let _ = writeln!(told, "  {}  第一次领码 asked for their code", moment(joined));
    }
    for (entry, fate) in drive.fates(today, UNCAPPED) {
        let _ = writeln!(told, "  {}  朋友 friend {}  {}", moment(entry.at), entry.friend, stands(entry, fate));
    }
    for friend in &drive.turned_away {
        let _ = writeln!(told, "  {}  朋友 friend {}  {}", moment(friend.at), friend.friend, why(friend.reason));
    }
    if let Some(through) = drive.settled.through {
        let _ = write!(told, "  {through} 及更早 up to {through}：");
        let fates = drive.settled.fates.iter().map(|(ended, count)| format!("{} {count}", ended_word(*ended)));
        let _ = writeln!(told, "{}", fates.collect::<Vec<_>>().join("，"));
    }
    told.push_str("  活动的上限另算。what the campaign caps is not looked at here\n");
}

fn ended_word(ended: Ended) -> &'static str {
    match ended {
        Ended::Counted => "计入 counted",
        Ended::OverCap => "超过上限 over the cap",
        Ended::Left => "离开 left",
        Ended::Lapsed => "没有达标 not qualified",
        Ended::Refused => "拒绝 refused",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::referral::drive::{Settled, TurnedAway};
    use crate::domain::referral::invite::Offer;
    use crate::domain::referral::news::News;
    use crate::domain::referral::reward::{Right, RightState};
    use crate::domain::referral::{Friend, Inviter};
    use crate::domain::time::UnixSecs;

    /// 2026-03-02, a Monday.
    const CAME: UnixSecs = UnixSecs(1_772_416_800);

    fn day(n: i32) -> BusinessDay {
        CAME.business_day().plus_days(n)
    }

    fn terms() -> Terms {
        Terms { active_days: 1, within_days: 7, hold_days: 10, ..Terms::default() }
    }

    fn friend(terms: Terms, refused: Option<Refusal>) -> Customer {
        let mut customer = Customer::default();
        customer.follow.first_at = Some(CAME);
        customer.follow.first_offer = Some(Box::new(Offer {
            campaign: "spring".into(),
            code: "i_x".into(),
            inviter: Inviter(0xa1),
            since: UnixSecs(5),
            friend: Friend(0xb2),
            terms,
            refused,
        }));
        customer
    }

    fn now(customer: &Customer, today: i32) -> String {
        let told = told(customer, &[], day(today));
        told.lines().find_map(|line| line.strip_prefix("现在 now：")).unwrap_or_default().to_owned()
    }

    #[test]
    fn a_friend_is_told_by_whom_they_came_what_was_asked_and_when_it_is_final() {
        let mut customer = friend(terms(), None);
        insta::assert_snapshot!(told(&customer, &[], day(3)), @r"
        首次关注 first follow：2026-03-02 10:00:00 +08:00
        活动 campaign：spring
        邀请人 invited by：00000000000000a1
        要求 asked for：2026-03-09 为止有 1 天来过（首日不算） active on 1 day(s) up to 2026-03-09, the first one not counted；2026-03-12 过完还没离开 has not left when 2026-03-12 is over
        定局 final：2026-03-12 过完以后 once 2026-03-12 is over
        现在 now：还没达标，最晚 2026-03-09。not qualified yet; there is time until 2026-03-09

        没有邀请过朋友。no invites of their own
        ");
        assert!(now(&customer, 8).contains("到 2026-03-09 没有达标"));
        customer.invite.qualified_on = Some(day(2));
        assert!(now(&customer, 10).starts_with("2026-03-04 达标，2026-03-12 过完还没离开就计入"));
        assert!(now(&customer, 11).starts_with("计入，2026-03-04 达标。it counts"));
        customer.follow.first_left = Some(day(10));
        assert!(now(&customer, 11).starts_with("不计入：观察期内 2026-03-12 离开了"));
        let never = friend(Terms { claw_back: ClawBack::Never, active_days: 0, ..terms() }, None);
        assert!(told(&never, &[], day(0)).contains("来了就算达标 it is enough to come；离开也不收回"));
        let goal = friend(Terms { goal: Some("buy".into()), ..terms() }, None);
        let asked = told(&goal, &[], day(0));
        assert!(asked.contains("为止办成 buy") && asked.contains("过完还没离开"), "{asked}");
    }

    #[test]
    fn a_refused_invite_says_why_in_words_for_both_and_promises_nothing() {
        for reason in Refusal::ALL {
            let told = told(&friend(terms(), Some(reason)), &[], day(3));
            let words = reason_words(reason);
            assert!(told.contains(words.chinese) && told.contains(words.english), "{told}");
            assert!(!told.contains("要求") && !told.contains("定局"), "{told}");
        }
        let mut late = friend(terms(), None);
        let offer = *late.follow.first_offer.take().unwrap();
        late.invite.written = Some((CAME.plus_secs(90_000), offer));
        let told = told(&late, &[], day(3));
        assert!(told.contains("不是凭个人邀请码来的") && told.contains("关注超过一天才填邀请码"), "{told}");
    }

    #[test]
    fn an_inviter_sees_every_invite_as_its_friend_does() {
        let friend = friend(terms(), None);
        let mut drive = Drive { joined: Some(CAME.plus_secs(-60)), ..Drive::default() };
        let state = friend.invited().map(|standing| standing.state);
        let news = |friend, state| News {
            campaign: "spring".into(),
            friend: Friend(friend),
            at: CAME,
            terms: terms(),
            state,
            revision: 1,
        };
        drive.hear(&news(0xb2, state));
        drive.hear(&news(0xb3, Some(State::Refused(Refusal::OwnCode))));
        drive.turn_away(TurnedAway { friend: Friend(0xb4), at: CAME, reason: Refusal::NotNew });
        drive.settled =
            Settled { through: Some(day(-90)), fates: BTreeMap::from([(Ended::Counted, 4), (Ended::Left, 1)]) };
        drive.inviter = Inviter(0xa1);
        drive.rights.insert("first".into(), Right { since: CAME, state: RightState::Given(None) });
        let inviter = Customer { drives: BTreeMap::from([("spring".into(), drive)]), ..Customer::default() };
        let both = [told(&inviter, &[], day(3)), now(&friend, 3)];
        insta::assert_snapshot!(both[0], @r"
        不是凭个人邀请码来的。did not come by a personal code

        在活动 spring 里邀请的朋友 friends invited in campaign spring
          报表里的编号 in reports：00000000000000a1
          2026-03-02 09:59:00 +08:00  第一次领码 asked for their code
          2026-03-02 10:00:00 +08:00  朋友 friend 00000000000000b2  还没达标，最晚 2026-03-09。not qualified yet; there is time until 2026-03-09
          2026-03-02 10:00:00 +08:00  朋友 friend 00000000000000b3  不计入：用的是自己的邀请码。does not count: it was their own code
          2026-03-02 10:00:00 +08:00  朋友 friend 00000000000000b4  不计入：朋友以前关注过，再回来不算新朋友。does not count: the friend has followed before; who comes back is not new
          2025-12-02 及更早 up to 2025-12-02：计入 counted 4，离开 left 1
          活动的上限另算。what the campaign caps is not looked at here
          奖励 reward first  2026-03-02 10:00:00 +08:00  given
        ");
        assert!(both[0].contains(&both[1]));
    }
}
