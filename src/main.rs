//! Starts fuwu. Everything else is in the library, so that tests use the same parts.

use std::process::ExitCode;

/// A delivery makes some hundred small allocations, and the system's allocator spends a tenth of a replay's instructions
/// on them more than this one. Tests run on the system's: tools that turn a program's clock need it.
#[cfg(all(feature = "mimalloc", not(debug_assertions)))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fuwu::cli::run(std::env::args_os())
}
