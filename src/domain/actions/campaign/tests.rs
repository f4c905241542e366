use super::super::desk::{Desk, said};
use super::*;
use crate::domain::actions::Memory;
use crate::domain::fact::{FactKind, Invited};
use crate::domain::ids::WorkId;
use crate::domain::referral::Friend;
use crate::domain::referral::drive::{Ended, Fate};
use crate::domain::referral::invite::State;
use crate::domain::referral::news::News;
use crate::domain::referral::refusal::Refusal;
use crate::domain::referral::reward::RightState;
use crate::domain::time::{BusinessDay, UnixSecs};

const CODE: &str = "i_code";

fn campaign(more: &str) -> Campaign {
    toml::from_str(&format!(
        "title = \"春天\"\nstarts = \"2026-01-01\"\nends = \"2026-03-31\"\nmine = [\"我的邀请\"]\n{more}"
    ))
    .unwrap()
}

const STAGES: &str = r#"
[terms]
hold_days = 7
[[stage]]
key = "one"
friends = 1
title = "积分"
points = 50
cost_fen = 30
[[stage]]
key = "two"
friends = 2
title = "月卡"
pool = "cards"
[[stage]]
key = "three"
friends = 3
title = "流量"
connector = "give"
"#;

fn desk(campaign: &Campaign) -> Desk<'_> {
    let mut desk = Desk::new(campaign);
    desk.code = Some(CODE.into());
    desk
}

fn word(friend: u64, at: UnixSecs, state: State, revision: u32) -> Word {
    let terms = Terms { hold_days: 7, within_days: 7, ..Terms::default() };
    Word::Stands(News { campaign: "demo".into(), friend: Friend(friend), at, terms, state: Some(state), revision })
}

fn came(at: UnixSecs) -> State {
    State::Attributed { qualified_on: Some(at.business_day()), left_on: None }
}

/// The friend comes; what the inviter's record makes of it.
fn hear(desk: &mut Desk<'_>, campaign: &Campaign, word: &Word) -> Outcome {
    let entry = Entry::Opened { words: "" };
    let out = campaign.hear(&desk.view(&entry), (word, Inviter(7)));
    keep(desk, &out);
    out
}

fn keep(desk: &mut Desk<'_>, out: &Outcome) {
    if let Some(drive) = &out.drive {
        desk.customer.drives.insert("demo".into(), drive.clone());
    }
    if let Some(points) = &out.points {
        desk.customer.points = points.clone();
    }
}

/// The look that is due, at its time.
fn look(desk: &mut Desk<'_>, campaign: &Campaign, work: &Work) -> Outcome {
    desk.now = desk.now.max(work.due);
    let Task::Ask { memo, question, .. } = &work.task else { panic!("{work:?}") };
    let answer = desk.at_the_pool(question).unwrap_or(Answer::Loaded(Values::new()));
    let entry = Entry::Opened { words: "" };
    let out = campaign.resume(&desk.view(&entry), memo, &answer);
    keep(desk, &out);
    out
}

fn drive<'a>(desk: &'a Desk<'_>) -> &'a Drive {
    &desk.customer.drives[&"demo".into()]
}

#[test]
fn whoever_asks_gets_their_code_with_or_without_a_picture() {
    let plain = campaign("");
    let mut desk = desk(&plain);
    let out = desk.tap();
    assert!(said(&out).contains(CODE) && said(&out).contains("春天"), "{}", said(&out));
    assert_eq!((out.outbox.len(), drive(&desk).joined), (0, Some(desk.now)));
    let pictured = campaign("poster = { picture = \"a.png\", left = 1, top = 1, side = 200 }");
    let mut desk = self::desk(&pictured);
    let out = desk.tap();
    assert!(!said(&out).contains(CODE), "it is on the picture");
    let [Work { task: Task::Poster { scene, alone, .. }, .. }] = &out.outbox[..] else { panic!("{out:?}") };
    assert_eq!(scene.as_str(), CODE);
    assert!(matches!(alone, Reply::Text(text) if text.contains(CODE)), "for where there is no picture");
}

#[test]
fn before_and_after_its_days_it_says_so_and_makes_no_code() {
    let campaign = campaign(STAGES);
    for (day, words) in [("2025-12-31", "2026-01-01 开始"), ("2026-04-01", "已经结束")] {
        let mut desk = desk(&campaign);
        desk.now = BusinessDay::parse(day).unwrap().start().plus_secs(3600);
        let entry = Entry::Opened { words: "" };
        assert_eq!(campaign.needs(&desk.view(&entry)), Needs::default());
        let out = desk.tap();
        assert!(said(&out).contains(words) && out.drive.is_none(), "{day}: {}", said(&out));
    }
}

#[test]
fn a_friend_is_greeted_and_who_is_none_hears_why() {
    let campaign = campaign("");
    let desk = desk(&campaign);
    let entry = Entry::Opened { words: "" };
    let greeted = |refused, followed_at: Option<UnixSecs>| {
        let invited = Invited {
            campaign: "demo".into(),
            inviter: Inviter(1),
            since: UnixSecs(1),
            friend: Friend(2),
            terms: Terms::default(),
            refused,
            written: false,
            code: CODE.into(),
        };
        let mut customer = desk.customer.clone();
        customer.follow.first_at = followed_at;
        let view = View { invited: Some(&invited), customer: &customer, ..desk.view(&entry) };
        said(&campaign.decide(&view, &Given::default()))
    };
    assert!(greeted(None, None).contains("应好友邀请"));
    assert!(greeted(None, Some(UnixSecs(5))).contains("以前关注过"));
    for reason in Refusal::ALL {
        let heard = greeted(Some(reason), None);
        assert!(heard.contains(shown::reason_to_friend(reason)) && heard.contains("欢迎"), "{heard}");
    }
}

#[test]
fn news_are_bundled_and_told_once_and_what_ripens_is_given() {
    let campaign = campaign(STAGES);
    let mut desk = desk(&campaign);
    let at = desk.now;
    let first = hear(&mut desk, &campaign, &word(1, at, came(at), 1));
    let second = hear(&mut desk, &campaign, &word(2, at.plus_secs(1), came(at), 1));
    assert_eq!((first.outbox.len(), second.outbox.len()), (1, 0), "one look for both");
    assert_eq!(hear(&mut desk, &campaign, &word(2, at.plus_secs(1), came(at), 1)), Outcome::default(), "said again");
    let out = look(&mut desk, &campaign, &first.outbox[0]);
    assert!(said(&out).contains("2 位好友扫您的码关注了"), "{}", said(&out));
    let [ripe] = &out.outbox[..] else { panic!("{out:?}") };
    assert_eq!(ripe.due.business_day(), at.business_day().plus_days(8), "the morning after the hold");
    let out = look(&mut desk, &campaign, ripe);
    let told = said(&out);
    assert!(told.contains("2 位好友算数了") && told.contains("积分：已发放"), "{told}");
    assert!(!told.contains("月卡：正在"), "what is asked for elsewhere is told when it comes: {told}");
    assert_eq!(desk.customer.points.balance(desk.now.business_day()), 50);
    let rewarded = FactKind::Rewarded(Box::new(crate::domain::fact::Rewarded {
        campaign: "demo".into(),
        stage: "one".into(),
        cost_fen: 30,
    }));
    assert_eq!(out.facts, [rewarded]);
    let [asked] = &out.outbox[..] else { panic!("{out:?}") };
    assert_eq!(asked.id.as_str(), format!("reward/{}", number("two")));
    let again = look(&mut desk, &campaign, ripe);
    assert_eq!((again.outbox.len(), again.facts.len()), (0, 0), "a look twice gives nothing twice");
}

fn number(stage: &str) -> String {
    crate::domain::referral::reward::number(&"demo".into(), Inviter(7), stage)
}

fn with_friends(desk: &mut Desk<'_>, campaign: &Campaign, friends: u64) -> Outcome {
    let at = desk.now;
    let mut works = Vec::new();
    for friend in 0..friends {
        let nth = i64::try_from(friend).unwrap();
        works.extend(hear(desk, campaign, &word(friend, at.plus_secs(nth), came(at), 1)).outbox);
    }
    let ripe = look(desk, campaign, &works[0]).outbox.remove(0);
    look(desk, campaign, &ripe)
}

#[test]
fn a_card_of_the_pool_is_told_and_an_empty_pool_too() {
    let campaign = campaign(STAGES);
    for (denied, state, told) in [
        (None, RightState::Given(Some("VIP-1".into())), "月卡：已发放，VIP-1"),
        (Some("empty"), RightState::Failed("empty".into()), "月卡：暂时发完了"),
    ] {
        let mut desk = desk(&campaign);
        let asked = with_friends(&mut desk, &campaign, 2).outbox.remove(0);
        let Task::Ask { memo, .. } = &asked.task else { panic!("{asked:?}") };
        let values = match denied {
            None => Values::from([("got".to_owned(), Value::from("VIP-1"))]),
            Some(why) => Values::from([("denied".to_owned(), Value::from(why))]),
        };
        let entry = Entry::Opened { words: "" };
        let out = campaign.resume(&desk.view(&entry), memo, &Answer::Loaded(values.clone()));
        keep(&mut desk, &out);
        assert_eq!(drive(&desk).rights["two"].state, state);
        assert!(said(&out).contains(told), "{}", said(&out));
        assert_eq!(out.facts.len(), usize::from(denied.is_none()));
        let twice = campaign.resume(&desk.view(&entry), memo, &Answer::Loaded(values));
        assert_eq!((twice.reply, twice.facts), (Reply::Silent, vec![]), "an answer that comes twice says nothing");
        if denied.is_some() {
            // It is asked for again in the morning, without a word until there is one.
            let again = look(&mut desk, &campaign, &out.outbox[0]);
            let asked = again.outbox.iter().find(|work| work.id.as_str().starts_with("reward/")).unwrap();
            assert_eq!(
                (asked.id.clone(), again.reply),
                (WorkId::new(format!("reward/{}", number("two"))), Reply::Silent)
            );
            let got = Answer::Loaded(Values::from([("got".to_owned(), Value::from("VIP-2"))]));
            let out = campaign.resume(&desk.view(&entry), memo, &got);
            assert!(said(&out).contains("月卡：已发放，VIP-2"), "{}", said(&out));
        }
    }
}

#[test]
fn ones_invites_are_listed_with_what_became_of_each() {
    let campaign = campaign(STAGES);
    let mut desk = desk(&campaign);
    assert!(said(&desk.open("我的邀请")).contains("还没有好友"));
    let at = desk.now;
    hear(&mut desk, &campaign, &word(1, at, came(at), 1));
    let waits = State::Attributed { qualified_on: None, left_on: None };
    hear(&mut desk, &campaign, &word(2, at.plus_secs(1), waits, 1));
    hear(&mut desk, &campaign, &word(3, at.plus_secs(2), State::Refused(Refusal::Staff), 1));
    let friend = crate::domain::referral::drive::TurnedAway { friend: Friend(4), at, reason: Refusal::NotNew };
    hear(&mut desk, &campaign, &Word::TurnedAway { campaign: "demo".into(), friend });
    let listed = said(&desk.open("我的邀请"));
    for part in ["已算数 0 位", "再请 1 位", "留到 2026-01-08", "还差一步", "员工不参加", "以前关注过"]
    {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    desk.now = at.plus_secs(8 * 86_400);
    let listed = said(&desk.open("我的邀请"));
    assert!(listed.contains("已算数 1 位") && listed.contains("没有在期限内"), "{listed}");
    let fates: Vec<Fate> =
        drive(&desk).fates(desk.now.business_day(), campaign.caps()).into_iter().map(|(_, fate)| fate).collect();
    assert_eq!(fates[..2], [Fate::Ended(Ended::Counted), Fate::Ended(Ended::Lapsed)]);
    assert!(!desk.customer.memory.values().any(|memory| matches!(memory, Memory::Form(_))));
}

#[test]
fn a_list_of_very_many_still_fits_into_a_message() {
    let campaign = campaign("[caps]\nin_all = 2000\nper_day = 2000");
    let mut desk = desk(&campaign);
    let at = desk.now;
    for friend in 0..300 {
        let nth = i64::try_from(friend).unwrap();
        hear(&mut desk, &campaign, &word(friend, at.plus_secs(nth), came(at), 1));
    }
    let listed = said(&desk.open("我的邀请"));
    assert!(listed.len() <= 2_048 && listed.contains("还有更早的 288 位"), "{listed}");
}

#[test]
fn an_edit_gives_nothing_twice_and_takes_nothing_back() {
    let one = campaign(STAGES);
    let mut desk = desk(&one);
    with_friends(&mut desk, &one, 1);
    assert_eq!(desk.customer.points.balance(desk.now.business_day()), 50);
    let dearer = campaign(
        &STAGES
            .replace("friends = 1\n", "friends = 2\n")
            .replace("friends = 2\ntitle = \"月卡\"", "friends = 4\ntitle = \"月卡\""),
    );
    let cheaper = campaign(&STAGES.replace("points = 50", "points = 80"));
    for edited in [dearer, cheaper] {
        let entry = Entry::Opened { words: "" };
        let out = edited.resume(&desk.view(&entry), &Values::new(), &Answer::Loaded(Values::new()));
        assert_eq!((out.facts.len(), out.points), (0, None), "{:?}", out.outbox);
    }
}

#[test]
fn what_cannot_run_is_named_with_its_field() {
    let fields = |more: &str| -> Vec<String> { campaign(more).faults().into_iter().map(|fault| fault.field).collect() };
    assert_eq!(campaign(STAGES).faults(), []);
    assert_eq!(fields("levels = 2"), ["levels"]);
    assert_eq!(fields("[terms]\nwithin_days = 61"), ["terms.within_days"]);
    assert_eq!(fields("[terms]\nactive_days = 8"), ["terms.active_days"]);
    assert_eq!(fields("[caps]\nin_all = 0\nmessages_per_day = 0"), ["caps", "caps.messages_per_day"]);
    assert_eq!(fields("[texts]\ncode = \"来吧\""), ["texts.code"]);
    let stage = |rest: &str| fields(&format!("[[stage]]\n{rest}"));
    assert_eq!(stage("key = \"a b\"\nfriends = 1\ntitle = \"x\"\npoints = 1"), ["stage[0].key"]);
    assert_eq!(stage("key = \"a\"\nfriends = 0\ntitle = \"x\"\npoints = 1"), ["stage[0].friends"]);
    assert_eq!(stage("key = \"a\"\nfriends = 500\ntitle = \"x\"\npoints = 1"), ["stage[0].friends"]);
    assert_eq!(stage("key = \"a\"\nfriends = 1\ntitle = \" \""), ["stage[0].title", "stage[0].points"]);
    let both = stage("key = \"a\"\nfriends = 1\ntitle = \"x\"\npool = \"p\"\nconnector = \"c\"");
    assert_eq!(both, ["stage[0].connector"]);
    let twice = format!("{STAGES}[[stage]]\nkey = \"one\"\nfriends = 3\ntitle = \"x\"\npoints = 1\npoints_days = 0");
    assert_eq!(fields(&twice), ["stage[3].key", "stage[3].friends", "stage[3].points_days"]);
}

#[test]
fn every_text_that_is_built_in_can_be_filled() {
    let campaign = campaign(STAGES);
    for shown in shown::Shown::ALL {
        let values: Values = shown.allowed().into_iter().map(|name| (name.to_owned(), Value::from("7"))).collect();
        let desk = desk(&campaign);
        let entry = Entry::Opened { words: "" };
        let mut out = Outcome::default();
        let reply = campaign.say(&desk.view(&entry), (&mut out, shown), &values);
        assert!(is_said(&reply) && out.faults.is_empty(), "{shown:?} {:?}", out.faults);
    }
}
