//! What is kept of a customer who unfollows (growth.md 1.2): one switch, declared, and printed under every report.

/// `privacy.forget`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forget {
    /// Nothing: somebody who comes back is new.
    Strict,
    /// Under a keyed hash in place of the openid: ever followed, credits given, the activity history; nothing else.
    #[default]
    Tombstone,
    /// Everything, hidden, until `privacy.keep_days` are over.
    Soft,
}
