//! The program: everything is in the library.

/// glibc's allocator took about a quarter of what a message costs innfri itself: see docs/performance.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    innfri::cli::run()
}
