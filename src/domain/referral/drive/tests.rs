use proptest::prelude::*;

use super::*;

const MONDAY: UnixSecs = UnixSecs(1_767_571_200);
const CAME: State = State::Attributed { qualified_on: None, left_on: None };
const NO_CAPS: Caps = Caps { per_day: 100, in_all: 1_000 };

fn day(n: i32) -> BusinessDay {
    MONDAY.business_day().plus_days(n)
}

fn news(friend: u64, on: i32, (state, revision): (Option<State>, u32)) -> News {
    News {
        campaign: "spring".into(),
        friend: Friend(friend),
        at: UnixSecs(day(on).start().0 + i64::try_from(friend).unwrap()),
        terms: Terms { active_days: 1, within_days: 7, hold_days: 7, ..Terms::default() },
        state,
        revision,
    }
}

fn qualified(n: i32) -> State {
    State::Attributed { qualified_on: Some(day(n)), left_on: None }
}

fn gone(n: i32) -> State {
    State::Attributed { qualified_on: None, left_on: Some(day(n)) }
}

fn fates(drive: &Drive, today: i32, caps: Caps) -> Vec<(u64, Fate)> {
    drive.fates(day(today), caps).into_iter().map(|(entry, fate)| (entry.friend.0, fate)).collect()
}

#[test]
fn an_invite_waits_is_held_and_counts() {
    let mut drive = Drive::default();
    assert_eq!(drive.hear(&news(1, 0, (Some(CAME), 1))), Heard::Came);
    assert_eq!(fates(&drive, 0, NO_CAPS), [(1, Fate::Waiting { until: day(7) })]);
    assert_eq!(fates(&drive, 8, NO_CAPS), [(1, Fate::Ended(Ended::Lapsed))]);
    assert_eq!(drive.hear(&news(1, 0, (Some(qualified(3)), 2))), Heard::Qualified);
    assert_eq!(fates(&drive, 7, NO_CAPS), [(1, Fate::Held { until: day(7) })]);
    assert_eq!((drive.counted(day(7), NO_CAPS), drive.next_ripe(day(7))), (0, Some(day(8))));
    assert_eq!((drive.counted(day(8), NO_CAPS), drive.next_ripe(day(8))), (1, None));
}

#[test]
fn the_same_news_and_older_ones_change_nothing() {
    let mut drive = Drive::default();
    drive.hear(&news(1, 0, (Some(CAME), 1)));
    drive.hear(&news(1, 0, (Some(gone(2)), 3)));
    let after = drive.clone();
    for old in [(Some(CAME), 1), (Some(qualified(1)), 2), (Some(gone(2)), 3), (None, 0)] {
        assert_eq!((drive.hear(&news(1, 0, old)), &drive), (Heard::Nothing, &after));
    }
    assert_eq!(fates(&drive, 0, NO_CAPS), [(1, Fate::Ended(Ended::Left))]);
}

#[test]
fn a_friend_of_somebody_else_is_gone_and_does_not_come_back_by_older_news() {
    let mut drive = Drive::default();
    assert_eq!(drive.hear(&news(1, 0, (Some(CAME), 1))), Heard::Came);
    assert_eq!(drive.hear(&news(1, 0, (None, 2))), Heard::Corrected);
    assert_eq!(drive.hear(&news(1, 0, (Some(CAME), 1))), Heard::Nothing);
    assert_eq!(fates(&drive, 0, NO_CAPS), []);
    assert_eq!(drive.hear(&news(2, 0, (None, 2))), Heard::Corrected, "also when the older ones come later");
    assert_eq!(drive.hear(&news(2, 0, (Some(CAME), 1))), Heard::Nothing);
}

#[test]
fn an_earlier_follow_moves_an_invite_to_its_place() {
    let mut drive = Drive::default();
    drive.hear(&news(1, 1, (Some(CAME), 1)));
    drive.hear(&news(2, 2, (Some(CAME), 1)));
    assert_eq!(drive.hear(&news(2, 0, (Some(CAME), 2))), Heard::Corrected);
    let friends: Vec<_> = drive.invites.iter().map(|entry| entry.friend.0).collect();
    assert_eq!(friends, [2, 1]);
}

#[test]
fn caps_take_the_first_of_a_day_and_whoever_leaves_makes_room() {
    let mut drive = Drive::default();
    for friend in 1..=4 {
        drive.hear(&news(friend, 0, (Some(qualified(1)), 1)));
    }
    drive.hear(&news(5, 1, (Some(qualified(2)), 1)));
    let caps = Caps { per_day: 2, in_all: 1_000 };
    let counted = |drive: &Drive, caps| -> Vec<u64> {
        let all = fates(drive, 30, caps).into_iter();
        all.filter(|(_, fate)| *fate == Fate::Ended(Ended::Counted)).map(|(friend, _)| friend).collect()
    };
    assert_eq!(counted(&drive, caps), [1, 2, 5]);
    drive.hear(&news(1, 0, (Some(gone(1)), 2)));
    assert_eq!(counted(&drive, caps), [2, 3, 5]);
    assert_eq!(counted(&drive, Caps { in_all: 2, ..caps }), [2, 3]);
    assert_eq!(counted(&drive, Caps { per_day: 0, ..caps }), Vec::<u64>::new());
}

#[test]
fn what_a_friend_who_left_takes_back_is_as_the_terms_of_that_day_say() {
    for (claw_back, fate) in [(ClawBack::Never, Ended::Counted), (ClawBack::Invite, Ended::Left)] {
        let mut drive = Drive::default();
        let state = State::Attributed { qualified_on: Some(day(1)), left_on: Some(day(2)) };
        let mut news = news(1, 0, (Some(state), 1));
        news.terms.claw_back = claw_back;
        drive.hear(&news);
        assert_eq!(fates(&drive, 30, NO_CAPS), [(1, Fate::Ended(fate))]);
    }
}

#[test]
fn invites_of_long_ago_are_numbers_and_late_news_of_them_change_nothing() {
    let mut drive = Drive::default();
    drive.hear(&news(1, 0, (Some(qualified(1)), 1)));
    drive.hear(&news(2, 0, (Some(CAME), 1)));
    drive.hear(&news(3, 1, (Some(gone(2)), 1)));
    drive.hear(&news(4, 20, (Some(qualified(21)), 1)));
    let before = drive.counted(day(28), NO_CAPS);
    drive.settle(day(17), NO_CAPS);
    assert_eq!(drive.invites.len(), 4, "not yet");
    drive.settle(day(18), NO_CAPS);
    assert_eq!((drive.invites.len(), drive.settled.through), (2, Some(day(0))));
    drive.settle(day(28), NO_CAPS);
    assert_eq!((drive.invites.len(), drive.settled.through), (1, Some(day(1))));
    let ended = [Ended::Counted, Ended::Lapsed, Ended::Left].map(|ended| drive.settled_as(ended));
    assert_eq!((ended, drive.counted(day(28), NO_CAPS)), ([1, 1, 1], before));
    assert_eq!(drive.hear(&news(2, 0, (Some(qualified(2)), 2))), Heard::Nothing);
    drive.settle(day(100), NO_CAPS);
    assert_eq!((drive.invites.len(), drive.counted(day(100), NO_CAPS)), (0, 2));
}

#[test]
fn who_came_and_was_no_first_follow_is_kept_once_and_the_newest_of_many() {
    let mut drive = Drive::default();
    let away = |friend| TurnedAway { friend: Friend(friend), at: MONDAY, reason: Refusal::NotNew };
    assert!(drive.turn_away(away(1)) && !drive.turn_away(away(1)));
    assert!(drive.turn_away(TurnedAway { reason: Refusal::Ended, ..away(1) }));
    (2..60).for_each(|friend| {
        drive.turn_away(away(friend));
    });
    assert_eq!((drive.turned_away.len(), drive.turned_away.last()), (MOST_TURNED_AWAY, Some(&away(59))));
}

proptest! {
    /// What is kept depends on the news, not on their order, their number, or their repetitions.
    #[test]
    fn the_order_of_news_changes_nothing(
        news_of in proptest::collection::vec((0..6u64, 0..4i32, 0..5usize, 1..6u32), 0..30),
        seed in any::<u64>(),
    ) {
        let states = [Some(CAME), Some(qualified(2)), Some(gone(3)), None, Some(State::Refused(Refusal::NotEarlier))];
        // A revision says one thing.
        let mut said = BTreeMap::new();
        for (friend, on, state, revision) in news_of {
            said.entry((friend, revision)).or_insert_with(|| news(friend, on, (states[state], revision)));
        }
        let mut all: Vec<_> = said.into_values().collect();
        let mut ordered = Drive::default();
        all.iter().for_each(|news| {
            ordered.hear(news);
        });
        let twice = all.clone();
        all.extend(twice);
        let mut mixed = seed;
        for at in (1..all.len()).rev() {
            mixed = mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            all.swap(at, usize::try_from(mixed >> 33).unwrap() % (at + 1));
        }
        let mut shuffled = Drive::default();
        all.iter().for_each(|news| {
            shuffled.hear(news);
        });
        prop_assert_eq!(ordered, shuffled);
    }
}
