//! The command line of `fourwire`: what was asked for, done by whoever can; one line and an exit code when it cannot.
//!
//! Exit codes: 0 done, 1 not done (a refusal, a server out of reach, a tail with something missing), 2 asked wrongly.

mod ask;
mod backup;
mod experiment;
mod logging;
mod publish;
mod topics;
mod worker;

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use clap::{Args, FromArgMatches, Parser, Subcommand};

use crate::{
    app,
    client::{TailArgs, tail},
    config::{self, Config, Given},
    jobs::kinds,
};

use backup::BackupArgs;
use experiment::ExperimentArgs;
use publish::PublishArgs;
use topics::TopicsArgs;
use worker::WorkerArgs;

const ASKED_WRONGLY: u8 = 2;

const EXAMPLES: &str = "Examples:
  fourwire                                   serve http://127.0.0.1:4400
  fourwire serve --listen 127.0.0.1:0 --data /srv/fourwire
  fourwire publish chat.1 '{\"text\":\"hello\"}'
  fourwire tail chat.1 --wire sse            follow a topic as JSON lines
  fourwire topics chat.                      list topics
  fourwire backup /srv/backup.db             while the server runs
  fourwire experiment contention             strategies under contention, measured and checked
  fourwire worker --queues heavy             do jobs of a queue in this process
  fourwire config > fourwire.toml            every setting, explained
  fourwire serve --config fourwire.toml

All settings: fourwire serve --help. Each is a variable too: FOURWIRE_LISTEN.";

/// One ordered, resumable topic log behind polling, long polling, SSE and WebSocket.
#[derive(Debug, Parser)]
#[command(name = "fourwire", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
#[command(override_usage = "fourwire [COMMAND]")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Unlisted,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; the same as no command at all
    Serve(Given),
    /// Publish one event, and print its number and cursor
    Publish(PublishArgs),
    /// Follow topics on any wire: JSON lines, and the ledger at the end; exits with 1 if something is missing
    Tail(TailArgs),
    /// List topics
    Topics(TopicsArgs),
    /// Copy everything that is kept into one file; the server may go on
    Backup(BackupArgs),
    /// Put a backup back; the server must not run, and clients will read anew
    Restore(BackupArgs),
    /// Try contention out: three strategies against each other, or a small scenario with its bug and its cures
    Experiment(ExperimentArgs),
    /// Do jobs of some queues in this process, for a server on the same machine
    Worker(WorkerArgs),
    /// Make pictures as an order says: the process that the job `media.encode` starts
    #[command(hide = true)]
    EncodePicture {
        /// The order, as JSON
        order: String,
    },
    /// Print every setting with its meaning, unit and present value, as a configuration file
    Config(Given),
}

/// The flags of `serve` without the word, left out of the short help.
#[derive(Debug)]
struct Unlisted(Given);

impl Args for Unlisted {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.args(Given::arguments().map(|argument| argument.hide(true)))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Unlisted {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        Given::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

/// Does what the arguments of this process ask for.
pub fn main() -> ExitCode {
    let Cli { command, serve } = Cli::parse();
    match command.unwrap_or(Command::Serve(serve.0)) {
        Command::Serve(given) => with_config(&given, run_server),
        Command::Config(given) => with_config(&given, |config| {
            print(&config::to_toml(&config))?;
            Ok(ExitCode::SUCCESS)
        }),
        Command::Publish(args) => as_client(publish::publish(args)),
        Command::Topics(args) => as_client(topics::topics(args)),
        Command::Tail(args) => as_client(follow(args)),
        Command::Backup(args) => backup::backup(&args).unwrap_or_else(|error| failed(&error)),
        Command::Restore(args) => backup::restore(&args).unwrap_or_else(|error| failed(&error)),
        Command::Worker(args) => on_all_cores(worker::work(args)),
        Command::EncodePicture { order } => {
            let told = kinds::encode_picture(&order, &mut io::stdout().lock());
            told.map_or_else(|error| failed(&error.into()), |()| ExitCode::SUCCESS)
        }
        Command::Experiment(args) => on_all_cores(experiment::experiment(args)),
    }
}

fn with_config(given: &Given, work: impl FnOnce(Config) -> anyhow::Result<ExitCode>) -> ExitCode {
    match Config::resolve(given, |name| std::env::var_os(name)) {
        Ok(config) => work(config).unwrap_or_else(|error| failed(&error)),
        Err(error) => {
            say(&error);
            ExitCode::from(ASKED_WRONGLY)
        }
    }
}

fn run_server(config: Config) -> anyhow::Result<ExitCode> {
    logging::start(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(app::run(config));
    // Dropping it would wait for calls that block, for as long as a disk does not answer.
    runtime.shutdown_background();
    ended.map(|()| ExitCode::SUCCESS)
}

fn as_client(work: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(work));
    result.unwrap_or_else(|error| failed(&error))
}

fn on_all_cores(work: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let ended = runtime.block_on(work);
        // Dropping it would wait for work that blocks, such as a disk that does not answer.
        runtime.shutdown_background();
        ended
    });
    result.unwrap_or_else(|error| failed(&error))
}

async fn follow(args: TailArgs) -> anyhow::Result<ExitCode> {
    let tail = tail(args, &mut io::stdout().lock()).await?;
    Ok(if tail.whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes to standard output. A reader that has gone away (`| head`) is no fault.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    say(&format_args!("{error:#}"));
    ExitCode::FAILURE
}

/// One line on standard error.
fn say(what: &dyn Display) {
    let line = what.to_string().replace('\n', " ");
    // Nobody may be listening there, and there is nobody else to tell.
    let _ = writeln!(io::stderr(), "fourwire: {line}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn to_serve_needs_no_word() {
        for line in ["fourwire --listen 127.0.0.1:1", "fourwire serve --listen 127.0.0.1:1"] {
            let Cli { command, serve } = Cli::try_parse_from(line.split(' ')).expect(line);
            let Command::Serve(given) = command.unwrap_or(Command::Serve(serve.0)) else {
                panic!("{line} does not serve")
            };
            let config = Config::resolve(&given, |_| None).expect(line);
            assert_eq!(config.listen.port(), 1, "{line}");
        }
    }

    #[test]
    fn the_short_help_teaches_and_the_long_one_lists_every_setting() {
        let mut cli = Cli::command();
        let short = cli.render_help().to_string();
        assert!(short.contains("Examples:") && !short.contains("heartbeat-ms"), "{short}");
        let serve = cli.find_subcommand_mut("serve").expect("serve").render_long_help().to_string();
        for argument in Given::arguments() {
            let flag = format!("--{}", argument.get_id());
            assert!(serve.contains(&flag), "{flag}");
        }
    }
}
