//! The TOML file: flat, its keys are the flags with `_` for `-`.

use std::{fs, io::Read, path::Path};

use super::{Config, ConfigError, set, settings};

/// The largest file that is read, in bytes.
const BYTES_MAX: u64 = 1 << 20;

/// Takes what the file says.
pub(super) fn apply(config: &mut Config, path: &Path) -> Result<(), ConfigError> {
    let text = read(path)?;
    let table: toml::Table = text.parse().map_err(|error| not_toml(path, &text, &error))?;
    for (key, value) in &table {
        let setting = settings::SETTINGS.iter().find(|setting| setting.file_key() == *key);
        let Some(setting) = setting else {
            return Err(ConfigError::UnknownKey { path: path.to_owned(), key: key.clone() });
        };
        let place = || format!("{key} in {}", path.display());
        let texts = texts(value).map_err(|what| ConfigError::BadValue { place: place(), what })?;
        set(config, setting, &texts, place)?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text))
        .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), what: error.to_string() })?;
    Ok(text)
}

fn not_toml(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    ConfigError::NotToml { path: path.to_owned(), line, what: error.message().replace('\n', " ") }
}

/// A value as the texts that a flag would have given.
fn texts(value: &toml::Value) -> Result<Vec<String>, String> {
    match value {
        toml::Value::Array(items) => items.iter().map(text).collect(),
        single => text(single).map(|text| vec![text]),
    }
}

fn text(value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Array(_) => Err("a list of lists is not a value".to_owned()),
        toml::Value::Table(_) => Err("a table is not a value".to_owned()),
        other => Ok(other.to_string()),
    }
}
