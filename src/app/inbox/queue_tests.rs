use super::*;

const A: Partition = Partition(1);
const B: Partition = Partition(2);

fn who(name: &str) -> CustomerRef {
    CustomerRef { account: "demo".into(), openid: name.into() }
}

fn waiting(partition: Partition, place: u64) -> Waiting {
    Waiting { partition, place: Place(place), location: Location::default(), past: Past::Untried }
}

fn queue(entries: &[(&str, Partition, u64)]) -> Queue {
    let mut queue = Queue::default();
    entries.iter().for_each(|(of, partition, place)| queue.push(who(of), waiting(*partition, *place)));
    queue
}

fn take(queue: &mut Queue, now: Instant) -> Option<u64> {
    queue.take(now).map(|(_, waiting)| waiting.place.0)
}

#[test]
fn a_customers_deliveries_go_one_after_the_other_and_the_others_do_not_wait() {
    let mut queue = queue(&[("a", A, 5), ("a", A, 2), ("a", A, 2), ("b", A, 3), ("c", B, 4)]);
    let now = Instant::now();
    let taken = [take(&mut queue, now), take(&mut queue, now), take(&mut queue, now), take(&mut queue, now)];
    assert_eq!(taken, [Some(2), Some(3), Some(4), None]);
    assert!(queue.keeps_waiting(&who("a"), A) && !queue.keeps_waiting(&who("d"), A));
    queue.finished(&who("a"), waiting(A, 2));
    assert_eq!(take(&mut queue, now), Some(5));
    queue.finished(&who("a"), waiting(A, 5));
    assert!(!queue.keeps_waiting(&who("a"), A));
    assert_eq!(queue.len(), 2);
}

#[test]
fn one_that_comes_while_its_customer_is_in_hand_waits() {
    let mut queue = queue(&[("a", A, 1)]);
    let now = Instant::now();
    assert_eq!(take(&mut queue, now), Some(1));
    queue.push(who("a"), waiting(A, 2));
    assert_eq!(take(&mut queue, now), None);
    queue.finished(&who("a"), waiting(A, 1));
    assert_eq!(take(&mut queue, now), Some(2));
}

#[test]
fn where_the_store_is_away_one_is_tried_at_a_time_and_not_always_the_same() {
    let mut queue = queue(&[("a", A, 1), ("b", A, 2), ("c", B, 3)]);
    let now = Instant::now();
    assert!(!queue.is_in_trouble());
    queue.set_away(A);
    queue.set_away(A);
    assert!(queue.is_in_trouble());
    assert!(queue.keeps_waiting(&who("new"), A) && !queue.keeps_waiting(&who("new"), B));
    assert_eq!([take(&mut queue, now), take(&mut queue, now), take(&mut queue, now)], [Some(1), Some(3), None]);
    queue.failed(&who("a"), waiting(A, 1), now);
    assert_eq!([take(&mut queue, now), take(&mut queue, now)], [Some(2), None]);
    queue.failed(&who("b"), waiting(A, 2), now);
    assert_eq!(take(&mut queue, now), None, "both rest");
    let later = now + RESTS;
    assert_eq!(take(&mut queue, later), Some(1));
    queue.finished(&who("a"), waiting(A, 1));
    assert!(!queue.keeps_waiting(&who("new"), A), "it is back");
    assert!(!queue.is_in_trouble());
    assert_eq!(take(&mut queue, later), Some(2));
}

#[test]
fn who_fails_again_and_again_rests_longer_and_not_longer_than_it_takes_to_notice_that_the_store_is_back() {
    let mut queue = queue(&[("a", A, 1)]);
    let mut now = Instant::now();
    for expected in [100, 200, 400, 800, 1_000, 1_000] {
        assert_eq!(take(&mut queue, now), Some(1));
        queue.failed(&who("a"), waiting(A, 1), now);
        assert_eq!(take(&mut queue, now + Duration::from_millis(expected - 1)), None);
        now += Duration::from_millis(expected);
    }
    for nth in 0..40 {
        assert_eq!(take(&mut queue, now), Some(1));
        queue.stuck(&who("a"), waiting(A, 1), now);
        assert_eq!(take(&mut queue, now + RESTS_AT_MOST).is_none(), nth > 3, "{nth}");
        if nth <= 3 {
            queue.once_more(&who("a"), waiting(A, 1));
        }
        now += RESTS_ALONE_AT_MOST;
    }
}

#[test]
fn what_the_journal_has_no_longer_is_forgotten() {
    let mut queue = queue(&[("a", A, 1), ("a", A, 4), ("b", A, 2), ("c", B, 3)]);
    let now = Instant::now();
    assert_eq!(take(&mut queue, now), Some(1));
    queue.retain(|waiting| waiting.place > Place(3));
    assert_eq!((queue.len(), take(&mut queue, now)), (1, None));
    queue.finished(&who("a"), waiting(A, 1));
    assert_eq!([take(&mut queue, now), take(&mut queue, now)], [Some(4), None]);
}

#[test]
fn one_that_cannot_be_applied_does_not_keep_the_others_waiting() {
    let mut queue = queue(&[("poison", A, 1), ("b", A, 2), ("c", A, 3), ("d", A, 4)]);
    let mut now = Instant::now();
    for other in 2..=4 {
        assert_eq!([take(&mut queue, now), take(&mut queue, now)], [Some(1), Some(other)]);
        queue.finished(&who(["b", "c", "d"][other as usize - 2]), waiting(A, other));
        queue.failed(&who("poison"), waiting(A, 1), now);
        assert!(
            !queue.is_in_trouble() && !queue.keeps_waiting(&who("new"), A) && queue.keeps_waiting(&who("poison"), A)
        );
        now += RESTS_ALONE_AT_MOST;
    }
    // Nothing else is answered meanwhile: then it may well be the store.
    assert_eq!(take(&mut queue, now), Some(1));
    queue.failed(&who("poison"), waiting(A, 1), now);
    assert!(queue.is_in_trouble());
}

#[test]
fn who_failed_in_every_outage_is_tried_as_soon_as_everybody_else() {
    let mut queue = queue(&[("a", A, 1)]);
    let mut now = Instant::now();
    for outage in 0..10 {
        queue.push(who("b"), waiting(A, 100 + outage));
        for _ in 0..4 {
            now += RESTS_AT_MOST;
            assert_eq!(take(&mut queue, now), Some(1));
            queue.failed(&who("a"), waiting(A, 1), now);
        }
        // The store is back for a moment, long enough for the other one only.
        let (of, first) = queue.take(now).unwrap();
        assert_eq!(of, who("b"));
        queue.finished(&of, first);
    }
}

#[test]
fn what_is_learnt_of_one_in_hand_is_known_when_it_is_taken_again() {
    let mut queue = queue(&[("a", A, 1), ("a", A, 2)]);
    let now = Instant::now();
    assert!(queue.is_idle(&who("a"), Place(1)) && !queue.is_idle(&who("a"), Place(9)));
    let (of, first) = queue.take(now).unwrap();
    assert!(!queue.is_idle(&of, Place(1)) && queue.is_idle(&of, Place(2)));
    queue.stuck(&of, Waiting { past: Past::Unknown, ..first }, now);
    assert!(!queue.is_in_trouble());
    let (_, again) = queue.take(now + RESTS).unwrap();
    assert_eq!(again, Waiting { past: Past::Unknown, ..first });
    queue.once_more(&of, again);
    assert_eq!((take(&mut queue, now + RESTS), queue.len()), (Some(1), 2));
    queue.finished(&of, again);
    assert_eq!((take(&mut queue, now + RESTS), queue.len()), (Some(2), 1));
}
