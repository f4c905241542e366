//! Stored shapes: one byte of format version, then postcard.
//!
//! postcard writes fields in order and names none of them, so any change of a stored type, even a field moved, is a new
//! version. The old version is still read: keep the old types in a module `v1` here and convert.

mod v1;
mod v2;

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use crate::domain::customer::Customer;
use crate::domain::fact::Fact;
use crate::domain::recent::Replies;
use crate::domain::work::Work;
use crate::growth::cells::Cells;

/// A value kept by a store as bytes.
pub(super) trait Shape: Serialize + DeserializeOwned {
    /// What an operator calls it in a message.
    const WHAT: &'static str;
    /// The version written today.
    const VERSION: u8;
    /// Most are no longer.
    const USUAL_BYTES: usize;
    /// Whether zeros may follow it (see [`write_with_room`]).
    const HAS_ROOM: bool = false;

    /// One that an older version wrote, and what follows it; `None` when there never was such a version.
    fn older(_version: u8, _body: &[u8]) -> Option<postcard::Result<(Self, &[u8])>> {
        None
    }
}

impl Shape for Customer {
    const WHAT: &'static str = "customer";
    const VERSION: u8 = 3;
    const USUAL_BYTES: usize = 512;
    const HAS_ROOM: bool = true;

    fn older(version: u8, body: &[u8]) -> Option<postcard::Result<(Self, &[u8])>> {
        match version {
            1 => Some(postcard::take_from_bytes::<v1::Customer>(body).map(|(old, rest)| (old.into(), rest))),
            2 => Some(postcard::take_from_bytes::<v2::Customer>(body).map(|(old, rest)| (old.into(), rest))),
            _ => None,
        }
    }
}

impl Shape for Fact {
    const WHAT: &'static str = "fact";
    const VERSION: u8 = 1;
    const USUAL_BYTES: usize = 96;
}

impl Shape for Replies {
    const WHAT: &'static str = "reply";
    const VERSION: u8 = 1;
    const USUAL_BYTES: usize = 512;
}

impl Shape for Work {
    const WHAT: &'static str = "piece of outgoing work";
    const VERSION: u8 = 2;
    const USUAL_BYTES: usize = 256;

    fn older(version: u8, body: &[u8]) -> Option<postcard::Result<(Self, &[u8])>> {
        // What is new in 2 is a task behind those that 1 knew.
        (version == 1).then(|| postcard::take_from_bytes(body))
    }
}

impl Shape for Cells {
    const WHAT: &'static str = "counter";
    const VERSION: u8 = 1;
    const USUAL_BYTES: usize = 64;
}

/// The bytes of a value.
pub(super) fn write<T: Shape>(value: &T) -> Result<Vec<u8>, StoreError> {
    append(value, Vec::with_capacity(T::USUAL_BYTES))
}

/// The bytes of a customer, and zeros up to one of a few lengths. Records change with every message; one that keeps its
/// length is written over the old one where it lies, which takes the store half the work.
pub(super) fn write_with_room(customer: &Customer) -> Result<Vec<u8>, StoreError> {
    let mut bytes = write(customer)?;
    bytes.resize(roomy(bytes.len()), 0);
    Ok(bytes)
}

/// The next of 128, 192, 256, 384, 512, 768 and so on.
fn roomy(len: usize) -> usize {
    let next = len.next_power_of_two().max(128);
    let between = next / 4 * 3;
    if len <= between && between > 128 { between } else { next }
}

/// These bytes, and then those of a value.
pub(super) fn append<T: Shape>(value: &T, mut bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    bytes.push(T::VERSION);
    postcard::serialize_with_flavor(value, After(bytes)).map_err(|error| unreadable::<T>(error.to_string()))
}

/// Appends to what is there. postcard's own way to do so goes byte by byte.
struct After(Vec<u8>);

impl Flavor for After {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// The value of bytes.
pub(super) fn read<T: Shape>(bytes: &[u8]) -> Result<T, StoreError> {
    let Some((&version, body)) = bytes.split_first() else { return Err(unreadable::<T>("it is empty".into())) };
    let taken = if version == T::VERSION { Some(postcard::take_from_bytes(body)) } else { T::older(version, body) };
    match taken {
        Some(Ok((value, rest))) if rest.is_empty() || T::HAS_ROOM && rest.iter().all(|byte| *byte == 0) => Ok(value),
        Some(Ok((_, rest))) => Err(unreadable::<T>(format!("{} bytes too many", rest.len()))),
        Some(Err(error)) => Err(unreadable::<T>(error.to_string())),
        None => Err(unreadable::<T>(format!(
            "its format is {version} and this version of fuwu knows {}; run the version that wrote it, or a newer one",
            T::VERSION
        ))),
    }
}

/// As [`read`]. A report reads thousands of runs, and nearly all of their values are of one byte.
pub(super) fn read_cells(bytes: &[u8]) -> Result<Cells, StoreError> {
    short_cells(bytes).map_or_else(|| read(bytes), Ok)
}

/// Cells of one or two bytes each: in postcard a length, then values, 7 bits a byte, the sign in the lowest bit. Of all
/// others, and of what is wrong, [`read`] knows more.
fn short_cells(bytes: &[u8]) -> Option<Cells> {
    let (&[version, len], mut rest) = bytes.split_first_chunk()?;
    if version != Cells::VERSION || !len.is_ascii() {
        return None;
    }
    let value = |bits: i64| (bits >> 1) ^ -(bits & 1);
    let mut values = Vec::with_capacity(len.into());
    while !rest.is_ascii() {
        match rest {
            [byte, more @ ..] if byte.is_ascii() => {
                values.push(value((*byte).into()));
                rest = more;
            }
            [low, high, more @ ..] if high.is_ascii() => {
                values.push(value(i64::from(low & 0x7f) | (i64::from(*high) << 7)));
                rest = more;
            }
            _ => return None,
        }
    }
    values.extend(rest.iter().map(|byte| value((*byte).into())));
    if values.len() == usize::from(len) { values.try_into().ok() } else { None }
}

fn unreadable<T: Shape>(cause: String) -> StoreError {
    StoreError::Shape { what: T::WHAT, cause }
}

#[cfg(test)]
mod tests;
