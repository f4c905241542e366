//! A personal code that was opened: what of it decisions may know.

use super::code::Tag;
use super::{Friend, Inviter};
use crate::domain::ids::{Openid, Scene};
use crate::domain::time::UnixSecs;

/// A code that a customer came by or wrote, opened by whoever has the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Of which campaign.
    pub tag: Tag,
    /// The code.
    pub scene: Scene,
    /// Whose it is.
    pub owner: Openid,
    /// The owner, as numbers name them.
    pub inviter: Inviter,
    /// The owner, as a record names the friends of somebody.
    pub owner_as_friend: Friend,
    /// Since when the owner follows.
    pub since: UnixSecs,
    /// The customer who came by it, as the owner's record names them.
    pub friend: Friend,
    /// It was written in a message.
    pub written: bool,
}
