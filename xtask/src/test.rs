//! `cargo xtask test`: everything that must hold, in sections, with a summary that a machine can read.
//!
//! A failing section does not stop the others: one run tells all that is wrong. The order is by cost, and every section
//! shares its compiled crates with those before it.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::{
    app, check, run,
    setup::{self, BrowserTools},
    sh,
    tally::Tally,
    wasm,
};

struct Section {
    name: String,
    tally: Tally,
    took: Duration,
}

/// Runs all sections, or those whose name contains one of `only`.
///
/// # Errors
/// When one failed, or what they need cannot be had.
pub(crate) fn test(only: &[String]) -> Result<()> {
    let start = Instant::now();
    let app_tools = setup::app_tools()?;
    let browser = setup::browser_tools()?;
    setup::film_tools()?;
    let mut report = Report { only, sections: Vec::new() };

    for (name, step) in check::STEPS {
        report.section(name, || Ok(Tally::of(&step())));
    }
    report.section("app within its size", || Ok(Tally::of(&app::build(&app_tools).map(drop))));
    report.section("unit tests", || Tally::run(cargo_test().args(["--lib", "--bins"])));
    report.section("examples in the documentation", || Tally::run(cargo_test().arg("--doc")));
    let (in_browser, others): (Vec<_>, Vec<_>) =
        integration_tests()?.into_iter().partition(|name| name == "browser");
    report.section("integration tests", || integration(&others, &browser));
    report.section("wasm tests in Chromium", || wasm::test(&app_tools, &browser));
    report.section("browser end to end", || integration(&in_browser, &browser));
    report.print(start.elapsed())
}

/// Only the test that takes the pictures.
///
/// # Errors
/// When it fails.
pub(crate) fn screenshots() -> Result<()> {
    alone(&["--test", "browser", "--", "pages::screenshots"], &[])?;
    let pictures = sh::target().join("screenshots");
    let readme = sh::root().join("docs/screenshot.png");
    fs::copy(pictures.join("readme.png"), &readme)?;
    println!(
        "all pages: {}\nthe README's: {}; look at it before you commit it",
        pictures.display(),
        readme.display()
    );
    Ok(())
}

/// Only the long run.
///
/// # Errors
/// When it fails.
pub(crate) fn soak(seconds: u64) -> Result<()> {
    let seconds = seconds.to_string();
    alone(
        &["--test", "browser", "--", "soak", "--ignored", "--nocapture"],
        &[("FOURWIRE_SOAK_SECONDS", &seconds)],
    )
}

fn alone(args: &[&str], env: &[(&str, &str)]) -> Result<()> {
    let browser = setup::browser_tools()?;
    app::build(&setup::app_tools()?)?;
    let binary = run::build_server(false)?;
    let mut command = cargo_test();
    command.args(args).envs(env.iter().copied()).env("FOURWIRE_BIN", binary);
    sh::run(with_browser(&mut command, &browser))
}

struct Report<'a> {
    only: &'a [String],
    sections: Vec<Section>,
}

impl Report<'_> {
    fn section(&mut self, name: &str, work: impl FnOnce() -> Result<Tally>) {
        if !self.only.is_empty() && !self.only.iter().any(|word| name.contains(word.as_str())) {
            return;
        }
        println!("\n\x1b[1m── {name}\x1b[0m");
        let start = Instant::now();
        let tally = work().unwrap_or_else(|error| {
            println!("{error:#}");
            Tally { passed: 0, failed: 1 }
        });
        self.sections.push(Section { name: name.to_owned(), tally, took: start.elapsed() });
    }

    fn print(&self, took: Duration) -> Result<()> {
        println!("\n\x1b[1m── summary\x1b[0m");
        let mut total = Tally::default();
        for Section { name, tally, took } in &self.sections {
            let mark = if tally.failed == 0 { "ok    " } else { "FAILED" };
            println!(
                "{mark} {name:32} {:5} passed {:4} failed {:7.1} s",
                tally.passed,
                tally.failed,
                took.as_secs_f64()
            );
            total.passed += tally.passed;
            total.failed += tally.failed;
        }
        println!("in {:.0} s", took.as_secs_f64());
        println!("{} passed, {} failed", total.passed, total.failed);
        if total.failed > 0 {
            bail!("some tests failed");
        }
        Ok(())
    }
}

fn cargo_test() -> Command {
    let mut command = sh::cargo();
    command.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    command
}

fn integration(names: &[String], browser: &BrowserTools) -> Result<Tally> {
    if names.is_empty() {
        return Ok(Tally::default());
    }
    let binary = run::build_server(false)?;
    let mut command = cargo_test();
    for name in names {
        command.args(["--test", name]);
    }
    Tally::run(with_browser(&mut command, browser).env("FOURWIRE_BIN", binary))
}

fn with_browser<'a>(command: &'a mut Command, browser: &BrowserTools) -> &'a mut Command {
    if let Some(axe) = &browser.axe {
        command.env("FOURWIRE_AXE", axe);
    }
    command.env("FOURWIRE_CHROMEDRIVER", &browser.chromedriver)
}

/// The names of all integration tests that run natively.
fn integration_tests() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for package in ["server", "shared", "tests", "xtask"] {
        let dir = sh::root().join(package).join("tests");
        if dir.is_dir() {
            names.extend(test_names(&dir)?);
        }
    }
    names.sort();
    Ok(names)
}

/// A file, or a directory with a `main.rs`, is one test program.
fn test_names(dir: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let is_test =
            path.extension().is_some_and(|extension| extension == "rs") || path.join("main.rs").is_file();
        if let (true, Some(stem)) = (is_test, path.file_stem()) {
            names.push(stem.to_string_lossy().into_owned());
        }
    }
    Ok(names)
}
