//! What is to be done about a code of the platform (platform.md 4.0): one table, no exceptions elsewhere.

use super::codes::MEANINGS;

/// What a code asks of whoever made the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Renew the access token once and repeat the call once.
    Refresh,
    /// The platform is busy: repeat with growing, jittered waits, if the call may be repeated.
    RetrySoon,
    /// Not before so many seconds.
    WaitSecs(u32),
    /// Not before midnight in +08:00, or until the quota is cleared; the operator is told.
    UntilQuotaReset,
    /// This request will never be done.
    GiveUp(Reason),
    /// As [`Reaction::GiveUp`], and somebody has to mend something.
    Alert(Reason),
    /// What was asked for is so already: a success.
    AlreadyDone,
    /// A nicety that did not work out: a success.
    Ignore,
}

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The customer: does not follow, refuses, is unknown.
    Recipient,
    /// What was to be said, shown or made.
    Content,
    /// No open interaction window, or nothing left of it.
    Window,
    /// A number that is used up: of calls, of codes, of tags.
    Quota,
    /// The account or this machine, whatever is asked: the secret, the list of addresses, an administrator's consent. Once
    /// that is mended the same call may do.
    Account,
    /// What the account may do, or is set up for.
    Right,
    /// The call itself: ours to mend.
    Request,
    /// The customer's authorization of a page: it begins anew.
    Authorization,
    /// The agents' desk.
    Desk,
}

/// Longer waits have their own reaction; these are the platform's minute.
const MINUTE: Reaction = Reaction::WaitSecs(60);

/// The reaction to a code. One that the table does not have gives up: nothing is known that would help.
pub fn reaction(code: i64) -> Reaction {
    MEANINGS
        .iter()
        .find(|(codes, ..)| codes.contains(&code))
        .map_or(Reaction::GiveUp(Reason::Request), |(_, reaction, _)| *reaction)
}

/// The reaction to a code of the calls that hand out tokens: there, a bad credential is the account's secret.
pub fn reaction_of_token(code: i64) -> Reaction {
    match reaction(code) {
        Reaction::Refresh => Reaction::Alert(Reason::Account),
        reaction => reaction,
    }
}

/// What a code means, in the words of an operator; `None` for one that the table does not have.
pub fn meaning(code: i64) -> Option<&'static str> {
    MEANINGS.iter().find(|(codes, ..)| codes.contains(&code)).map(|(.., words)| *words)
}

pub(super) mod rows {
    //! Short names for the table.
    use super::{Reaction, Reason};

    pub(in super::super) const REFRESH: Reaction = Reaction::Refresh;
    pub(in super::super) const RETRY: Reaction = Reaction::RetrySoon;
    pub(in super::super) const MINUTE: Reaction = super::MINUTE;
    pub(in super::super) const QUOTA_DAY: Reaction = Reaction::UntilQuotaReset;
    pub(in super::super) const DONE: Reaction = Reaction::AlreadyDone;
    pub(in super::super) const IGNORE: Reaction = Reaction::Ignore;

    pub(in super::super) const fn gives_up(reason: Reason) -> Reaction {
        Reaction::GiveUp(reason)
    }

    pub(in super::super) const fn alerts(reason: Reason) -> Reaction {
        Reaction::Alert(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Reaction::{Alert, AlreadyDone, GiveUp, Ignore, Refresh, RetrySoon, UntilQuotaReset, WaitSecs};
    use Reason::{Account, Authorization, Content, Desk, Quota, Recipient, Request, Right, Window};

    /// Every code of the table in platform.md 4.0.
    #[test]
    fn every_code_has_the_reaction_that_the_reference_names() {
        let expected: &[(&[i64], Reaction)] = &[
            (&[-1], RetrySoon),
            (&[40001, 40014, 42001], Refresh),
            (&[41001, 40002, 40033, 47001, 47002, 43002, 43003, 44002, 45067, 40035, 40097, 61451], GiveUp(Request)),
            (&[40003, 43004, 43019, 43101, 48002, 50001, 50002, 50005, 40031, 40032], GiveUp(Recipient)),
            (&[40004, 40005, 40006, 40007, 40009, 40010, 40011, 40012], GiveUp(Content)),
            (&[40013, 40125, 40164, 40243, 50004, 50007, 89503, 89506, 89507], Alert(Account)),
            (&[48001, 48003, 48004, 61003, 61007], Alert(Right)),
            (&[40016, 40017, 40018, 40019, 40020, 40021, 40022, 40023, 40024, 40025, 40026, 40027], GiveUp(Content)),
            (&[40029, 40030, 42002, 40163, 42003], GiveUp(Authorization)),
            (&[40036, 40037, 43116, 53503, 53504, 53505], Alert(Content)),
            (&[40053, 40054, 40055, 41030, 44004, 47003, 48005, 48008, 87014, 45064], GiveUp(Content)),
            (&[45001, 45002, 45003, 45004, 45005, 45006, 45007, 45008, 45098, 45099], GiveUp(Content)),
            (&[45009], UntilQuotaReset),
            (&[45011, 45066, 65414, 65415], WaitSecs(60)),
            (&[45015, 45047], GiveUp(Window)),
            (&[45028, 48006], GiveUp(Quota)),
            (&[45029], Alert(Quota)),
            (&[45056, 45057, 45058, 45059, 45157, 45158, 45159], GiveUp(Content)),
            (&[45065, 46003], AlreadyDone),
            (&[45072, 45080, 45081], Ignore),
            (&[61450, 61452, 61453, 61454, 61455, 61456, 61457], GiveUp(Desk)),
            (&[65400, 65401, 65402, 65403, 65404, 65405, 65406, 65407, 65408, 65409, 65410, 65411], GiveUp(Desk)),
            (&[65412, 65413, 65416, 65417], GiveUp(Desk)),
            (&[65301, 65302, 65303, 65304, 65305, 65306, 65307, 65308, 65309, 65310], GiveUp(Content)),
            (&[65311, 65312, 65313, 65314, 65315, 65316, 65317, 65320], GiveUp(Content)),
            (&[76001, 76002, 76003, 76004, 76021, 76022, 87009], GiveUp(Request)),
            (&[88000, 88001, 88003, 88005, 88007, 88008, 88010], GiveUp(Content)),
            (&[40201, 40202, 40203, 45087], Alert(Right)),
        ];
        for (codes, reaction_to) in expected {
            for code in *codes {
                assert_eq!(reaction(*code), *reaction_to, "{code}");
                assert!(meaning(*code).is_some_and(|words| !words.is_empty()), "{code}");
            }
        }
        let listed: usize = expected.iter().map(|(codes, _)| codes.len()).sum();
        let known = MEANINGS.iter().flat_map(|(codes, ..)| codes.clone()).count();
        assert!(known >= listed, "{known} codes are known, {listed} expected");
    }

    #[test]
    fn no_code_is_in_the_table_twice() {
        let mut codes: Vec<i64> = MEANINGS.iter().flat_map(|(codes, ..)| codes.clone()).collect();
        codes.sort_unstable();
        let all = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }

    #[test]
    fn what_nobody_knows_is_given_up_and_a_refused_secret_is_no_reason_to_refresh() {
        assert_eq!((reaction(99_999), meaning(99_999)), (GiveUp(Request), None));
        assert_eq!((reaction_of_token(40001), reaction_of_token(-1)), (Alert(Account), RetrySoon));
    }
}
