//! `fourwire backup` and `fourwire restore`: copies of everything that is kept.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::print;
use crate::storage::{self, Settings};

/// Arguments of both.
#[derive(Args, Clone, Debug)]
pub(super) struct BackupArgs {
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The data directory.
    #[arg(long, env = "FOURWIRE_DATA", default_value = "./fourwire-data", value_name = "DIR")]
    data: PathBuf,
    /// Replace what is there.
    #[arg(long)]
    force: bool,
}

/// Copies, while a server may run.
///
/// # Errors
/// See [`storage::BackupError`].
pub(super) fn backup(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let bytes = storage::backup(&args.data, &args.file, args.force)?;
    print(&format!("{}: {bytes} bytes\n", args.file.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Puts a copy back, while none runs.
///
/// # Errors
/// See [`storage::BackupError`].
pub(super) fn restore(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings { data: args.data.clone(), ..Settings::default() };
    storage::restore(&settings, &args.file, args.force)?;
    let data = args.data.display();
    print(&format!("{data}: put back. The next start begins a new epoch, and every client reads anew.\n"))?;
    Ok(ExitCode::SUCCESS)
}
