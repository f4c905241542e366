//! Names that stand in place of an openid once its customer left (growth.md 1.2).
//!
//! A tombstone is called `~PARTITION.HASH`, the hash keyed and made from account and openid: whoever has the key
//! recognises a customer who comes back, nobody else can try openids out. A name that begins with `!` is drawn at random
//! and leads to nobody. Both carry the partition, so that what is kept stays where it is. No openid of the platform
//! begins like either, and the channel refuses one that does.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{CustomerRef, Partition, Partitions};
use crate::domain::forget::Keep;
use crate::domain::ids::Openid;

const TOMBSTONE: char = '~';
const NOBODY: char = '!';

/// The key of every keyed hash over customers. It never changes: with another one nobody who left is recognised. Nothing
/// prints it.
#[derive(Clone)]
pub struct PseudonymKey(Hmac<Sha256>);

impl PseudonymKey {
    /// The key of a secret text of at least 32 random bytes.
    pub fn new(secret: &str) -> Self {
        let key: Result<_, hmac::digest::InvalidLength> = Hmac::new_from_slice(secret.as_bytes());
        // HMAC takes keys of any length (RFC 2104), so there is always one.
        Self(key.unwrap_or_else(|_| Hmac::new(&Default::default())))
    }

    /// The keyed hash over parts that end with a zero byte each, the last one excepted.
    pub fn mark(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for (nth, part) in parts.iter().enumerate() {
            if nth > 0 {
                mac.update(&[0]);
            }
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(…)")
    }
}

/// Makes the names that records are kept under. Without the key, for a reader of numbers, nobody who left is found.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) partitions: Partitions,
    pub(super) key: Option<PseudonymKey>,
}

impl Names {
    /// The name of the customer's tombstone.
    pub(super) fn tombstone(&self, of: &CustomerRef) -> Option<Openid> {
        if partition_in(&of.openid).is_some() {
            return None;
        }
        let hash = self.key.as_ref()?.mark(&[of.account.as_str().as_bytes(), of.openid.as_str().as_bytes()]);
        let partition = self.partitions.of(of).0;
        Some(Openid::new(format!("{TOMBSTONE}{partition}.{}", URL_SAFE_NO_PAD.encode(hash))))
    }

    /// The name the record has from a commit on; one that is a pseudonym already stays, for its openid is not known.
    pub(super) fn kept(&self, of: &CustomerRef, keep: Keep) -> Openid {
        match keep {
            Keep::Known => of.openid.clone(),
            Keep::Tombstone => self.tombstone(of).unwrap_or_else(|| of.openid.clone()),
            Keep::Nothing => nobody(self.partitions.of(of)),
        }
    }
}

/// A name that leads to nobody.
pub(super) fn nobody(partition: Partition) -> Openid {
    let name = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>());
    Openid::new(format!("{NOBODY}{}.{name}", partition.0))
}

/// The partition a pseudonym carries; `None` for an openid.
pub(super) fn partition_in(openid: &Openid) -> Option<Partition> {
    let (partition, _) = openid.as_str().strip_prefix([TOMBSTONE, NOBODY])?.split_once('.')?;
    partition.parse().ok().map(Partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names { partitions: Partitions::new(64).unwrap(), key: Some(PseudonymKey::new("the key of the tests")) }
    }

    fn who(account: &str, openid: &str) -> CustomerRef {
        CustomerRef { account: account.into(), openid: openid.into() }
    }

    /// From Python: `hmac.new(b"the key of the tests", b"demo\0oABC123", "sha256")`, base64url. With other names nobody
    /// who left would be recognised: never bless new ones.
    #[test]
    fn a_tombstone_has_the_name_it_has_always_had() {
        let name = names().tombstone(&who("demo", "oABC123")).unwrap();
        assert_eq!(name.as_str(), "~41.NVsKq65qKhcjCZrbYwAKvvGPH_7p3sn97MdHJZ5Z_io");
    }

    #[test]
    fn a_pseudonym_stays_in_its_partition_and_is_never_hashed_again() {
        let of = who("demo", "oABC123");
        for keep in [Keep::Tombstone, Keep::Nothing] {
            let name = names().kept(&of, keep);
            let kept = CustomerRef { openid: name.clone(), ..of.clone() };
            assert_eq!((names().partitions.of(&kept), names().tombstone(&kept)), (names().partitions.of(&of), None));
            assert_eq!((names().kept(&kept, Keep::Tombstone), names().kept(&kept, Keep::Known)), (name.clone(), name));
        }
        assert_ne!(names().kept(&of, Keep::Nothing), names().kept(&of, Keep::Nothing));
        assert_eq!(partition_in(&"~".into()), None);
        assert_eq!(partition_in(&"~x.y".into()), None);
    }

    #[test]
    fn names_differ_by_account_openid_and_key() {
        let name = |names: Names, of: &CustomerRef| names.tombstone(of).unwrap();
        let own = name(names(), &who("ab", "c"));
        let other = Names { key: Some(PseudonymKey::new("another")), ..names() };
        assert_ne!(own, name(names(), &who("a", "bc")));
        assert_ne!(own, name(other, &who("ab", "c")));
        assert_eq!(format!("{:?}", names().key), "Some(PseudonymKey(…))");
    }
}
