//! How a customer stands with the account beyond following it: tags, remark, black list, consents.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::ApiFault;
use crate::domain::time::UnixSecs;

/// Mass messages a follower of a service account receives in a calendar month (platform.md 4.13).
const MASS_A_MONTH: u8 = 4;
const TAGS: usize = 20;
/// Characters of a remark; the platform takes fewer than 30.
const REMARK_CHARS: usize = 29;

/// Everything but the follow itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// Tags in the order they were put on; the last decides which menu is shown.
    pub tags: Vec<u32>,
    /// What the account calls the customer.
    pub remark: String,
    /// On the black list: what they say does not arrive, what is sent to them is refused.
    pub blacklisted: bool,
    /// Switched off receiving messages of the account.
    pub refuses: bool,
    /// Opens pages as an anonymous snapshot user.
    pub snapshot: bool,
    /// When they last used the mini program that is linked to the account; Unix seconds.
    pub mini_program_at: Option<i64>,
    /// The id across the accounts of one owner, when the account is bound to an Open Platform account.
    pub unionid: Option<String>,
    /// Subscription notices that may still be sent, by template.
    pub consents: BTreeMap<String, u32>,
    /// The month of [`Self::mass_received`].
    pub mass_month: i32,
    /// Mass messages received in that month.
    pub mass_received: u8,
}

impl Standing {
    /// Whether there is nothing to keep.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Puts a tag on; one that is on stays where it is.
    pub fn tag(&mut self, tag: u32) -> Result<(), ApiFault> {
        if self.tags.contains(&tag) {
            return Ok(());
        }
        if self.tags.len() >= TAGS {
            return Err(ApiFault::new(45059, "has to many tag for this user"));
        }
        self.tags.push(tag);
        Ok(())
    }

    /// Sets the remark.
    pub fn call(&mut self, remark: &str) -> Result<(), ApiFault> {
        if remark.chars().count() > REMARK_CHARS {
            return Err(ApiFault::parameter("remark too long"));
        }
        self.remark = remark.to_owned();
        Ok(())
    }

    /// Spends one consent for a template: 43101 when there is none.
    pub fn spend(&mut self, template: &str) -> Result<(), ApiFault> {
        match self.consents.get_mut(template) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Ok(())
            }
            _ => Err(ApiFault::new(43101, "user refuse to accept the msg")),
        }
    }

    /// Counts a mass message, or says that the month is full.
    pub fn takes_mass(&mut self, now: i64) -> bool {
        let month = UnixSecs(now).business_day().month();
        if self.mass_month != month {
            (self.mass_month, self.mass_received) = (month, 0);
        }
        let takes = self.mass_received < MASS_A_MONTH;
        self.mass_received += u8::from(takes);
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_keep_the_order_they_were_put_on_and_are_twenty_at_most() {
        let mut standing = Standing::default();
        assert!([101, 100, 101].into_iter().all(|tag| standing.tag(tag).is_ok()));
        assert_eq!(standing.tags, [101, 100]);
        assert!((200..218).all(|tag| standing.tag(tag).is_ok()));
        assert_eq!(standing.tag(300).map_err(|f| f.errcode), Err(45059));
        assert!(standing.tag(101).is_ok(), "it is on already");
    }

    #[test]
    fn four_mass_messages_a_calendar_month() {
        let mut standing = Standing::default();
        let january = 1_767_225_600;
        let taken: Vec<bool> = (0..5).map(|_| standing.takes_mass(january)).collect();
        assert_eq!(taken, [true, true, true, true, false]);
        assert!(standing.takes_mass(january + 31 * 86_400));
    }

    #[test]
    fn a_consent_is_spent_once_and_a_remark_is_short() {
        let mut standing = Standing::default();
        standing.consents.insert("T".into(), 1);
        assert!(standing.spend("T").is_ok());
        assert_eq!(standing.spend("T").map_err(|f| f.errcode), Err(43101));
        assert_eq!(standing.spend("U").map_err(|f| f.errcode), Err(43101));
        assert!(standing.call(&"备".repeat(29)).is_ok());
        assert_eq!(standing.call(&"备".repeat(30)).map_err(|f| f.errcode), Err(40035));
    }
}
