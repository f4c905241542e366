//! Inputs made from samples: a few small changes, one upon the other, the same for the same seed.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// The longest input that is made here; the long run makes longer ones.
const MAX_BYTES: usize = 4 * 1024;
/// Bytes that stand at the edge of something.
const EDGES: &[u8] =
    &[0, 1, 0x1e, b'\t', b'\n', b' ', b'"', b'&', b'0', b'9', b'<', b'=', b'>', b'{', 0x7f, 0x80, 0xff];

/// One input to be.
pub struct Mutation(StdRng);

impl Mutation {
    pub fn seeded(seed: u64, number: u64) -> Self {
        Self(StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number))
    }

    /// A sample, changed one to six times; `words` are what means something to the target.
    pub fn of(mut self, samples: &[Vec<u8>], words: &[Vec<u8>]) -> Vec<u8> {
        let mut input = samples.choose(&mut self.0).unwrap().clone();
        for _ in 0..self.0.random_range(1..=6) {
            match self.0.random_range(0..8) {
                0 => self.flip(&mut input),
                1 => self.put(&mut input, |rng| vec![*EDGES.choose(rng).unwrap()]),
                2 => self.drop_some(&mut input),
                3 => self.repeat_some(&mut input),
                4 => self.splice(&mut input, samples),
                5 => self.put(&mut input, |rng| rng.random::<[u8; 3]>().to_vec()),
                _ => self.put(&mut input, |rng| words.choose(rng).unwrap().clone()),
            }
        }
        input.truncate(MAX_BYTES);
        input
    }

    fn flip(&mut self, input: &mut [u8]) {
        if !input.is_empty() {
            let at = self.0.random_range(0..input.len());
            input[at] ^= 1 << self.0.random_range(0..8);
        }
    }

    /// A place and a short stretch behind it.
    fn stretch(&mut self, input: &[u8]) -> std::ops::Range<usize> {
        let from = self.0.random_range(0..=input.len());
        let length = self.0.random_range(0..=32).min(input.len() - from);
        from..from + length
    }

    /// Between what is there, or in its place.
    fn put(&mut self, input: &mut Vec<u8>, make: impl FnOnce(&mut StdRng) -> Vec<u8>) {
        let at = self.stretch(input);
        let more = make(&mut self.0);
        let end = if self.0.random() { at.start } else { (at.start + more.len()).min(input.len()) };
        input.splice(at.start..end, more);
    }

    fn drop_some(&mut self, input: &mut Vec<u8>) {
        let at = if self.0.random_ratio(1, 8) {
            self.0.random_range(0..=input.len())..input.len()
        } else {
            self.stretch(input)
        };
        input.drain(at);
    }

    fn repeat_some(&mut self, input: &mut Vec<u8>) {
        let at = self.stretch(input);
        let times = if self.0.random_ratio(1, 16) { 200 } else { self.0.random_range(1..4) };
        let more = input[at.clone()].repeat(times);
        input.splice(at.end..at.end, more);
    }

    /// The beginning of this and the end of another.
    fn splice(&mut self, input: &mut Vec<u8>, samples: &[Vec<u8>]) {
        let other = samples.choose(&mut self.0).unwrap();
        let (here, there) = (self.0.random_range(0..=input.len()), self.0.random_range(0..=other.len()));
        input.truncate(here);
        input.extend(&other[there..]);
    }
}
