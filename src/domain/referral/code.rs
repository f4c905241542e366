//! Personal codes: whose code it is, of which campaign, and since when they follow, sealed into the scene of a code.
//!
//! Nothing has to be looked up to read one, so a store that lost what it knew cannot make a poster worthless, and no
//! number of posters slows anybody down. The same customer has the same code in the same campaign. AES-SIV (RFC 5297):
//! a code cannot be made or changed without the key; of a guess one in 2^128 would be one.

use std::fmt;

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes128Siv;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::domain::ids::{AccountId, ActionKey, Openid, Scene};
use crate::domain::time::UnixSecs;

/// What every personal code begins with; no channel of the operator's may.
pub const PREFIX: &str = "i_";
/// Flags, campaign, seconds.
const HEAD_BYTES: usize = 1 + TAG_BYTES + 4;
const TAG_BYTES: usize = 3;
const SIV_BYTES: usize = 16;
/// The shortest code and the longest there is (platform.md 4.6: a scene has at most 64 characters).
const CODE_BYTES: std::ops::RangeInclusive<usize> = SIV_BYTES + HEAD_BYTES + 1..=46;
/// The openid is base64url, as the platform's are, and was decoded, which takes a quarter less.
const IS_PACKED: u8 = 1;
/// So many characters were added to make whole bytes of it.
const ADDED: u8 = 0b110;
const FILLING: char = 'A';

/// Which campaign a code is of: short, so that it fits; `fuwu check` sees to it that no two campaigns share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag([u8; TAG_BYTES]);

impl Tag {
    /// The one of a campaign.
    pub fn of(campaign: &ActionKey) -> Self {
        let hash = Sha256::digest(campaign.as_str());
        Self(std::array::from_fn(|nth| hash.get(nth).copied().unwrap_or_default()))
    }
}

/// What a code says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Of which campaign.
    pub tag: Tag,
    /// Whose.
    pub owner: Openid,
    /// Since when the owner follows: their first follow ever.
    pub since: UnixSecs,
}

/// What seals codes of all accounts of an installation.
#[derive(Clone)]
pub struct CodeKey([u8; 32]);

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey(…)")
    }
}

impl CodeKey {
    /// With 32 secret bytes.
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The scene of a customer's code. `None` for an openid that is too long for one, which no platform hands out.
    pub fn seal(&self, account: &AccountId, contents: &Contents) -> Option<Scene> {
        let (flags, owner) = match packed(&contents.owner) {
            Some((added, bytes)) => (IS_PACKED | added << 1, bytes),
            None => (0, contents.owner.as_str().as_bytes().to_vec()),
        };
        let since = u32::try_from(contents.since.0.max(0)).unwrap_or(u32::MAX);
        let mut clear = vec![flags];
        clear.extend(contents.tag.0);
        clear.extend(since.to_be_bytes());
        clear.extend(owner);
        let sealed = Aes128Siv::new(&self.0.into()).encrypt([account.as_str().as_bytes()], &clear).ok()?;
        CODE_BYTES.contains(&sealed.len()).then(|| Scene::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sealed))))
    }

    /// What a scene says; `None` when it is no code of ours.
    pub fn open(&self, account: &AccountId, scene: &Scene) -> Option<Contents> {
        let sealed = URL_SAFE_NO_PAD.decode(scene.as_str().strip_prefix(PREFIX)?).ok()?;
        if !CODE_BYTES.contains(&sealed.len()) {
            return None;
        }
        let clear = Aes128Siv::new(&self.0.into()).decrypt([account.as_str().as_bytes()], &sealed).ok()?;
        let ([flags, a, b, c, s0, s1, s2, s3], owner) = clear.split_first_chunk::<HEAD_BYTES>()?;
        let owner = match flags & IS_PACKED {
            0 => String::from_utf8(owner.to_vec()).ok()?,
            _ => {
                let mut text = URL_SAFE_NO_PAD.encode(owner);
                text.truncate(text.len().saturating_sub(usize::from((flags & ADDED) >> 1)));
                text
            }
        };
        let since = UnixSecs(i64::from(u32::from_be_bytes([*s0, *s1, *s2, *s3])));
        Some(Contents { tag: Tag([*a, *b, *c]), owner: Openid::new(owner), since })
    }
}

fn packed(openid: &Openid) -> Option<(u8, Vec<u8>)> {
    let added = (4 - openid.as_str().len() % 4) % 4;
    let whole: String = openid.as_str().chars().chain(std::iter::repeat_n(FILLING, added)).collect();
    Some((u8::try_from(added).ok()?, URL_SAFE_NO_PAD.decode(whole).ok()?))
}

/// A code in words: in a message somebody passed on, for accounts that make no pictures of codes.
pub fn in_words(words: &str) -> Option<Scene> {
    let is_of_code = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let longest = CODE_BYTES.end().div_ceil(3) * 4;
    words
        .split(|c| !is_of_code(c))
        .filter_map(|word| word.find(PREFIX).and_then(|at| word.get(at..)))
        .find(|word| word.len() > SIV_BYTES && word.len() <= PREFIX.len() + longest)
        .map(Scene::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> CodeKey {
        CodeKey::new([7; 32])
    }

    fn contents(owner: &str) -> Contents {
        Contents { tag: Tag::of(&"spring".into()), owner: owner.into(), since: UnixSecs(1_767_196_800) }
    }

    #[test]
    fn a_code_fits_into_a_scene_and_says_what_was_sealed_in_it() {
        for owner in [
            "oTESTopenid0000000000000001",
            "oPropertyCustomer00000000001",
            "o",
            "oA",
            "oAA",
            "oAAA",
            "oABC-_def",
            "a b",
        ] {
            let scene = key().seal(&"demo".into(), &contents(owner)).unwrap();
            assert!(scene.as_str().len() <= 64, "{} characters", scene.as_str().len());
            assert_eq!(key().open(&"demo".into(), &scene), Some(contents(owner)));
            assert_eq!(key().seal(&"demo".into(), &contents(owner)), Some(scene), "it is the same again");
        }
        assert_eq!(key().seal(&"demo".into(), &contents(&"o".repeat(60))), None);
    }

    #[test]
    fn a_code_of_another_account_another_key_or_changed_is_none() {
        let scene = key().seal(&"demo".into(), &contents("oTESTopenid0000000000000001")).unwrap();
        assert_eq!(key().open(&"other".into(), &scene), None);
        assert_eq!(CodeKey::new([8; 32]).open(&"demo".into(), &scene), None);
        for at in PREFIX.len()..scene.as_str().len() {
            let mut changed = scene.as_str().to_owned().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = Scene::new(String::from_utf8(changed).unwrap());
            assert!(changed == scene || key().open(&"demo".into(), &changed).is_none(), "{at}");
        }
        for scene in ["", "i_", "i_AAAA", "store:nanjing", "i_????", &format!("i_{}", "A".repeat(62))] {
            assert_eq!(key().open(&"demo".into(), &scene.into()), None, "{scene}");
        }
    }

    #[test]
    fn a_code_is_found_in_a_message_that_was_passed_on() {
        let scene = key().seal(&"demo".into(), &contents("oTESTopenid0000000000000001")).unwrap();
        for words in [format!("{scene}"), format!("我的邀请码：{scene}，发给公众号就行"), format!("  {scene}\n")]
        {
            assert_eq!(in_words(&words), Some(scene.clone()), "{words}");
        }
        for words in ["", "你好", "wifi_2", "i_", "i_am", "手机i_"] {
            assert_eq!(in_words(words), None, "{words}");
        }
    }

    proptest! {
        #[test]
        fn no_words_bring_it_down(words in ".{0,200}") {
            if let Some(scene) = in_words(&words) {
                prop_assert_eq!(key().open(&"demo".into(), &scene), None);
            }
        }

        #[test]
        fn whoever_owns_it_is_read_again(owner in "o[A-Za-z0-9_-]{0,27}|.{1,5}", secs in 0..u32::MAX) {
            let contents = Contents { since: UnixSecs(i64::from(secs)), ..contents(&owner) };
            let scene = key().seal(&"a".into(), &contents).unwrap();
            prop_assert_eq!(key().open(&"a".into(), &scene), Some(contents));
        }
    }
}
