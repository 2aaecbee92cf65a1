//! What the server is told: flags, then environment variables, then a TOML file, then the defaults.
//!
//! `settings.rs` is the one table of everything that can be set; flags, variables, keys of the file, help and the
//! output of `fourwire config` all follow from it. A value that is not allowed is refused by the name under which it came.

mod check;
mod file;
mod given;
mod settings;
mod slot;
mod text;

#[cfg(test)]
mod tests;

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use crate::{auctions, edge, jobs, lab, log, storage, wires};

pub use given::Given;
pub use text::to_toml;

use settings::{SETTINGS, Setting};
use slot::BadValue;

/// How the server's own log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Everything the server is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines are written, as `tracing` filters are.
    pub log_level: String,
    /// The edge's bounds.
    pub edge: edge::Settings,
    /// The wires' bounds.
    pub wires: wires::Settings,
    /// The log's bounds.
    pub log: log::Settings,
    /// The store's place and bounds.
    pub storage: storage::Settings,
    /// The lab's bounds.
    pub lab: lab::Settings,
    /// The auction house's bounds.
    pub auctions: auctions::Settings,
    /// The bounds of jobs.
    pub jobs: jobs::Settings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4_400)),
            log_format: LogFormat::default(),
            log_level: "info".to_owned(),
            edge: edge::Settings::default(),
            wires: wires::Settings::default(),
            log: log::Settings::default(),
            storage: storage::Settings::default(),
            lab: lab::Settings::default(),
            auctions: auctions::Settings::default(),
            jobs: jobs::Settings::default(),
        }
    }
}

/// Why the server cannot be configured so. One line, which names the place.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read: {what}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        what: String,
    },
    /// The file is not TOML.
    #[error("the configuration file {}, line {line}: {what}", .path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// The file has a key that means nothing.
    #[error("the configuration file {} has the unknown key `{key}`: `fourwire config` prints all that there are", .path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A value is not allowed.
    #[error("{place}: {what}")]
    BadValue {
        /// The flag, the variable, or the key and its file.
        place: String,
        /// What is wrong.
        what: String,
    },
    /// Two values do not go together.
    #[error("{0}")]
    Contradiction(String),
}

impl Config {
    /// Puts the configuration together. `env` gives environment variables by name.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn resolve(given: &Given, env: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        let path = given.config.clone().or_else(|| non_empty(env("FOURWIRE_CONFIG")).map(PathBuf::from));
        if let Some(path) = path {
            file::apply(&mut config, &path)?;
        }
        for setting in SETTINGS {
            let name = setting.variable();
            if let Some(value) = non_empty(env(&name)) {
                let texts = setting.split(&value.to_string_lossy());
                set(&mut config, setting, &texts, || name.clone())?;
            }
        }
        for (key, texts) in &given.values {
            if let Some(setting) = settings::find(key) {
                set(&mut config, setting, texts, || setting.flag())?;
            }
        }
        check::check(&config)?;
        Ok(config)
    }
}

fn set(
    config: &mut Config,
    setting: &Setting,
    texts: &[String],
    place: impl Fn() -> String,
) -> Result<(), ConfigError> {
    let mut slot = (setting.slot)(config);
    slot.set(texts).map_err(|BadValue(what)| ConfigError::BadValue { place: place(), what })
}

/// An empty variable is as good as none.
fn non_empty(value: Option<OsString>) -> Option<OsString> {
    value.filter(|value| !value.is_empty())
}
