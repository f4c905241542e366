//! The scripts: each is the pieces of Lua it needs and one of its own. Redis keeps a script under the hash of its text
//! until it is told to forget it or restarts; then the text is sent again, which costs nobody more than that.

use std::sync::LazyLock;

use sha1::{Digest as _, Sha1};

/// One of them.
#[derive(Debug)]
pub(super) struct Script {
    /// What Redis knows it by.
    pub(super) hash: String,
    /// What it does.
    pub(super) text: String,
}

impl Script {
    fn new(pieces: &[&str]) -> Self {
        let text = pieces.concat();
        let hash = Sha1::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { hash, text }
    }
}

const HOME: &str = include_str!("scripts/home.lua");
const COUNT: &str = include_str!("scripts/count.lua");
const APPLY: &str = include_str!("scripts/apply.lua");
const SHARED: &str = include_str!("scripts/shared.lua");

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $($piece:expr),+;)+) => {
        $($(#[$doc])* pub(super) static $name: LazyLock<Script> = LazyLock::new(|| Script::new(&[$($piece),+]));)+
    };
}

scripts! {
    /// Notes what the store is made with, and tells what it was made with.
    OPEN = HOME, include_str!("scripts/open.lua");
    /// One decision.
    COMMIT = HOME, COUNT, APPLY, include_str!("scripts/commit.lua");
    /// A step of a bulk.
    BULK = HOME, COUNT, APPLY, SHARED, include_str!("scripts/bulk.lua");
    /// What becomes of a bulk.
    DECIDE = HOME, include_str!("scripts/decide.lua");
    /// Counters of some ranges.
    GATHER = HOME, include_str!("scripts/gather.lua");
    /// Late changes.
    LATE = HOME, include_str!("scripts/late.lua");
    /// All numbers of an instant.
    NUMBERS = HOME, include_str!("scripts/numbers.lua");
    /// Facts.
    LOG = HOME, include_str!("scripts/log.lua");
    /// Leases work.
    CLAIM = HOME, include_str!("scripts/claim.lua");
    /// Puts work off.
    DEFER = HOME, COUNT, APPLY, include_str!("scripts/defer.lua");
    /// One change of a shared record.
    PUT_SHARED = HOME, SHARED, include_str!("scripts/put_shared.lua");
    /// Whether a bulk is under way.
    BULKS = HOME, include_str!("scripts/bulks.lua");
    /// Deliveries that could not be used.
    ASIDE = HOME, include_str!("scripts/aside.lua");
    /// A delivery that could not be used.
    QUARANTINE = HOME, COUNT, SHARED, include_str!("scripts/quarantine.lua");
    /// What is held of somebody.
    HELD = HOME, COUNT, APPLY, include_str!("scripts/held.lua");
    /// Takes somebody away.
    ERASE = HOME, COUNT, APPLY, include_str!("scripts/erase.lua");
    /// What a process' journal is known to hold that is here too.
    MARK = HOME, include_str!("scripts/mark.lua");
    /// Who left long ago.
    OVERDUE = HOME, include_str!("scripts/overdue.lua");
}
