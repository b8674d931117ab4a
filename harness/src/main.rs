//! The `mailproof` program; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    mailproof::cli::main()
}
