//! The `pressgate` program.

use std::process::ExitCode;

/// Many small allocations live for one request; this allocator is quick with those.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pressgate::cli::main()
}
