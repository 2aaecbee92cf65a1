//! Arguments → configuration → the app.

fn main() -> std::process::ExitCode {
    fourwire_server::cli::main()
}
