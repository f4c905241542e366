//! The envelope's cryptography: AES-256-CBC with padding to 32 bytes (platform.md 1.4).

use std::fmt;
use std::ops::Range;

use aes::Aes256;
use aes::cipher::{Array, Block, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::{Choice, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess};

use super::key::AesKey;

const BLOCK: usize = 16;
/// Padding goes up to the next multiple of 32, and there is always some.
const PAD_TO: usize = 32;
/// A padding of so many bytes is none.
const PAD_LIMIT: u8 = 33;
/// 16 random bytes and the length.
const HEAD: usize = 20;

/// What was inside: one buffer and where the message lies in it, so that nothing is copied.
#[derive(Default)]
pub struct Clear {
    buffer: Vec<u8>,
    message: Range<usize>,
}

/// What customers say is printed nowhere.
impl fmt::Debug for Clear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clear({} bytes)", self.message().len())
    }
}

impl Clear {
    /// One that came in clear.
    pub(super) fn came(body: &[u8]) -> Self {
        Self { buffer: body.to_vec(), message: 0..body.len() }
    }

    /// The message.
    pub fn message(&self) -> &[u8] {
        self.buffer.get(self.message.clone()).unwrap_or_default()
    }
}

/// Decrypts one `Encrypt` text that was made for `receiver`. `None` for every kind of failure alike, so that nothing can
/// be learned from it: neither from the answer nor, once the blocks are decrypted, from the time it takes.
pub(super) fn decrypt(key: &AesKey, encrypted: &str, receiver: &[u8]) -> Option<Clear> {
    let mut buffer = STANDARD.decode(encrypted).ok()?;
    let (blocks, rest) = Block::<Aes256>::slice_as_chunks_mut(&mut buffer);
    if blocks.len() < PAD_TO / BLOCK || !rest.is_empty() {
        return None;
    }
    let iv = Array(key.iv());
    cbc::Decryptor::inner_iv_init(&key.cipher, &iv).decrypt_blocks(blocks);
    let inspected = Inspected::of(&buffer, receiver)?;
    inspected.is_right().then_some(Clear { buffer, message: HEAD..inspected.message_end })
}

/// Everything that is looked at in a decrypted buffer. Each is looked at whatever the others are, over the same bytes:
/// who can sign but not decrypt must not find out how far we got (a padding oracle, reliability.md D6).
#[derive(Debug)]
struct Inspected {
    padding: Choice,
    length: Choice,
    receiver: Choice,
    message_end: usize,
}

impl Inspected {
    /// `None` for what is shorter than any envelope.
    fn of(buffer: &[u8], receiver: &[u8]) -> Option<Self> {
        let len: [u8; 4] = buffer.get(BLOCK..HEAD)?.try_into().ok()?;
        let pad = *buffer.last()?;
        let tail = buffer.get(buffer.len().checked_sub(PAD_TO)?..)?;
        let mut padding = pad.ct_gt(&0) & pad.ct_lt(&(PAD_LIMIT));
        for (from_end, byte) in (1_u8..).zip(tail.iter().rev()) {
            // A byte before the padding may be anything.
            padding &= byte.ct_eq(&pad) | from_end.ct_gt(&pad);
        }
        let len = usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX);
        let message_end = HEAD.saturating_add(len);
        let end = buffer.len().saturating_sub(usize::from(pad));
        // Where the receiver must stand if the padding is right. A wrong padding may lead elsewhere, never outside.
        let start = end.saturating_sub(receiver.len());
        let stands = buffer.get(start..start.saturating_add(receiver.len())).unwrap_or_default();
        let receiver = stands.ct_eq(receiver);
        Some(Self { padding, length: start_is(message_end, start), receiver, message_end })
    }

    fn is_right(&self) -> bool {
        (self.padding & self.length & self.receiver).into()
    }
}

fn start_is(message_end: usize, start: usize) -> Choice {
    u64::try_from(message_end).unwrap_or(u64::MAX).ct_eq(&u64::try_from(start).unwrap_or_default())
}

/// Encrypts a message for `receiver`.
pub(super) fn encrypt(key: &AesKey, random: &[u8; 16], message: &[u8], receiver: &str) -> String {
    let unpadded = HEAD + message.len() + receiver.len();
    let pad = PAD_TO - unpadded % PAD_TO;
    let mut buffer = Vec::with_capacity(unpadded + pad);
    buffer.extend_from_slice(random);
    // A message is at most tens of kilobytes: the length always fits.
    buffer.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    buffer.extend_from_slice(message);
    buffer.extend_from_slice(receiver.as_bytes());
    buffer.resize(unpadded + pad, u8::try_from(pad).unwrap_or_default());
    let iv = Array(key.iv());
    let (blocks, _) = Block::<Aes256>::slice_as_chunks_mut(&mut buffer);
    cbc::Encryptor::inner_iv_init(&key.cipher, &iv).encrypt_blocks(blocks);
    STANDARD.encode(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> AesKey {
        AesKey::decode(&"A".repeat(43)).unwrap()
    }

    /// Encrypts a whole buffer as it is, so that a test can lie about any part of it.
    fn raw(mut buffer: Vec<u8>) -> String {
        let (blocks, _) = Block::<Aes256>::slice_as_chunks_mut(&mut buffer);
        cbc::Encryptor::inner_iv_init(&key().cipher, &Array(key().iv())).encrypt_blocks(blocks);
        STANDARD.encode(buffer)
    }

    fn lying(len: u32, pad: u8, pads: usize) -> String {
        let mut buffer = vec![b'r'; 16];
        buffer.extend(len.to_be_bytes());
        buffer.resize(62 - pads, b'm');
        buffer.extend(b"wx");
        buffer.resize(64, pad);
        raw(buffer)
    }

    #[test]
    fn every_length_comes_back() {
        for len in 0..100 {
            let message = vec![b'm'; len];
            let sealed = encrypt(&key(), &[7; 16], &message, "wx1");
            assert_eq!(decrypt(&key(), &sealed, b"wx1").unwrap().message(), message);
            for other in ["", "wx", "wx12", "xwx1", "wx2", &"w".repeat(200)] {
                assert!(decrypt(&key(), &sealed, other.as_bytes()).is_none(), "{other}");
            }
        }
    }

    #[test]
    fn the_platforms_own_sample_reply_comes_out() {
        let sealed = encrypt(&key(), b"707722b803182950", br#"{"demo_resp":"good luck"}"#, "wxba5fad812f8e6fb9");
        assert_eq!(sealed, "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==");
    }

    fn opens(sealed: &str) -> bool {
        decrypt(&key(), sealed, b"wx").is_some()
    }

    #[test]
    fn padding_must_be_1_to_32_equal_bytes() {
        assert!(opens(&lying(10, 32, 32)) && opens(&lying(41, 1, 1)));
        for (pad, pads) in [(0, 1), (0, 0), (33, 33), (255, 1), (64, 32), (32, 31), (2, 1)] {
            assert!(!opens(&lying(42 - pads, pad, pads as usize)), "{pads} bytes of {pad}");
        }
    }

    #[test]
    fn a_length_that_lies_is_refused_without_allocating() {
        for len in [0, 9, 11, 44, 45, 1 << 31, u32::MAX] {
            assert!(!opens(&lying(len, 32, 32)), "{len}");
        }
    }

    /// The time a refusal takes must not tell what was wrong. What takes time is done by construction whatever the
    /// verdicts are; this holds the construction: every verdict is there, and true, beside every wrong one.
    #[test]
    fn everything_is_looked_at_whatever_else_is_wrong() {
        let seen = |buffer: &[u8]| {
            let seen = Inspected::of(buffer, b"wx").unwrap();
            [seen.padding, seen.length, seen.receiver].map(bool::from)
        };
        // Not a multiple of the block, which is nothing to what is inspected here.
        let mut right = vec![b'r'; 16];
        right.extend(7_u32.to_be_bytes());
        right.extend(b"messagewx");
        right.resize(61, 32);
        let with = |at: usize, byte: u8| {
            let mut other = right.clone();
            other[at] = byte;
            seen(&other)
        };
        assert_eq!(seen(&right), [true, true, true]);
        assert_eq!(with(29, 31), [false, true, true], "one byte of the padding");
        assert_eq!(with(19, 6), [true, false, true], "the length");
        assert_eq!(with(28, b'y'), [true, true, false], "the receiver");
        assert_eq!(with(60, 33), [false, false, false], "a padding too long moves what stands before it");
        assert_eq!(with(60, 255), [false, false, false]);
    }

    #[test]
    fn ciphertext_of_an_impossible_length_is_refused() {
        for len in [0, 15, 16, 17, 31, 33, 47] {
            assert!(!opens(&STANDARD.encode(vec![0; len])), "{len}");
        }
        for text in ["not base64!", "4j_AuRx7-a==", "AAAA AAAA", "AAA", "="] {
            assert!(!opens(text), "{text}");
        }
    }
}
