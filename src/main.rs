//! The program: everything is in the library.

/// Half of what a message costs innfri itself is allocating: see docs/performance.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    innfri::cli::run()
}
