//! Starts fuwu. Everything else is in the library, so that tests use the same parts.

use std::process::ExitCode;

fn main() -> ExitCode {
    fuwu::cli::run(std::env::args_os())
}
