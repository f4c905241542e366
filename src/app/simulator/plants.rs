//! Faults planted on purpose: each must be caught by the rule it breaks, or the rule proves nothing.

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Plant {
    /// The store acknowledges and keeps nothing.
    KeepsNothing,
    /// The store acknowledges before it is durable, and a crash takes it back.
    AcknowledgesEarly,
    /// The store says that it failed, and applies the commit seconds later.
    AppliesLater,
    /// The store writes the facts of a commit twice.
    AppliesTwice,
    /// The store applies decisions made from an older record.
    OverwritesOthers,
    /// The record loses which deliveries it knows.
    ForgetsDeliveries,
    /// The record loses what they earned.
    ForgetsReplies,
    /// One counter of each commit is not counted.
    MiscountsOnce,
    /// Outgoing work is not kept.
    LosesWork,
    /// Outgoing work that was claimed never comes back.
    NeverGivesBack,
    /// The store refuses, and nobody wrote down that it did.
    RefusesSilently,
    /// The business system does not look at the idempotency key.
    ChargesTwice,
    /// The business system takes back what it has done.
    Undoes,
    /// What was sent is shown a minute late now and then.
    ShowsLate,
    /// A message is shown before its work is committed.
    SendsBeforeCommit,
    /// The end of a message is not noted, and so it is sent again.
    ForgetsItWasSent,
    /// The answer takes six seconds.
    AnswersLate,
}
