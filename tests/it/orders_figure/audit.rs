//! Three books side by side: ours, those of the business system, those of the payment platform. What does not agree is
//! said in words, so that every check can be shown a wrong book.

use std::collections::{BTreeMap, BTreeSet};

use fuwu::domain::fact::FactKind;
use fuwu::domain::ids::{Openid, OrderNumber};
use fuwu::domain::order::{Order, State};
use fuwu::sandbox::pay::model::Books;
use fuwu::store::{CustomerRef, Store};

/// One order in the books of the business system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// How often it was put.
    pub put: u32,
    /// How often it was done.
    pub done: u32,
    pub amount_fen: i64,
}

/// One order as the payment platform moved money for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// How often it was paid.
    pub times: u32,
    pub came_fen: i64,
    /// What went back, or is on its way.
    pub back_fen: i64,
    /// What is back.
    pub returned_fen: i64,
}

/// One order in our books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub state: State,
    pub is_over: bool,
    pub amount_fen: i64,
    /// Paid by WeChat Pay, and not charged by the business system.
    pub by_wechat: bool,
    pub came_fen: i64,
    pub back_fen: i64,
    /// The ends it came to, by the facts.
    pub ends: Vec<State>,
}

/// Orders by number.
pub type Ours = BTreeMap<String, Line>;

/// All three.
#[derive(Clone, Debug, Default)]
pub struct ThreeBooks {
    pub ours: Ours,
    pub business: BTreeMap<String, Entry>,
    pub till: BTreeMap<String, Moved>,
    /// Numbers that customers were told.
    pub told: BTreeSet<String>,
}

/// Sums over all orders, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub charged: i64,
    pub fulfilled: i64,
    pub returned: i64,
    pub under_way: i64,
}

impl Line {
    pub fn of(order: &Order) -> Self {
        let money = order.money();
        Self {
            state: order.state(),
            is_over: order.is_over(),
            amount_fen: order.amount.0,
            by_wechat: money.is_some(),
            came_fen: money.map_or(0, |money| money.came().0),
            back_fen: money.map_or(0, |money| money.went_back().0),
            ends: Vec::new(),
        }
    }
}

/// What the customers' records say.
pub async fn records(store: &dyn Store, customers: &[Openid]) -> Ours {
    let mut ours = Ours::new();
    for openid in customers {
        let of = CustomerRef { account: "demo".into(), openid: openid.clone() };
        let customer = store.load(&of).await.unwrap().customer;
        ours.extend(customer.orders.all().map(|order| (order.number.as_str().to_owned(), Line::of(order))));
    }
    ours
}

/// Our books as a store holds them while nobody writes to it: what the records say, and the ends that the facts tell of.
pub async fn ours(store: &dyn Store, customers: &[Openid]) -> Ours {
    let mut ours = records(store, customers).await;
    for (number, end) in all_ends(store).await {
        let line = ours.get_mut(number.as_str());
        line.unwrap_or_else(|| panic!("facts tell of {number}, which no record holds")).ends.push(end);
    }
    ours
}

/// Every end an order came to, oldest first.
pub async fn all_ends(store: &dyn Store) -> Vec<(OrderNumber, State)> {
    const PAGE: usize = 50_000;
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = store.facts(&"demo".into(), after, PAGE).await.unwrap();
        let Some(last) = page.last() else { return all };
        after = last.seq;
        all.extend(page.into_iter().filter_map(|logged| match logged.fact.what {
            FactKind::OrderMoved { order, to, .. } if to.is_final() => Some((order, to)),
            _ => None,
        }));
    }
}

/// The books of the payment platform by order, by the money that it moved and by nothing else.
pub fn moved(books: &Books) -> BTreeMap<String, Moved> {
    let mut all: BTreeMap<String, Moved> = BTreeMap::new();
    for flow in &books.flows {
        let number = flow.voucher.split('R').next().unwrap_or_default().to_owned();
        let moved = all.entry(number).or_default();
        match flow.business.as_str() {
            "交易" => {
                moved.times += 1;
                moved.came_fen += flow.amount_fen;
            }
            _ => moved.back_fen -= flow.amount_fen,
        }
    }
    for refund in books.refunds.values().filter(|refund| refund.ended_at.is_some()) {
        all.entry(refund.out_trade_no.clone()).or_default().returned_fen += refund.refund_fen;
    }
    all
}

impl ThreeBooks {
    fn numbers(&self) -> BTreeSet<&str> {
        let ours = self.ours.keys().chain(self.business.keys()).chain(self.till.keys()).chain(&self.told);
        ours.map(String::as_str).collect()
    }

    fn of(&self, number: &str) -> (Option<&Line>, Entry, Moved) {
        let entry = self.business.get(number).copied().unwrap_or_default();
        (self.ours.get(number), entry, self.till.get(number).copied().unwrap_or_default())
    }

    /// What is wrong at whatever moment our books were read, if those of the others were read after them.
    pub fn faults_now(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for number in self.numbers() {
            let (line, entry, moved) = self.of(number);
            let Some(line) = line else {
                faults.push(format!("unknown to us: {number} {entry:?} {moved:?}"));
                continue;
            };
            let mut check = |holds: bool, words: &str| {
                if !holds {
                    faults.push(format!("{words}: {number} {line:?} {entry:?} {moved:?}"));
                }
            };
            check(moved.times <= 1, "charged twice");
            check(entry.done <= 1, "done twice");
            check(entry.done == 0 || entry.amount_fen == line.amount_fen, "done for another amount");
            check(line.came_fen <= moved.came_fen, "we believe money that did not come");
            check(line.back_fen <= moved.returned_fen, "we believe money that did not go back");
            check(moved.back_fen <= moved.came_fen, "more went back than came");
            check(!line.by_wechat || entry.put == 0 || line.came_fen > 0, "asked for before it was paid");
            check(!line.by_wechat || entry.done == 0 || moved.came_fen > 0, "fulfilled unpaid");
            check(moved.back_fen == 0 || entry.done == 0, "given back and done");
            check(line.state != State::Done || entry.done == 1, "we say done and it is not");
            let is_whole = match line.state {
                State::Done if line.by_wechat => (line.came_fen, line.back_fen) == (line.amount_fen, 0),
                State::Refunded => line.came_fen > 0 && line.came_fen == line.back_fen,
                State::Done | State::Failed => (line.came_fen, line.back_fen) == (0, 0),
                _ => line.back_fen <= line.came_fen,
            };
            check(is_whole, "money is missing in what ended");
            let ends = if line.state.is_final() { vec![line.state] } else { Vec::new() };
            check(line.ends == ends, "it ended otherwise than once and so");
        }
        let sums = self.sums();
        if sums.charged != sums.fulfilled + sums.returned + sums.under_way {
            faults.push(format!("charged is not fulfilled, returned and under way: {sums:?}"));
        }
        faults
    }

    /// What is wrong when all has ended.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.faults_now();
        for number in self.numbers() {
            let (Some(line), entry, moved) = self.of(number) else { continue };
            let mut check = |holds: bool, words: &str| {
                if !holds {
                    faults.push(format!("{words}: {number} {line:?} {entry:?} {moved:?}"));
                }
            };
            check(line.is_over && line.state.is_final(), "it has not ended");
            check(line.came_fen == moved.came_fen, "we do not know of money that came");
            check(line.back_fen == moved.returned_fen, "we do not know of money that went back");
            check(moved.came_fen == 0 || entry.done == 1 || moved.returned_fen == moved.came_fen, "paid for nothing");
            let agrees = match line.state {
                State::Done => entry.done == 1 && moved.back_fen == 0,
                State::Refunded => entry.done == 0 && moved.returned_fen == line.amount_fen,
                State::Failed => entry.done == 0 && moved.came_fen == 0,
                _ => false,
            };
            check(agrees, "its end is not that of the others' books");
        }
        let sums = self.sums();
        let done = |(number, entry): (&String, &Entry)| {
            let by_wechat = self.ours.get(number).is_some_and(|line| line.by_wechat);
            i64::from(by_wechat) * i64::from(entry.done) * entry.amount_fen
        };
        let theirs = Sums {
            charged: self.till.values().map(|moved| moved.came_fen).sum(),
            fulfilled: self.business.iter().map(done).sum(),
            returned: self.till.values().map(|moved| moved.returned_fen).sum(),
            under_way: 0,
        };
        if sums != theirs {
            faults.push(format!("the sums are not those of the others: {sums:?}, {theirs:?}"));
        }
        faults
    }

    /// What we say of orders paid by WeChat Pay.
    pub fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for line in self.ours.values().filter(|line| line.by_wechat) {
            sums.charged += line.came_fen;
            sums.returned += line.back_fen;
            match line.state {
                State::Done => sums.fulfilled += line.amount_fen,
                State::Failed | State::Refunded => {}
                _ => sums.under_way += line.came_fen - line.back_fen,
            }
        }
        sums
    }

    /// How many stand where.
    pub fn tally(&self) -> BTreeMap<&'static str, usize> {
        let mut tally = BTreeMap::new();
        for line in self.ours.values() {
            *tally.entry(line.state.as_str()).or_default() += 1;
        }
        tally
    }
}

/// Three orders that ended well: done, refunded, and never paid; and one that the business system charged.
fn well() -> ThreeBooks {
    let line = |state, came_fen, back_fen| Line {
        state,
        is_over: true,
        amount_fen: 2000,
        by_wechat: true,
        came_fen,
        back_fen,
        ends: vec![state],
    };
    let direct = Line { by_wechat: false, ..line(State::Done, 0, 0) };
    let lines = [line(State::Done, 2000, 0), line(State::Refunded, 2000, 2000), line(State::Failed, 0, 0), direct];
    let names = ["done", "refunded", "unpaid", "direct"].map(str::to_owned);
    let entry = |put, done| Entry { put, done, amount_fen: 2000 };
    let came = Moved { times: 1, came_fen: 2000, ..Moved::default() };
    let [done, refunded, _, direct] = names.clone();
    ThreeBooks {
        told: names.iter().cloned().collect(),
        ours: names.into_iter().zip(lines).collect(),
        business: [(done.clone(), entry(2, 1)), (refunded.clone(), entry(1, 0)), (direct, entry(1, 1))].into(),
        till: [(done, came), (refunded, Moved { back_fen: 2000, returned_fen: 2000, ..came })].into(),
    }
}

#[test]
fn every_check_of_the_books_finds_the_wrong_book_that_it_is_for() {
    assert_eq!(well().faults(), Vec::<String>::new());
    type Wrong = fn(&mut ThreeBooks);
    let wrongs: [(&str, Wrong); 22] = [
        ("unknown to us", |all| drop(all.ours.remove("done"))),
        ("unknown to us", |all| drop(all.ours.remove("unpaid"))),
        ("charged twice", |all| all.till.get_mut("done").unwrap().times = 2),
        ("done twice", |all| all.business.get_mut("done").unwrap().done = 2),
        ("done for another amount", |all| all.business.get_mut("done").unwrap().amount_fen = 1999),
        ("we believe money that did not come", |all| all.till.retain(|number, _| number != "done")),
        ("we believe money that did not go back", |all| all.till.get_mut("refunded").unwrap().returned_fen = 0),
        ("more went back than came", |all| all.till.get_mut("refunded").unwrap().back_fen = 2001),
        ("asked for before it was paid", |all| *all.business.entry("unpaid".into()).or_default() = entry(0)),
        ("fulfilled unpaid", |all| *all.business.entry("unpaid".into()).or_default() = entry(1)),
        ("given back and done", |all| all.business.get_mut("refunded").unwrap().done = 1),
        ("we say done and it is not", |all| all.business.get_mut("direct").unwrap().done = 0),
        ("money is missing in what ended", |all| all.ours.get_mut("done").unwrap().came_fen = 1999),
        ("money is missing in what ended", |all| all.ours.get_mut("done").unwrap().back_fen = 1),
        ("it ended otherwise than once and so", |all| all.ours.get_mut("done").unwrap().ends.push(State::Done)),
        ("it ended otherwise than once and so", |all| all.ours.get_mut("refunded").unwrap().ends = vec![State::Done]),
        ("it has not ended", |all| all.ours.get_mut("done").unwrap().state = State::Fulfilling),
        ("it has not ended", |all| all.ours.get_mut("done").unwrap().is_over = false),
        ("we do not know of money that came", |all| all.ours.get_mut("done").unwrap().came_fen = 0),
        ("we do not know of money that went back", |all| all.ours.get_mut("refunded").unwrap().back_fen = 0),
        ("paid for nothing", |all| all.business.get_mut("done").unwrap().done = 0),
        ("its end is not that of the others' books", |all| all.ours.get_mut("direct").unwrap().state = State::Failed),
    ];
    for (words, wrong) in wrongs {
        let mut all = well();
        wrong(&mut all);
        let faults = all.faults();
        assert!(faults.iter().any(|fault| fault.starts_with(words)), "{words}: {faults:?}");
    }
    let mut all = well();
    all.ours.get_mut("refunded").unwrap().back_fen = 1999;
    let now = all.faults_now();
    assert!(now.iter().any(|fault| fault.starts_with("charged is not fulfilled")), "{now:?}");
    all.ours.get_mut("refunded").unwrap().state = State::Refunding;
    all.ours.get_mut("refunded").unwrap().ends.clear();
    assert_eq!(all.faults_now(), Vec::<String>::new(), "a fen may be under way");
    assert!(all.faults().iter().any(|fault| fault.starts_with("the sums are not")));
}

fn entry(done: u32) -> Entry {
    Entry { put: 1, done, amount_fen: 2000 }
}
