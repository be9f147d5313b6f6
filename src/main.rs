//! The `pressgate` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    pressgate::cli::main()
}
