//! The load tool: `make bench`, or `cargo bench --bench load -- --help`. Everything is in `load/`, which a test runs too.

use std::process::{Command, ExitCode};

#[path = "load/mod.rs"]
mod load;

fn main() -> ExitCode {
    match load::command_line::run(std::env::args_os(), || Ok(Command::new(std::env::current_exe()?))) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::from(2)
        }
    }
}
