//! What an entry is, and how it is sealed.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use super::JournalFault;
use crate::domain::ids::AccountId;
use crate::domain::time::UnixSecs;
use crate::store::{Partition, PseudonymKey};

/// Where an entry stands: rises with every entry of a journal, also over restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place(pub u64);

/// A delivery that was accepted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The account.
    pub account: AccountId,
    /// Where its customer lives.
    pub partition: Partition,
    /// When it arrived.
    pub arrived: UnixSecs,
    /// 64 random bits: decided again with them it comes to the same numbers of orders and tickets.
    pub fresh: u64,
    /// The message in clear, as it came.
    pub message: Vec<u8>,
}

/// What customers say is printed nowhere.
impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, partition, arrived, message, .. } = self;
        write!(f, "Accepted({account}, {partition:?}, {arrived:?}, {} bytes)", message.len())
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Record {
    /// A delivery.
    Accepted(Accepted),
    /// The customer was answered: whoever applies it again says nothing.
    Answered(Place),
}

impl Record {
    pub(super) fn write(&self) -> Result<Vec<u8>, JournalFault> {
        postcard::to_stdvec(self).map_err(|error| JournalFault::Unreadable(error.to_string()))
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, JournalFault> {
        postcard::from_bytes(bytes).map_err(|error| JournalFault::Unreadable(error.to_string()))
    }
}

/// The key of one segment. A place is sealed with it once, so it serves as the nonce.
pub(super) struct Seal(LessSafeKey);

impl Seal {
    /// Of the segment with this salt.
    pub(super) fn of(key: &PseudonymKey, salt: &[u8]) -> Result<Self, JournalFault> {
        let key = UnboundKey::new(&AES_256_GCM, &key.mark(&[b"journal", salt]));
        let unusable = |_| JournalFault::Unreadable("a key of 32 bytes is refused".into());
        Ok(Self(LessSafeKey::new(key.map_err(unusable)?)))
    }

    pub(super) fn seal(&self, place: Place, bytes: &mut Vec<u8>) -> Result<(), JournalFault> {
        let sealed = self.0.seal_in_place_append_tag(nonce(place), Aad::empty(), bytes);
        sealed.map_err(|_| JournalFault::Unreadable("an entry cannot be sealed".into()))
    }

    /// The entry, unless a bit of it is another.
    pub(super) fn open<'a>(&self, place: Place, bytes: &'a mut [u8]) -> Option<&'a [u8]> {
        self.0.open_in_place(nonce(place), Aad::empty(), bytes).ok().map(|clear| &*clear)
    }
}

fn nonce(Place(place): Place) -> Nonce {
    let mut nonce = [0; 12];
    nonce.iter_mut().zip(place.to_be_bytes()).for_each(|(at, byte)| *at = byte);
    Nonce::assume_unique_for_key(nonce)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::store::journal) fn accepted(n: i64) -> Accepted {
        Accepted {
            account: "demo".into(),
            partition: Partition(3),
            arrived: UnixSecs(1_000 + n),
            fresh: 7,
            message: format!("<xml>秘密{n}</xml>").into_bytes(),
        }
    }

    #[test]
    fn an_entry_is_opened_only_as_a_whole_at_its_place_and_with_its_key() {
        let seal = |key: &str, salt: &[u8]| Seal::of(&PseudonymKey::new(key), salt).unwrap();
        let clear = Record::Accepted(accepted(1)).write().unwrap();
        let mut sealed = clear.clone();
        seal("k", b"s").seal(Place(9), &mut sealed).unwrap();
        assert!(!sealed.windows(4).any(|bytes| bytes == b"<xml"));
        assert_eq!(seal("k", b"s").open(Place(9), &mut sealed.clone()), Some(clear.as_slice()));
        assert_eq!(seal("k", b"s").open(Place(8), &mut sealed.clone()), None);
        assert_eq!(seal("k", b"t").open(Place(9), &mut sealed.clone()), None);
        assert_eq!(seal("l", b"s").open(Place(9), &mut sealed.clone()), None);
        for at in 0..sealed.len() {
            let mut other = sealed.clone();
            other[at] ^= 1;
            assert_eq!(seal("k", b"s").open(Place(9), &mut other), None);
        }
    }

    #[test]
    fn what_customers_say_is_not_printed() {
        assert_eq!(format!("{:?}", accepted(1)), "Accepted(demo, Partition(3), UnixSecs(1001), 18 bytes)");
    }
}
