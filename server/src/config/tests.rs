//! The order of the sources, the words of refusals, and that nothing is left out.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::*;

fn given(values: &[(&'static str, &str)]) -> Given {
    let values = values.iter().map(|(key, text)| (*key, vec![(*text).to_owned()])).collect();
    Given { config: None, values }
}

fn resolve(given: &Given, env: &[(&str, &str)]) -> Result<Config, String> {
    let find = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    Config::resolve(given, find).map_err(|error| error.to_string())
}

fn file(content: &str) -> (Scratch, Given) {
    let scratch = Scratch::new(content);
    let given = Given { config: Some(scratch.0.clone()), values: Vec::new() };
    (scratch, given)
}

/// A configuration file that goes away by itself.
struct Scratch(PathBuf);

impl Scratch {
    fn new(content: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("fourwire-config-{}-{number}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).expect("a file");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn flags_win_over_variables_and_those_over_the_file_and_that_over_the_defaults() {
    let heartbeat = |given: &Given, env: &[(&str, &str)]| {
        resolve(given, env).map(|config| config.wires.heartbeat.as_millis())
    };
    let (_scratch, mut from_file) = file("heartbeat_ms = 2000");
    let env = [("FOURWIRE_HEARTBEAT_MS", "3000")];
    assert_eq!(heartbeat(&Given::default(), &[]), Ok(15_000));
    assert_eq!(heartbeat(&from_file, &[]), Ok(2_000));
    assert_eq!(heartbeat(&from_file, &env), Ok(3_000));
    from_file.values = given(&[("heartbeat-ms", "4000")]).values;
    assert_eq!(heartbeat(&from_file, &env), Ok(4_000));
    assert_eq!(heartbeat(&Given::default(), &[("FOURWIRE_HEARTBEAT_MS", "")]), Ok(15_000));
}

#[test]
fn the_file_may_be_named_by_a_variable() {
    let (scratch, _) =
        file("listen = \"127.0.0.1:1\"\nallow_origin = [\"https://a.b\", \"http://c\"]\ndrain = 3");
    let path = scratch.0.to_string_lossy().into_owned();
    let config = resolve(&Given::default(), &[("FOURWIRE_CONFIG", &path)]).expect("a configuration");
    assert_eq!(config.listen.port(), 1);
    assert_eq!(config.edge.allow_origins, ["https://a.b", "http://c"]);
    assert_eq!(config.edge.drain, Duration::from_secs(3));
}

#[test]
fn a_list_in_a_variable_has_commas() {
    let env = [("FOURWIRE_ALLOW_HOST", "a.example, b.example:80")];
    let config = resolve(&Given::default(), &env).expect("a configuration");
    assert_eq!(config.edge.allow_hosts, ["a.example", "b.example:80"]);
}

#[test]
fn what_is_not_allowed_is_named_as_it_was_given() {
    for (flag, text, expected) in [
        ("heartbeat-ms", "x", r#"--heartbeat-ms: "x" is not a whole number from 100 to 3600000"#),
        ("heartbeat-ms", "1", r#"--heartbeat-ms: "1" is not a whole number from 100 to 3600000"#),
        ("listen", "4400", r#"--listen: "4400" is not an address like 127.0.0.1:4400"#),
        ("durability", "some", r#"--durability: "some" is not one of full, normal"#),
        ("log-level", "a=b=c", r#"--log-level: "a=b=c" is not a filter like info or fourwire_server=debug"#),
        ("log-level", "é:[", r#"--log-level: "é:[" is not a filter like info or fourwire_server=debug"#),
        ("smtp-url", "http://x", "--smtp-url: is not the address of a mail server like smtp://host:587"),
        ("mail-from", "nobody", r#"--mail-from: "nobody" is not a sender like News <news@example.org>"#),
        ("allow-origin", "x.y", r#"--allow-origin: "x.y" is not an origin like https://app.example.org"#),
        ("allow-host", "http://x", r#"--allow-host: "http://x" is not a host like app.example.org"#),
        ("wait-max-ms", "56000", r#"--wait-max-ms: "56000" is not a whole number from 0 to 55000"#),
        ("wait-max-ms", "5000", "wait-default-ms (25000) must be at most wait-max-ms (5000)"),
    ] {
        let error = resolve(&given(&[(flag, text)]), &[]).expect_err(text);
        assert_eq!(error, expected);
    }
    let error = resolve(&Given::default(), &[("FOURWIRE_DRAIN", "-1")]).expect_err("negative");
    assert_eq!(error, r#"FOURWIRE_DRAIN: "-1" is not a whole number from 0 to 3600"#);
}

#[test]
fn a_file_that_makes_no_sense_is_told_with_its_place() {
    for (content, expected) in [
        ("heartbeat_ms = \"x\"", "heartbeat_ms in FILE: \"x\" is not a whole number from 100 to 3600000"),
        ("heartbeat_ms = 1.5", "heartbeat_ms in FILE: \"1.5\" is not a whole number from 100 to 3600000"),
        ("heartbeat_ms = {}", "heartbeat_ms in FILE: a table is not a value"),
        ("heartbeat_ms = [1, 2]", "heartbeat_ms in FILE: takes one value, not 2"),
        ("allow_host = [[]]", "allow_host in FILE: a list of lists is not a value"),
        ("heartbeat = 1", "the configuration file FILE has the unknown key `heartbeat`"),
        ("[log]\na = 1", "the configuration file FILE has the unknown key `log`"),
        ("\n= 1", "the configuration file FILE, line 2: "),
    ] {
        let (scratch, given) = file(content);
        let error = resolve(&given, &[]).expect_err(content);
        let expected = expected.replace("FILE", &scratch.0.to_string_lossy());
        assert!(error.starts_with(&expected), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
    let given = Given { config: Some("/no/such/file".into()), ..Given::default() };
    assert!(resolve(&given, &[]).expect_err("no file").contains("/no/such/file"));
}

#[test]
fn what_is_printed_can_be_read_back() {
    let mut config =
        resolve(&given(&[("allow-host", "a\"b"), ("log-format", "json"), ("data", "/a b")]), &[])
            .unwrap_or_default();
    config.edge.allow_hosts = vec!["a.example".to_owned()];
    config.wires.age_max = Some(Duration::from_secs(60));
    let (_scratch, given) = file(&to_toml(&config));
    let again = resolve(&given, &[]).expect("its own output");
    assert_eq!(format!("{again:?}"), format!("{config:?}"));
}

#[test]
fn everything_can_be_set() {
    let mut config = Config::default();
    for setting in SETTINGS {
        let text = (setting.slot)(&mut config).another();
        set(&mut config, setting, &[text], || setting.flag()).expect("a value that is allowed");
    }
    let fields =
        |config: &Config| -> Vec<String> { format!("{config:?}").split(", ").map(str::to_owned).collect() };
    let same: Vec<_> = fields(&Config::default())
        .into_iter()
        .zip(fields(&config))
        .filter(|(default, set)| default == set)
        .map(|(field, _)| field)
        .collect();
    assert_eq!(same, ["clock: Clock }", "random: Random }", "dice: Dice } }"], "no setting reaches these");
}

#[test]
fn names_are_unique_and_say_their_unit() {
    let mut names: Vec<_> = SETTINGS.iter().map(|setting| setting.key).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), SETTINGS.len());
    for setting in SETTINGS {
        let by_unit = match setting.value {
            "MS" => setting.key.ends_with("-ms"),
            "BYTES" => setting.key.contains("bytes"),
            _ => true,
        };
        assert!(by_unit, "{}", setting.key);
    }
}

#[test]
fn the_readme_lists_every_setting_with_its_default() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let page = std::fs::read_to_string(path).expect("README.md");
    let said = page.split("<!-- settings -->").nth(1).unwrap_or_default().trim();
    let meant = table();
    assert_eq!(said, meant.trim(), "between the two marks there should be:\n{meant}");
}

/// All settings, as the README shows them.
fn table() -> String {
    let mut defaults = Config::default();
    let (mut out, mut group) = (String::new(), "");
    for setting in SETTINGS {
        if setting.group != group {
            group = setting.group;
            let head = "| Flag | Variable | Default | Unit | Meaning |\n|---|---|---|---|---|";
            out.push_str(&format!("\n**{group}**\n\n{head}\n"));
        }
        let default = match (setting.slot)(&mut defaults).toml() {
            // It is the number of cores.
            _ if setting.key == "readers" => "one a core".to_owned(),
            toml::Value::Array(_) => "none".to_owned(),
            toml::Value::String(text) if text.is_empty() => "none".to_owned(),
            toml::Value::String(text) => format!("`{text}`"),
            other => other.to_string(),
        };
        let unit = match setting.value {
            "COUNT" => String::new(),
            unit => unit.to_ascii_lowercase().replace('|', " or "),
        };
        let (flag, variable, help) = (setting.flag(), setting.variable(), setting.help);
        out.push_str(&format!("| `{flag}` | `{variable}` | {default} | {unit} | {help} |\n"));
    }
    out
}

proptest::proptest! {
    #[test]
    fn no_file_makes_it_panic(content in ".*") {
        let (_scratch, given) = file(&content);
        let _ = resolve(&given, &[]);
    }

    #[test]
    fn no_value_makes_it_panic(index in 0..SETTINGS.len(), text in ".*") {
        let _ = resolve(&given(&[(SETTINGS[index].key, &text)]), &[]);
    }
}
