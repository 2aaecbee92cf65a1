//! What the command line gives: one flag for each line of the table.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::{Config, settings::SETTINGS};

const CONFIG: &str = "config";

/// The flags that were given, as text: what they mean is decided in one place with variables and the file.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The configuration file.
    pub(super) config: Option<PathBuf>,
    /// Names of settings and their values.
    pub(super) values: Vec<(&'static str, Vec<String>)>,
}

impl Given {
    /// The flags.
    pub(crate) fn arguments() -> impl Iterator<Item = Arg> {
        let file = Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help_heading("Server")
            .help("A TOML file with any of these settings; `fourwire config` prints one [FOURWIRE_CONFIG]");
        let mut defaults = Config::default();
        let settings = SETTINGS.iter().map(move |setting| {
            let slot = (setting.slot)(&mut defaults);
            let action = if slot.is_list() { ArgAction::Append } else { ArgAction::Set };
            let default = match slot.toml() {
                toml::Value::String(text) => format!("; default {text}"),
                toml::Value::Integer(number) => format!("; default {number}"),
                _ => String::new(),
            };
            Arg::new(setting.key)
                .long(setting.key)
                .value_name(setting.value)
                .action(action)
                .help_heading(setting.group)
                .help(format!("{} [{}{default}]", setting.help, setting.variable()))
        });
        std::iter::once(file).chain(settings)
    }
}

impl Args for Given {
    fn augment_args(command: Command) -> Command {
        command.args(Self::arguments())
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Self::default();
        given.update_from_arg_matches(matches)?;
        Ok(given)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.config = matches.get_one(CONFIG).cloned();
        for setting in SETTINGS {
            if let Some(texts) = matches.get_many::<String>(setting.key) {
                self.values.push((setting.key, texts.cloned().collect()));
            }
        }
        Ok(())
    }
}
