//! What is told of weeks that were lived.

use std::collections::BTreeSet;
use std::time::Instant;

use super::books::{Books, Breach, Owed};
use super::weather::Fault;
use crate::door::Passed;

/// What is known of the message that a breach is about.
pub fn tell(books: &Books, breach: &Breach) {
    let Some(owed) = books.owed.iter().find(|owed| format!("{breach:?}").contains(&owed.words)) else { return };
    let customer = &books.customers[&owed.to];
    let calls: Vec<&Passed> = books.calls.iter().filter(|call| call.said.contains(&owed.words)).collect();
    println!("  owed at {}, given up {:?}, asked of the platform {calls:?}", owed.at, books.dead.get(&owed.words));
    println!(
        "  left {:?}, refused {:?}, notes {:?}, {:?}",
        customer.left, customer.refused, customer.notes, customer.heard
    );
}

/// What many weeks came to.
#[derive(Default)]
pub struct Sum {
    weeks: usize,
    pub owed: usize,
    pub told: usize,
    dead: usize,
    noted: usize,
    calls: usize,
    pub refused: usize,
    pub lost: usize,
    faults: Vec<Fault>,
}

impl Sum {
    pub fn add(&mut self, books: &Books, faults: Vec<Fault>) {
        let heard = |owed: &&Owed| books.customers[&owed.to].heard.iter().any(|heard| heard.contains(&owed.words));
        self.weeks += 1;
        self.owed += books.owed.len();
        self.told += books.owed.iter().filter(heard).count();
        self.dead += books.dead.len();
        self.noted += books.customers.values().map(|customer| customer.notes.len()).sum::<usize>();
        self.calls += books.calls.len();
        self.refused += books.calls.iter().filter(|call| call.code.is_some_and(|code| code != 0)).count();
        self.lost += books.calls.iter().filter(|call| call.lost || call.code.is_none()).count();
        self.faults.extend(faults);
    }

    pub fn print(&self, began: Instant) {
        let kinds: BTreeSet<Fault> = self.faults.iter().copied().collect();
        println!(
            "{} weeks, {} messages owed, {} told, {} given up, {} waiting at the end; {} calls, {} refused, {} without an \
             answer; {} faults of {} kinds; {:.0} s",
            self.weeks,
            self.owed,
            self.told,
            self.dead,
            self.noted,
            self.calls,
            self.refused,
            self.lost,
            self.faults.len(),
            kinds.len(),
            began.elapsed().as_secs_f64()
        );
    }
}
