//! Builds, runs and tests Fourwire, and sets up what those need: `cargo xtask <command>`.
//!
//! Everything that is fetched goes below `target/`, but for Debian packages (Chromium and its driver, ffmpeg) and rustup's
//! WebAssembly target. Each step says what it is about to do before it does it.

mod app;
mod bench;
mod check;
mod dev;
mod dist;
mod run;
mod setup;
mod sh;
mod tally;
mod test;
mod wasm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, runs and tests Fourwire; sets up what those need", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the app and the server, and serve both on http://127.0.0.1:4400
    Run {
        /// Build the server with all optimisations (slower to build; use it for figures)
        #[arg(long)]
        release: bool,
        /// Arguments for `fourwire serve`, after `--`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Run every check and test, in a real browser too
    Test {
        /// Only the sections whose name contains one of these words
        only: Vec<String>,
    },
    /// The quick part of `test`: formatting, lints, unit tests
    Check,
    /// Edit loop: rebuild and reload on change, on http://127.0.0.1:4401
    Dev {
        /// Arguments for `fourwire serve`, after `--`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Measure: append, read, encode, fan-out by wire
    Bench {
        /// Arguments for `cargo bench`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Build one self-contained binary, with the app inside, into `target/dist`
    Dist,
    /// Build the app alone, into `dist`
    App,
    /// Fetch what `run` and `test` need, and do nothing else
    Setup,
    /// Ten minutes of switching wires at 50 events/s over two kills of the server, in Chromium
    Soak {
        /// How long
        #[arg(long, default_value_t = 600)]
        seconds: u64,
    },
    /// Make the README's screenshot and those of all pages, into `target/screenshots`
    Screenshots,
}

fn main() -> ExitCode {
    match obey(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\x1b[1;31merror:\x1b[0m {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn obey(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run { release, args } => run::run(release, &args),
        Command::Test { only } => test::test(&only),
        Command::Check => check::check(),
        Command::Dev { args } => dev::dev(&args),
        Command::Bench { args } => bench::bench(&args),
        Command::Dist => dist::dist(),
        Command::App => app::build(&setup::app_tools()?).map(drop),
        Command::Setup => setup::everything(),
        Command::Soak { seconds } => test::soak(seconds),
        Command::Screenshots => test::screenshots(),
    }
}
