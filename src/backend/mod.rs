//! Room: backend.
