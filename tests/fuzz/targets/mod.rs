//! The fuzz targets: what must hold for any bytes at all, within the limits of time and memory.
//!
//! Each is a plain function of bytes, run over kept and mutated inputs by `make test` (tests/it/fuzz.rs) and driven by
//! libFuzzer in `make fuzz`. A new one is a file here, a line in [`ALL`], a file in `long/`, a `[[bin]]` in Cargo.toml
//! and a folder of inputs in `fixtures/fuzz/`.

pub mod envelope;
pub mod kit;
pub mod limits;
mod pieces;
pub mod playbook;
mod reference;
pub mod reply;
pub mod signature;
pub mod template;
pub mod wire;

/// A target: it panics for an input that breaks a rule.
pub type Target = fn(&[u8]);

/// Every target by its name.
#[allow(dead_code, reason = "the long run has a program for each")]
pub const ALL: [(&str, Target); 6] = [
    ("signature", signature::run),
    ("envelope", envelope::run),
    ("wire", wire::run),
    ("reply", reply::run),
    ("playbook", playbook::run),
    ("template", template::run),
];
