//! The program: parse, load, run. Exit codes: 0 a clean stop, 1 a failure while running, 2 settings or usage.

use std::process::ExitCode;

use ordermesh::{cli, pages, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pages::keep_small();
    let invocation = match cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(usage) => usage.exit(),
    };
    run::main(&invocation)
}
