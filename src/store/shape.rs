//! Stored shapes: one byte of format version, then postcard.
//!
//! postcard writes fields in order and names none of them, so any change of a stored type, even a field moved, is a new
//! version. The old version is still read: keep the old types in a module `v1` here and convert.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use crate::domain::customer::Customer;
use crate::domain::fact::Fact;
use crate::domain::work::Work;

/// A value kept by a store as bytes.
pub(super) trait Shape: Serialize + DeserializeOwned {
    /// What an operator calls it in a message.
    const WHAT: &'static str;
    /// The version written today.
    const VERSION: u8;
}

impl Shape for Customer {
    const WHAT: &'static str = "customer";
    const VERSION: u8 = 1;
}

impl Shape for Fact {
    const WHAT: &'static str = "fact";
    const VERSION: u8 = 1;
}

impl Shape for Work {
    const WHAT: &'static str = "piece of outgoing work";
    const VERSION: u8 = 1;
}

/// The bytes of a value.
pub(super) fn write<T: Shape>(value: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(value, vec![T::VERSION]).map_err(|error| unreadable::<T>(error.to_string()))
}

/// The value of bytes.
pub(super) fn read<T: Shape>(bytes: &[u8]) -> Result<T, StoreError> {
    match bytes.split_first() {
        Some((&version, body)) if version == T::VERSION => match postcard::take_from_bytes(body) {
            Ok((value, [])) => Ok(value),
            Ok((_, rest)) => Err(unreadable::<T>(format!("{} bytes too many", rest.len()))),
            Err(error) => Err(unreadable::<T>(error.to_string())),
        },
        Some((version, _)) => Err(unreadable::<T>(format!(
            "its format is {version} and this version of fuwu knows {}; run the version that wrote it, or a newer one",
            T::VERSION
        ))),
        None => Err(unreadable::<T>("it is empty".into())),
    }
}

fn unreadable<T: Shape>(cause: String) -> StoreError {
    StoreError::Shape { what: T::WHAT, cause }
}
