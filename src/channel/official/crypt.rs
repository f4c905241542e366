//! The envelope's cryptography: AES-256-CBC with padding to 32 bytes (platform.md 1.4).

use aes::Aes256;
use aes::cipher::{Array, Block, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::key::AesKey;

const BLOCK: usize = 16;
/// Padding goes up to the next multiple of 32, and there is always some.
const PAD_TO: usize = 32;
/// 16 random bytes and the length.
const HEAD: usize = 20;

/// What was inside: one buffer and where the message lies in it, so that nothing is copied.
#[derive(Debug)]
pub(super) struct Clear {
    buffer: Vec<u8>,
    message_end: usize,
    receiver_end: usize,
}

impl Clear {
    /// The message.
    pub(super) fn message(&self) -> &[u8] {
        self.buffer.get(HEAD..self.message_end).unwrap_or_default()
    }

    /// The AppID it was encrypted for.
    pub(super) fn receiver(&self) -> &[u8] {
        self.buffer.get(self.message_end..self.receiver_end).unwrap_or_default()
    }
}

/// Decrypts one `Encrypt` text. `None` for every kind of failure alike, so that nothing can be learned from it.
pub(super) fn decrypt(key: &AesKey, encrypted: &str) -> Option<Clear> {
    let mut buffer = STANDARD.decode(encrypted).ok()?;
    let (blocks, rest) = Block::<Aes256>::slice_as_chunks_mut(&mut buffer);
    if blocks.len() < PAD_TO / BLOCK || !rest.is_empty() {
        return None;
    }
    let iv = Array(key.iv());
    cbc::Decryptor::inner_iv_init(&key.cipher, &iv).decrypt_blocks(blocks);
    let end = unpadded_len(&buffer)?;
    let len: [u8; 4] = buffer.get(BLOCK..HEAD)?.try_into().ok()?;
    let message_end = HEAD.checked_add(usize::try_from(u32::from_be_bytes(len)).ok()?)?;
    (message_end <= end).then_some(Clear { buffer, message_end, receiver_end: end })
}

/// Where the padding begins: 1 to 32 bytes that all say how many they are.
fn unpadded_len(buffer: &[u8]) -> Option<usize> {
    let pad = usize::from(*buffer.last()?);
    let end = buffer.len().checked_sub(pad)?;
    // Every byte is looked at before the verdict: the same work whichever of them is wrong.
    let wrong = buffer.get(end..)?.iter().fold(0, |seen, byte| seen | (usize::from(*byte) ^ pad));
    ((1..=PAD_TO).contains(&pad) && wrong == 0 && end >= HEAD).then_some(end)
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
        buffer.extend(b"messagewx");
        buffer.resize(64 - pads, b'.');
        buffer.resize(64, pad);
        raw(buffer)
    }

    #[test]
    fn every_length_comes_back() {
        for len in 0..100 {
            let message = vec![b'm'; len];
            let clear = decrypt(&key(), &encrypt(&key(), &[7; 16], &message, "wx1")).unwrap();
            assert_eq!((clear.message(), clear.receiver()), (message.as_slice(), b"wx1".as_slice()));
        }
    }

    #[test]
    fn the_platforms_own_sample_reply_comes_out() {
        let sealed = encrypt(&key(), b"707722b803182950", br#"{"demo_resp":"good luck"}"#, "wxba5fad812f8e6fb9");
        assert_eq!(sealed, "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==");
    }

    #[test]
    fn padding_must_be_1_to_32_equal_bytes() {
        assert!(decrypt(&key(), &lying(7, 32, 32)).is_some());
        assert!(decrypt(&key(), &lying(7, 1, 1)).is_some());
        for (pad, pads) in [(0, 1), (33, 33), (255, 1), (64, 32), (32, 31), (2, 1)] {
            assert!(decrypt(&key(), &lying(7, pad, pads)).is_none(), "{pads} bytes of {pad}");
        }
    }

    #[test]
    fn a_length_that_lies_is_refused_without_allocating() {
        for len in [44, 45, 1 << 31, u32::MAX] {
            assert!(decrypt(&key(), &lying(len, 1, 1)).is_none(), "{len}");
        }
        assert_eq!(decrypt(&key(), &lying(0, 1, 1)).unwrap().message(), b"");
    }

    #[test]
    fn ciphertext_of_an_impossible_length_is_refused() {
        for len in [0, 15, 16, 17, 31, 33, 47] {
            assert!(decrypt(&key(), &STANDARD.encode(vec![0; len])).is_none(), "{len}");
        }
        for text in ["not base64!", "4j_AuRx7-a==", "AAAA AAAA", "AAA", "="] {
            assert!(decrypt(&key(), text).is_none(), "{text}");
        }
    }
}
