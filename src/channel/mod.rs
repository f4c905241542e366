//! Channels: bytes on one side, the vocabulary of `domain` on the other. Only this room knows XML.

pub mod official;
