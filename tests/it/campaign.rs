//! 拉新 as people meet it: somebody asks for their poster, friends come by it, both sides hear where they stand, and what
//! was earned is given once.

use std::path::Path;

use fuwu::domain::actions::Kind;
use fuwu::domain::fact::{Fact, FactKind};
use fuwu::domain::ids::{ActionKey, Openid, Scene};
use fuwu::domain::referral::drive::Drive;
use fuwu::domain::referral::reward::RightState;
use fuwu::domain::work::Task;
use fuwu::growth::counter::Metric;
use fuwu::growth::referral::Cell;
use fuwu::sandbox::model::{Act, Body, Code};
use fuwu::store::CustomerRef;

use crate::business::{copied, copy_playbook, edit};
use crate::harness::{World, until};
use crate::orders_shop::borrowed;
use crate::phone::Phone;

const CAMPAIGN: &str = "friends";
const DAY_SECS: i64 = 86_400;

fn campaign() -> ActionKey {
    CAMPAIGN.into()
}

fn of(openid: &Openid) -> CustomerRef {
    CustomerRef { account: "demo".into(), openid: openid.clone() }
}

async fn code(world: &World, phone: &Phone<'_>) -> Scene {
    world.running.app.personal_code(&of(&phone.openid), &campaign()).await.unwrap().expect("they follow")
}

/// The customer scans a poster with this code, and follows if they do not yet.
async fn come(phone: &Phone<'_>, code: &Scene) -> String {
    phone.world.clock.advance_secs(1);
    let follows = phone.world.customer(&phone.openid).await.follow.following;
    phone.world.sandbox().send(&phone.openid, act(follows, code)).await.unwrap().text()
}

fn act(follows: bool, code: &Scene) -> Act {
    let code = Code {
        ticket: "T".to_owned(),
        scene: code.clone(),
        url: String::new(),
        created_at: 0,
        expires_at: None,
        label: String::new(),
    };
    if follows { Act::Scan(code) } else { Act::Follow(Some(code)) }
}

async fn drive(world: &World, phone: &Phone<'_>) -> Drive {
    world.customer(&phone.openid).await.drives.get(&campaign()).cloned().unwrap_or_default()
}

async fn facts(world: &World, phone: &Phone<'_>) -> Vec<Fact> {
    let held = world.store().held(&of(&phone.openid)).await.unwrap().unwrap();
    held.facts.into_iter().map(|logged| logged.fact).collect()
}

/// Every inviter has been told of everything these did.
async fn settled(world: &World, phones: &[&Phone<'_>]) {
    for phone in phones {
        until("every word has arrived", async || {
            let held = world.store().held(&of(&phone.openid)).await.unwrap();
            held.is_none_or(|held| held.outbox.iter().all(|work| !matches!(work.task, Task::Credit { .. })))
        })
        .await;
    }
}

/// The funnel: attributed, qualified, refused, again.
async fn funnel(world: &World) -> (i64, i64, i64, i64) {
    let mut sums = (0, 0, 0, 0);
    for (key, n) in world.counters(Metric::Invites).await {
        match Cell::of_number(key.b).unwrap() {
            Cell::Attributed(funnel) => {
                sums.0 += n;
                sums.1 += if funnel.qualified { n } else { 0 };
            }
            Cell::Refused(_) => sums.2 += n,
            Cell::Again(_) => sums.3 += n,
        }
    }
    sums
}

/// A playbook of its own, in which it is enough that a friend stays for three days.
fn easy(dir: &Path) -> [(&'static str, String); 2] {
    copy_playbook(dir);
    edit(&dir.join("playbook/campaigns/friends.toml"), "goal = \"buy_data\"", "active_days = 0");
    edit(&dir.join("playbook/campaigns/friends.toml"), "hold_days = 7", "hold_days = 3");
    edit(&dir.join("playbook/campaigns/friends.toml"), "per_day = 10", "per_day = 900");
    edit(&dir.join("playbook/campaigns/friends.toml"), "in_all = 50", "in_all = 900");
    copied(dir)
}

#[actix_web::test]
async fn a_friend_comes_by_the_poster_does_real_business_and_the_inviter_gets_their_points() {
    let world = World::start().await;
    let inviter = Phone::following(&world, "小林").await;
    let said = inviter.say("邀请好友").await;
    assert!(said.contains("专属海报") && said.contains("100 积分"), "{said}");
    let picture = async || {
        inviter.chat().into_iter().rev().find_map(|entry| match entry.body {
            Body::Image { media_id } => Some(media_id),
            _ => None,
        })
    };
    until("the poster is there", async || picture().await.is_some()).await;
    let friend = Phone::able_to_pay(&world, "小周");
    world.clock.advance_secs(1);
    world.sandbox().scan_picture(&friend.openid, &picture().await.unwrap()).await.unwrap();
    let greeted = friend.follow().await;
    assert!(greeted.contains("应好友邀请"), "{greeted}");
    settled(&world, &[&friend]).await;
    assert!(inviter.say("我的邀请").await.contains("还差一步"));
    world.clock.advance_secs(61);
    inviter.hears("1 位好友扫您的码关注了").await;

    for words in ["充流量", "1", "确认"] {
        friend.say(words).await;
    }
    until("the friend's business counts", async || funnel(&world).await == (1, 1, 0, 0)).await;
    until("the inviter's record knows", async || inviter.say("我的邀请").await.contains("留到 2026-03-09")).await;
    world.clock.advance_secs(8 * DAY_SECS);
    until("it is looked at", async || !drive(&world, &inviter).await.rights.is_empty()).await;
    let mine = inviter.say("我的邀请").await;
    for part in ["已算数 1 位", "100 积分：已发放", "积分 100", "再请 2 位", "视频会员月卡"] {
        assert!(mine.contains(part), "{part}: {mine}");
    }
    assert_eq!(inviter.heard("1 位好友算数了"), 1, "it waited for the next message: no window was open");
    let followed = facts(&world, &friend).await.into_iter().find_map(|fact| match fact.what {
        FactKind::Followed { scene, channel } => Some((scene.unwrap(), channel)),
        _ => None,
    });
    let (scene, channel) = followed.unwrap();
    assert_eq!(channel.as_str(), "invite");
    assert_ne!(scene, code(&world, &inviter).await, "no fact leads to the inviter");
}

#[actix_web::test]
async fn whoever_is_no_new_friend_hears_why_and_so_does_the_inviter() {
    let world = World::start().await;
    let inviter = Phone::following(&world, "小林").await;
    let codes = code(&world, &inviter).await;
    let known = Phone::following(&world, "小周").await;
    assert!(come(&known, &codes).await.contains("以前关注过"));
    assert!(come(&known, &codes).await.contains("以前关注过"));
    assert!(come(&inviter, &codes).await.contains("自己的码"));
    let friend = Phone::new(&world, "小吴");
    assert!(come(&friend, &codes).await.contains("应好友邀请"));
    settled(&world, &[&friend]).await;
    // Their friend invites them back.
    let back = code(&world, &friend).await;
    assert!(come(&inviter, &back).await.contains("您请来的"));
    settled(&world, &[&friend, &known, &inviter]).await;
    assert_eq!(funnel(&world).await, (1, 0, 0, 4));
    let mine = inviter.say("我的邀请").await;
    assert!(mine.contains("以前关注过") && mine.matches("来的好友").count() == 1, "{mine}");
    assert_eq!(mine.matches("不算").count(), 1, "said once, however often they scan: {mine}");
    assert!(friend.say("我的邀请").await.contains("是请您来的那位"));

    // Leaving and coming back makes nobody new, by whatever code.
    friend.unfollow().await;
    assert!(come(&friend, &codes).await.contains("以前关注过"));
    settled(&world, &[&friend]).await;
    assert_eq!(funnel(&world).await.0, 1);
}

#[actix_web::test]
async fn a_friend_who_leaves_too_early_takes_the_invite_along_and_is_forgotten_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::start_with(&borrowed(&easy(dir.path()))).await;
    let inviter = Phone::following(&world, "小林").await;
    let codes = code(&world, &inviter).await;
    let friend = Phone::new(&world, "小周");
    come(&friend, &codes).await;
    friend.unfollow().await;
    settled(&world, &[&friend]).await;
    assert!(inviter.say("我的邀请").await.contains("取消关注了，不算"));
    let all = world.store().facts(&"demo".into(), 0, 1_000).await.unwrap();
    assert!(all.iter().all(|logged| logged.of.openid != friend.openid), "only a tombstone is left");
    world.clock.advance_secs(9 * DAY_SECS);
    assert!(inviter.say("我的邀请").await.contains("已算数 0 位"));
    assert!(drive(&world, &inviter).await.rights.is_empty());
}

#[actix_web::test]
async fn where_no_picture_can_be_a_code_in_words_is_passed_on_and_counts() {
    let dir = tempfile::tempdir().unwrap();
    let env = easy(dir.path());
    let file = dir.path().join("playbook/campaigns/friends.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, after) = text.split_once("[poster]").unwrap();
    let texts = after.split_once("[texts]").unwrap().1;
    std::fs::write(&file, format!("{before}[texts]{texts}")).unwrap();
    std::fs::remove_file(dir.path().join("playbook/posters/friends.png")).unwrap();
    let world = World::start_with(&borrowed(&env)).await;
    let inviter = Phone::following(&world, "小林").await;
    let said = inviter.say("邀请好友").await;
    let codes = code(&world, &inviter).await;
    assert!(said.contains(codes.as_str()), "{said}");
    let friend = Phone::following(&world, "小周").await;
    let passed_on = said.lines().skip_while(|line| !line.contains("再把")).collect::<Vec<_>>().join("\n");
    assert!(friend.say(&passed_on).await.contains("应好友邀请"));
    assert!(friend.say(&passed_on).await.contains("以前关注过"), "once is enough");
    settled(&world, &[&friend]).await;
    assert_eq!(funnel(&world).await.0, 1);
    let late = Phone::following(&world, "小吴").await;
    world.clock.advance_secs(2 * DAY_SECS);
    assert!(late.say(codes.as_str()).await.contains("一天内"));
    settled(&world, &[&late]).await;
    assert_eq!(funnel(&world).await.0, 1);
    assert!(inviter.say("我的邀请").await.contains("发晚了"));
}

#[actix_web::test]
async fn friends_who_come_at_the_same_instant_are_all_counted_and_each_stage_is_given_once() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::start_with(&borrowed(&easy(dir.path()))).await;
    let inviter = Phone::following(&world, "小林").await;
    let codes = code(&world, &inviter).await;
    let friends: Vec<Phone<'_>> = (0..12).map(|n| Phone::new(&world, &format!("友{n}"))).collect();
    world.clock.advance_secs(1);
    let came = friends.iter().map(|friend| world.sandbox().send(&friend.openid, act(false, &codes)));
    for seen in futures_util::future::join_all(came).await {
        assert!(seen.unwrap().text().contains("应好友邀请"));
    }
    settled(&world, &friends.iter().collect::<Vec<_>>()).await;
    assert_eq!((funnel(&world).await.0, drive(&world, &inviter).await.invites.len()), (12, 12));
    world.clock.advance_secs(5 * DAY_SECS);
    until("both stages are given", async || {
        let rights = drive(&world, &inviter).await.rights;
        rights.len() == 2 && rights.values().all(|right| matches!(right.state, RightState::Given(_)))
    })
    .await;
    let rewarded = facts(&world, &inviter).await.into_iter();
    let rewarded = rewarded.filter(|fact| matches!(fact.what, FactKind::Rewarded(_))).count();
    assert_eq!(rewarded, 2);
    let mine = inviter.say("我的邀请").await;
    assert!(mine.contains("已算数 12 位") && mine.contains("视频会员月卡：已发放，VIP-"), "{mine}");
}

#[actix_web::test]
async fn an_edit_while_it_runs_prices_only_those_who_come_later() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::start_with(&borrowed(&easy(dir.path()))).await;
    let inviter = Phone::following(&world, "小林").await;
    let codes = code(&world, &inviter).await;
    let first = Phone::new(&world, "小周");
    come(&first, &codes).await;
    let version = || world.running.app.account("demo").unwrap().playbook().version.clone();
    let before = version();
    edit(&dir.path().join("playbook/campaigns/friends.toml"), "hold_days = 3", "hold_days = 30");
    until("the edit is live", async || version() != before).await;
    let second = Phone::new(&world, "小吴");
    come(&second, &codes).await;
    settled(&world, &[&first, &second]).await;
    let held: Vec<u8> = drive(&world, &inviter).await.invites.iter().map(|entry| entry.hold_days).collect();
    assert_eq!(held, [3, 30]);
    world.clock.advance_secs(5 * DAY_SECS);
    let mine = inviter.say("我的邀请").await;
    assert!(mine.contains("已算数 1 位") && mine.contains("留到 2026-04-01"), "{mine}");
    let playbook = world.running.app.account("demo").unwrap().playbook();
    assert!(matches!(playbook.actions.get(&campaign()), Some(Kind::Campaign(_))));
}
