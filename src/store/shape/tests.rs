//! Every stored shape is what it always was.

use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;

use super::*;
use crate::domain::customer::{Activity, Dialogue, Follow, Standing, TappedKey, Transition, Turn};
use crate::domain::fact::{FactKind, Invited, Rewarded};
use crate::domain::ids::{DedupeKey, Scene};
use crate::domain::inbound::SubscriptionChoice;
use crate::domain::notes::Note;
use crate::domain::numbers::Numbers;
use crate::domain::order::{Back, Business, Decided, Money, Order, Orders, Paid, Payment, Puts, Reason, Returned};
use crate::domain::pay::{Fen, OutRefundNo, TransactionId};
use crate::domain::private::Private;
use crate::domain::question::Question;
use crate::domain::reach::{BY_MESSAGE, By, Carrier, Cause, Hindrance, Path, Term, Unsent, Ways, Windows};
use crate::domain::recent::Recent;
use crate::domain::referral::drive::{Drive, Ended, Entry, Settled, TurnedAway};
use crate::domain::referral::invite::{Invite, Offer, State};
use crate::domain::referral::news::{News, Word};
use crate::domain::referral::points::Points;
use crate::domain::referral::refusal::Refusal;
use crate::domain::referral::reward::{Right, RightState};
use crate::domain::referral::telling::Telling;
use crate::domain::referral::terms::{ClawBack, Terms};
use crate::domain::referral::{Friend, Inviter};
use crate::domain::reply::{Article, Reply};
use crate::domain::time::{BusinessDay, UnixSecs};
use crate::domain::value::{Value, Values};
use crate::domain::work::Task;

/// Every field is set, so that no change of one goes unseen. What actions remember is theirs to pin.
fn customer() -> Customer {
    let (mut recent, mut windows) = (Recent::default(), Windows::default());
    recent.remember(DedupeKey(1), Reply::Text("您好".into()), UnixSecs(100));
    windows.open(BY_MESSAGE, UnixSecs(100));
    Customer {
        recent,
        follow: Follow {
            following: true,
            first_day: Some(BusinessDay(20_000)),
            spell_day: Some(BusinessDay(20_001)),
            first_scene: Some("shop".into()),
            first_channel: "hall".into(),
            changed_at: Some(UnixSecs(99)),
            recent: vec![Transition {
                at: UnixSecs(98),
                turn: Turn::Followed,
                scene: Some("shop".into()),
                channel: "hall".into(),
                offer: Some(Box::new(offer())),
            }],
            before: Some(Standing { following: true, ..Standing::default() }),
            first_at: Some(UnixSecs(98)),
            first_offer: Some(Box::new(offer())),
            first_left: Some(BusinessDay(20_001)),
        },
        activity: Some(Activity { first: BusinessDay(-1), last: BusinessDay(20_001), bits: 1 << 92 | 1 }),
        tapped: vec![TappedKey {
            key_hash: 5,
            days: Activity { first: BusinessDay(1), last: BusinessDay(2), bits: 3 },
        }],
        windows,
        notes: vec![Note { reply: Reply::Articles(vec![Article::default()]), expires: UnixSecs(7), is_receipt: false }],
        dialogue: Some(Dialogue {
            action: "pack".into(),
            step: "confirm".into(),
            slots: Values::from([("n".into(), Value::Fen(-5))]),
            expires: UnixSecs(8),
        }),
        with_agent_since: Some(UnixSecs(9)),
        memory: BTreeMap::new(),
        ways: ways(),
        orders: orders(),
        numbers: numbers(),
        invite: Invite {
            written: Some((UnixSecs(97), offer())),
            qualified_on: Some(BusinessDay(20_002)),
            told: 3,
            arrived: 2,
        },
        drives: BTreeMap::from([("spring".into(), drive())]),
        points: points(),
    }
}

fn points() -> Points {
    let mut points = Points::default();
    points.earn("R1", 100, (BusinessDay(20_000), BusinessDay(20_365)));
    points.spend(30, BusinessDay(20_001));
    points
}

/// The same customer as they were known before personal codes.
fn without_codes() -> Customer {
    let customer = customer();
    let mut follow =
        Follow { first_at: Some(BusinessDay(20_000).start()), first_offer: None, first_left: None, ..customer.follow };
    follow.recent.iter_mut().for_each(|transition| transition.offer = None);
    Customer { follow, invite: Invite::default(), drives: BTreeMap::new(), points: Points::default(), ..customer }
}

fn offer() -> Offer {
    Offer {
        campaign: "spring".into(),
        code: "i_x".into(),
        inviter: Inviter(16),
        since: UnixSecs(90),
        friend: Friend(17),
        terms: Terms {
            active_days: 1,
            within_days: 7,
            hold_days: 14,
            goal: Some("buy".into()),
            claw_back: ClawBack::Never,
        },
        refused: Some(Refusal::Ended),
    }
}

fn drive() -> Drive {
    let (friend, at) = (Friend(18), UnixSecs(96));
    let state = State::Attributed { qualified_on: Some(BusinessDay(2)), left_on: Some(BusinessDay(3)) };
    Drive {
        joined: Some(UnixSecs(95)),
        invites: vec![Entry {
            friend,
            at,
            revision: 4,
            within_days: 7,
            hold_days: 14,
            claw_back: ClawBack::Invite,
            state: Some(state),
        }],
        turned_away: vec![TurnedAway { friend, at, reason: Refusal::TooLate }],
        settled: Settled { through: Some(BusinessDay(1)), fates: BTreeMap::from([(Ended::Refused, 5)]) },
        inviter: Inviter(19),
        telling: Telling { came: 1, left: 2, counted: 3, at: Some(UnixSecs(98)), times: 2 },
        look_at: Some(UnixSecs(99)),
        rights: [
            ("b", RightState::Asked),
            ("c", RightState::Given(Some("VIP".into()))),
            ("d", RightState::Failed("empty".into())),
        ]
        .map(|(key, state)| (key.to_owned(), Right { since: UnixSecs(94), state }))
        .into(),
    }
}

fn ways() -> Ways {
    let mut ways = Ways::default();
    let accepted = SubscriptionChoice { template_id: "T".into(), accepted: true, scene: None };
    ways.consents.answered(&[accepted], UnixSecs(5));
    let windows = Windows::default();
    ways.learn(Hindrance::Blocked, (&windows, &windows), UnixSecs(6));
    ways.begin(&"w".into(), (Path::CustomerService, UnixSecs(7)));
    ways.give_up(Unsent { work: work(), cause: Cause::Refused { code: 47003 }, at: UnixSecs(8) });
    ways
}

fn orders() -> Orders {
    let mut orders = Orders::default();
    let paid = |transaction: &str| {
        let transaction = TransactionId::new(transaction).unwrap();
        Paid { transaction, total: Fen(5), at: UnixSecs(11) }
    };
    let number = OutRefundNo::new("R").unwrap();
    orders.put(Order {
        number: "N".into(),
        action: "buy".into(),
        code: "C".into(),
        label: "包".into(),
        origin: DedupeKey(14),
        amount: Fen(5),
        agreed_at: Some(UnixSecs(10)),
        moved_at: UnixSecs(12),
        learned: Some(Reason::Asked),
        payment: Payment::ByWeChat(Money {
            payable_until: UnixSecs(15),
            prepay_id: Some("P".into()),
            ended: Some(Reason::PaymentSilent),
            paid: Some(paid("T")),
            twice: vec![paid("U")],
            back: Back::DoneOutside,
            asked: 1,
            returned: vec![Returned { number, transaction: paid("T").transaction, back: Fen(5) }],
        }),
        business: Business::DidAfterAll,
        person: Some(Decided::Undone),
        details: Values::from([("address".into(), Value::Sealed(vec![1, 2]))]),
        puts: Puts { unreached: 2, before: true },
        points: 3,
    });
    orders
}

fn numbers() -> Numbers {
    let mut numbers = Numbers::default();
    numbers.bind(Value::Sealed(vec![3]), UnixSecs(13));
    numbers
}

fn fact() -> Fact {
    Fact {
        at: UnixSecs(1_767_225_600),
        arrived: UnixSecs(1_767_225_601),
        key: DedupeKey(u64::MAX),
        playbook: "0123456789ab".into(),
        what: FactKind::Reported { kind: "x".into() },
    }
}

fn work() -> Work {
    Work {
        id: "w".into(),
        origin: DedupeKey(3),
        due: UnixSecs(1),
        expires: UnixSecs(2),
        task: Task::Ask {
            action: "pack".into(),
            question: Question {
                connector: "order".into(),
                values: Values::from([("v".into(), Value::Kib(1))]),
                idempotency_key: Some("k".into()),
            },
            memo: Values::from([("m".into(), Value::Text("t".into()))]),
        },
    }
}

/// If this fails you changed a stored type, and stores that exist could no longer be read. Undo it, or: raise
/// `VERSION`, keep the old types in `v1`, read them in `read`, keep the old bytes below as a test of that, and add
/// the new bytes (the failure prints them). Only until the first release are new bytes enough.
#[track_caller]
fn assert_golden<T: Shape + Debug + PartialEq>(value: T, golden: &str) {
    let written = write(&value).unwrap();
    let hex: String = written.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, golden, "the stored shape of a {} changed; the new bytes are on the left", T::WHAT);
    assert_eq!(read::<T>(&written).unwrap(), value);
}

const CUSTOMER_1: &str = concat!(
    "010101c80101010106e682a8e5a5bdc8010101c0b80201c2b802010473686f700468616c6c01c60101c40100010473686f70",
    "0468616c6c010100000000000101c2b8028180808080808080808080808002010502040301c88d150500010601000000000e",
    "01047061636b07636f6e6669726d01016e020910011200"
);

const WAYS_2: &str =
    "010154010a01040c0101770e0001017703020401047061636b056f72646572010176030201016b01016d00017402b6de0510";

const CUSTOMER_3: &str = "030101c80101010106e682a8e5a5bdc8010101c0b80201c2b802010473686f700468616c6c01c60101c40100010473686f700468616c6c0106737072696e6703695f7810b4011101070e01036275790001060101000000000000000001c4010106737072696e6703695f7810b4011101070e010362757900010601c2b8020101c2b8028180808080808080808080808002010502040301c88d150500010601000000000e0001047061636b07636f6e6669726d01016e020910011200010154010a01040c0101770e0001017703020401047061636b056f72646572010176030201016b01016d00017402b6de051001014e036275790e014303e58c850a0114180103011e010150010d0101540a160101550a16040101015201540a05010101076164647265737304020102020103010401031a1a0001c20106737072696e6703695f7810b4011101070e010362757900010601c4b80203020106737072696e6701be010112c00104070e010100010401060112c0010901020104051301020301c4010201c601030162bc01000163bc010101035649500164bc010205656d70747901025231641ec0b8029abe02";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn version_3_of_a_customer_is_what_it_always_was() {
    assert_golden(customer(), CUSTOMER_3);
}

#[test]
fn a_customer_that_version_2_wrote_is_read_without_orders_and_numbers() {
    let written = bytes(&format!("02{}{WAYS_2}", CUSTOMER_1.strip_prefix("01").unwrap()));
    let then = Customer { orders: Orders::default(), numbers: Numbers::default(), ..without_codes() };
    assert_eq!(read::<Customer>(&[written.clone(), vec![0; 9]].concat()).unwrap(), then);
    for kept in 0..written.len() {
        assert!(read::<Customer>(&written[..kept]).is_err());
    }
    assert!(read::<Customer>(&[written, vec![1]].concat()).is_err());
}

#[test]
fn what_is_private_is_never_kept_as_it_is() {
    let mut customer = customer();
    customer.numbers.bind(Value::Private(Private::new("13800138000")), UnixSecs(1));
    assert!(matches!(write(&customer), Err(StoreError::Shape { what: "customer", .. })));
}

#[test]
fn calls_by_every_path_are_stored_as_they_always_were() {
    for (by, stage) in [(Path::CustomerService, "00"), (Path::Subscription, "02"), (Path::Template, "03")] {
        let mut ways = Ways::default();
        ways.begin(&"w".into(), (by, UnixSecs(7)));
        assert_eq!(postcard::to_stdvec(&ways).unwrap(), bytes(&format!("00000101770e{stage}00")));
        ways.end(&"w".into());
        assert_eq!(postcard::to_stdvec(&ways).unwrap(), bytes("00000101770e0100"));
    }
}

#[test]
fn a_customer_that_version_1_wrote_is_read_with_its_room_and_nothing_of_the_ways() {
    let written = bytes(CUSTOMER_1);
    let then =
        Customer { ways: Ways::default(), orders: Orders::default(), numbers: Numbers::default(), ..without_codes() };
    for room in [0, 1, 5, 100] {
        let roomy = [written.clone(), vec![0; room]].concat();
        assert_eq!(read::<Customer>(&roomy).unwrap(), then);
    }
    for kept in 0..written.len() {
        assert!(read::<Customer>(&written[..kept]).is_err());
    }
    assert!(read::<Customer>(&[written, vec![1]].concat()).is_err());
}

#[test]
fn version_1_of_a_fact_is_what_it_always_was() {
    assert_golden(fact(), "0180e4ad950d82e4ad950dffffffffffffffffff010c3031323334353637383961620e0178");
}

#[test]
fn a_personal_code_is_kept_in_the_log_without_what_leads_to_its_owner() {
    let Offer { campaign, code, inviter, since, friend, terms, refused } = offer();
    let invited = Invited { campaign, inviter, since, friend, terms, refused, written: true, code };
    let written = Fact { what: FactKind::Invited(Box::new(invited.clone())), ..fact() };
    let read_again =
        Fact { what: FactKind::Invited(Box::new(Invited { code: Scene::default(), ..invited })), ..fact() };
    assert_eq!(read::<Fact>(&write(&written).unwrap()).unwrap(), read_again);
    assert_golden(
        read_again,
        "0180e4ad950d82e4ad950dffffffffffffffffff010c3031323334353637383961621306737072696e6710b4011101070e010362757900010601",
    );
}

#[test]
fn version_2_of_outgoing_work_is_what_it_always_was_and_version_1_is_read() {
    let body = "017703020401047061636b056f72646572010176030201016b01016d000174";
    assert_golden(work(), &format!("02{body}"));
    assert_eq!(read::<Work>(&bytes(&format!("01{body}"))).unwrap(), work());
}

#[test]
fn what_a_template_can_carry_is_stored_as_it_always_was() {
    let carrier = |by| Carrier {
        template: "T".into(),
        by,
        fields: BTreeMap::from([("thing1".into(), "a".into())]),
        link: "l".into(),
    };
    let by = [By::Subscription(Term::Once), By::Subscription(Term::Lasting), By::Template];
    let task = Task::Tell { reply: Reply::Text("b".into()), carriers: by.map(carrier).into() };
    let carriers = ["0000", "0001", "01"].map(|by| format!("0154{by}01067468696e67310161016c")).concat();
    assert_golden(Work { task, ..work() }, &format!("0201770302040201016203{carriers}"));
}

#[test]
fn a_poster_on_its_way_is_stored_as_it_always_was() {
    let task = Task::Poster { action: "a".into(), scene: "ref:1".into(), alone: Reply::Text("b".into()) };
    assert_golden(Work { task, ..work() }, "020177030204030161057265663a31010162");
}

#[test]
fn a_word_to_an_inviter_is_stored_as_it_always_was() {
    let friend = TurnedAway { friend: Friend(1), at: UnixSecs(2), reason: Refusal::NotNew };
    let away = Word::TurnedAway { campaign: "a".into(), friend };
    let state = Some(State::Refused(Refusal::Staff));
    let terms = offer().terms;
    let stands = News { campaign: "a".into(), friend: Friend(1), at: UnixSecs(2), terms, state, revision: 3 };
    for (word, golden) in [
        (Word::Stands(stands), "0201770302040403695f78000161010401070e01036275790001010303"),
        (away, "0201770302040403695f78010161010400"),
    ] {
        assert_golden(Work { task: Task::Credit { code: "i_x".into(), word }, ..work() }, golden);
    }
}

#[test]
fn what_was_given_for_invites_is_in_the_log_as_it_always_was() {
    let rewarded = Rewarded { campaign: "a".into(), stage: "b".into(), cost_fen: 300 };
    assert_golden(
        Fact { what: FactKind::Rewarded(Box::new(rewarded)), ..fact() },
        "0180e4ad950d82e4ad950dffffffffffffffffff010c3031323334353637383961621401610162ac02",
    );
}

#[test]
fn version_1_of_counter_cells_is_what_it_always_was() {
    assert_golden(Cells::try_from(vec![1, -1, 0, 300]).unwrap(), "0104020100d804");
    assert!(read::<Cells>(&[&[1, 96][..], &[2; 96]].concat()).is_err(), "a run has at most 95 cells");
}

proptest! {
    #[test]
    fn cells_are_what_every_shape_is_however_large(
        values in prop::collection::vec(prop_oneof![-64..64_i64, -9_000..9_000_i64, any::<i64>()], 0..96)
    ) {
        let written = write(&Cells::try_from(values).unwrap()).unwrap();
        prop_assert_eq!(read_cells(&written).unwrap(), read::<Cells>(&written).unwrap());
    }

    #[test]
    fn short_cells_are_read_the_short_way(values in prop::collection::vec(-8_192..8_192_i64, 0..96)) {
        let cells = Cells::try_from(values).unwrap();
        prop_assert_eq!(short_cells(&write(&cells).unwrap()), Some(cells));
    }

    #[test]
    fn bytes_that_are_no_cells_are_refused_as_every_shape_is(
        version in 0..3_u8, len in 0..100_u8, bytes in prop::collection::vec(prop_oneof![0..4_u8, any::<u8>()], 0..100)
    ) {
        let bytes = [&[version, len][..], &bytes].concat();
        for kept in 0..=bytes.len() {
            let told = |read: Result<Cells, StoreError>| read.map_err(|error| error.to_string());
            prop_assert_eq!(told(read_cells(&bytes[..kept])), told(read(&bytes[..kept])));
        }
    }
}

#[test]
fn another_version_is_refused_by_number() {
    let mut written = write(&fact()).unwrap();
    written[0] = 9;
    let refused = read::<Fact>(&written).unwrap_err().to_string();
    assert!(refused.contains("a stored fact cannot be read: its format is 9"), "{refused}");
}

#[test]
fn bytes_that_are_not_all_there_or_too_many_are_refused() {
    let written = write(&customer()).unwrap();
    for kept in 0..written.len() {
        assert!(matches!(read::<Customer>(&written[..kept]), Err(StoreError::Shape { what: "customer", .. })));
    }
    let longer = [&written[..], &[1]].concat();
    assert!(read::<Customer>(&longer).unwrap_err().to_string().contains("1 bytes too many"));
    let longer = [write(&fact()).unwrap(), vec![0]].concat();
    assert!(read::<Fact>(&longer).unwrap_err().to_string().contains("1 bytes too many"), "only customers have room");
}

#[test]
fn a_record_has_room_and_few_lengths() {
    let written = write_with_room(&customer()).unwrap();
    assert_eq!((write(&customer()).unwrap().len(), written.len()), (429, 512));
    assert_eq!(read::<Customer>(&written).unwrap(), customer());
    let lengths: BTreeMap<usize, usize> = (1..=1_600).map(|len| (roomy(len), len)).collect();
    let upmost = [(128, 128), (192, 192), (256, 256), (384, 384), (512, 512), (768, 768), (1024, 1024), (1536, 1536)];
    assert_eq!(lengths.into_iter().filter(|(room, _)| *room < 2048).collect::<Vec<_>>(), upmost);
}
