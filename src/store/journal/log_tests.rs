use super::super::record::tests::accepted;
use super::*;

const MIB: u64 = 1024 * 1024;

fn open(dir: &Path) -> Journal {
    Journal::open(dir, PseudonymKey::new("k"), 64 * MIB).unwrap()
}

fn told(journal: &Journal, after: u64) -> Vec<(u64, String)> {
    let entries = journal.entries(Place(after)).map(|entry| {
        let (place, entry) = entry.unwrap();
        let told = match entry {
            Entry::Accepted(accepted, location) => {
                assert_eq!(journal.read(location).unwrap(), accepted);
                accepted.arrived.0.to_string()
            }
            Entry::Answered(place) => format!("answered {}", place.0),
        };
        (place.0, told)
    });
    entries.collect()
}

#[tokio::test]
async fn what_was_accepted_is_there_after_opening_again_and_places_go_on_rising() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let (first, _) = journal.accept(accepted(1)).await.unwrap();
    journal.answered(first);
    journal.accept(accepted(2)).await.unwrap();
    journal.close();
    assert!(journal.accept(accepted(3)).await.is_err());
    drop(journal);
    let journal = open(dir.path());
    let (third, _) = journal.accept(accepted(3)).await.unwrap();
    assert_eq!(third, Place(4));
    let expected = [(1, "1001"), (2, "answered 1"), (3, "1002"), (4, "1003")].map(|(at, told)| (at, told.to_owned()));
    assert_eq!(told(&journal, 0), expected);
    assert_eq!(told(&journal, 3), expected[3..]);
    assert_eq!((journal.waiting(), journal.settled_up_to(Partition(3))), (1, Some(Place(3))));
    assert!(journal.settle(Partition(3), third));
    assert_eq!((journal.waiting(), journal.settled_up_to(Partition(3))), (0, Some(Place(4))));
    assert!(journal.reopen(Partition(3), first));
    assert_eq!(journal.settled_up_to(Partition(3)), Some(Place(0)));
}

#[tokio::test]
async fn many_at_once_are_all_kept_each_at_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let kept = futures_util::future::join_all((0..500).map(|n| journal.accept(accepted(n)))).await;
    for (n, kept) in (0..).zip(kept) {
        assert_eq!(journal.read(kept.unwrap().1).unwrap(), accepted(n));
    }
    assert_eq!(told(&journal, 0).len(), 500);
}

#[tokio::test]
async fn a_second_process_is_refused_until_the_first_ends() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let refused = Journal::open(dir.path(), PseudonymKey::new("k"), MIB).err().unwrap();
    assert!(matches!(&refused, JournalFault::Locked(told) if told.contains("data_dir")), "{refused}");
    drop(journal);
    open(dir.path());
}

#[tokio::test]
async fn what_waits_is_never_dropped_for_room_and_what_the_store_has_is() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path(), PseudonymKey::new("k"), 80).unwrap();
    let full = journal.accept(accepted(1)).await;
    let (place, _) = full.unwrap();
    let refused = journal.accept(accepted(2)).await.unwrap_err().to_string();
    assert!(refused.contains("full"), "{refused}");
    journal.settle(Partition(3), place);
    // The segment that is written stays; another one makes room for it to go.
    journal.tell(Job::Rotate).unwrap();
    journal.accept(accepted(3)).await.unwrap();
    assert_eq!(told(&journal, 0).iter().map(|(_, told)| told.as_str()).collect::<Vec<_>>(), ["1003"]);
}

#[tokio::test]
async fn what_is_too_old_goes_whoever_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    journal.accept(accepted(0)).await.unwrap();
    // An hour later another segment has been begun.
    journal.accept(accepted(4_000)).await.unwrap();
    assert_eq!(journal.forget_before(UnixSecs(1_001)).unwrap(), 1);
    assert_eq!((told(&journal, 0).len(), journal.waiting()), (1, 1));
    assert_eq!(segment::numbers(dir.path()).unwrap(), [2]);
}

#[tokio::test]
async fn a_segment_without_deliveries_takes_no_waiting_ones_along() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    journal.accept(accepted(0)).await.unwrap();
    // Two in a row, as a failing disk leaves them.
    journal.tell(Job::Rotate).unwrap();
    journal.tell(Job::Rotate).unwrap();
    journal.accept(accepted(1)).await.unwrap();
    assert_eq!(segment::numbers(dir.path()).unwrap().len(), 3);
    assert_eq!(journal.forget_before(UnixSecs(900)).unwrap(), 0);
    assert_eq!((journal.waiting(), segment::numbers(dir.path()).unwrap()), (2, vec![1, 3]));
    assert_eq!(journal.settled_up_to(Partition(3)), Some(Place(0)));
}

#[tokio::test]
async fn a_journal_that_lost_its_end_goes_on_after_what_the_store_has_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    journal.go_on_after(Place(40));
    journal.go_on_after(Place(7));
    assert_eq!(journal.accept(accepted(1)).await.unwrap().0, Place(41));
    assert_eq!(journal.accept(accepted(2)).await.unwrap().0, Place(42));
    assert_eq!(told(&journal, 40).len(), 2);
}

#[tokio::test]
async fn what_could_not_be_written_is_never_taken_for_settled() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("journal");
    let journal = open(&folder);
    let (first, _) = journal.accept(accepted(1)).await.unwrap();
    assert!(journal.settle(Partition(3), first));
    journal.tell(Job::Rotate).unwrap();
    journal.accept(accepted(1)).await.unwrap();
    std::fs::rename(&folder, dir.path().join("elsewhere")).unwrap();
    journal.tell(Job::Rotate).unwrap();
    // The segment that is open is written on; nothing more can be begun.
    journal.accept(accepted(2)).await.unwrap();
    let settled = [Place(2), Place(3)].map(|place| journal.settle(Partition(3), place));
    assert_eq!((settled, journal.settled_up_to(Partition(3))), ([true, true], Some(Place(3))));
}

#[tokio::test]
async fn an_entry_is_never_read_as_another_one() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let (_, at) = journal.accept(accepted(1)).await.unwrap();
    journal.accept(accepted(2)).await.unwrap();
    let path = segment::path(dir.path(), 1);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[usize::try_from(at.offset).unwrap() + 20] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(journal.read(at), Err(JournalFault::Gone(_))));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(journal.read(at), Err(JournalFault::Gone(_))));
}

#[tokio::test]
async fn a_day_without_deliveries_leaves_nothing_and_places_still_rise() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let (first, _) = journal.accept(accepted(0)).await.unwrap();
    journal.settle(Partition(3), first);
    assert_eq!(journal.forget_before(UnixSecs(90_000)).unwrap(), 0);
    // Closing waits for the writer, which has begun another segment.
    journal.close();
    assert_eq!(journal.forget_before(UnixSecs(90_000)).unwrap(), 0);
    assert_eq!((told(&journal, 0).len(), segment::numbers(dir.path()).unwrap()), (0, vec![2]));
    drop(journal);
    let (next, _) = open(dir.path()).accept(accepted(1)).await.unwrap();
    assert_eq!(next, Place(2));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told_and_does_not_end_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("journal");
    let journal = open(&folder);
    std::fs::rename(&folder, dir.path().join("elsewhere")).unwrap();
    assert!(matches!(journal.accept(accepted(1)).await, Err(JournalFault::Disk(_))));
    assert_eq!(journal.waiting(), 0);
    std::fs::rename(dir.path().join("elsewhere"), &folder).unwrap();
    journal.accept(accepted(2)).await.unwrap();
}
