//! What the build and the tests need beyond a Rust toolchain: found where it is, fetched where it is not.
//!
//! Tools are looked for below `target/tools`, then in `~/.cargo/bin`, then on `PATH`, and only the right version counts.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::sh;

const TRUNK: &str = "0.21.14";
const AXE: &str = "4.14.1";
const BINARYEN: &str = "132.0.0";
const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// What building the app takes.
pub(crate) struct AppTools {
    pub(crate) trunk: PathBuf,
    /// The directory of `wasm-bindgen` and `wasm-bindgen-test-runner`.
    pub(crate) bindgen: PathBuf,
    /// Shrinks the app; it works without.
    pub(crate) wasm_opt: Option<PathBuf>,
}

/// What testing in a browser takes.
pub(crate) struct BrowserTools {
    pub(crate) chromedriver: PathBuf,
    pub(crate) axe: Option<PathBuf>,
}

/// Finds or fetches what building the app takes.
///
/// # Errors
/// When something is missing and cannot be fetched.
pub(crate) fn app_tools() -> Result<AppTools> {
    wasm_target()?;
    let bindgen_version = locked_version("wasm-bindgen")?;
    let trunk = cargo_tool("trunk", "trunk", TRUNK, &["--no-default-features"])?;
    let bindgen = cargo_tool("wasm-bindgen", "wasm-bindgen-cli", &bindgen_version, &[])?;
    let bindgen = bindgen.parent().context("a tool is in a directory")?.to_owned();
    let wasm_opt = sh::on_path("npm").and_then(|npm| npm_package(&npm, "binaryen", BINARYEN, "bin/wasm-opt"));
    if wasm_opt.is_none() {
        println!("  wasm-opt: not to be had here (it comes with npm); the app will be some per cent larger");
    }
    Ok(AppTools { trunk, bindgen, wasm_opt })
}

/// Finds or fetches what testing in a browser takes.
///
/// # Errors
/// When there is no browser and it cannot be installed.
pub(crate) fn browser_tools() -> Result<BrowserTools> {
    if sh::on_path("chromium").is_none() || sh::on_path("chromedriver").is_none() {
        apt(&["chromium", "chromium-driver"])?;
    }
    let chromedriver = sh::on_path("chromedriver").context("chromedriver is installed but not on PATH")?;
    let npm = match sh::on_path("npm") {
        Some(npm) => Some(npm),
        None => apt(&["npm"]).ok().and_then(|()| sh::on_path("npm")),
    };
    let axe = npm.and_then(|npm| npm_package(&npm, "axe-core", AXE, "axe.min.js"));
    if axe.is_none() {
        println!("  axe-core: not to be had here (it comes with npm); the accessibility tests will fail");
    }
    Ok(BrowserTools { chromedriver, axe })
}

/// Finds or fetches what the tests of films take.
///
/// # Errors
/// When it is missing and cannot be installed.
pub(crate) fn film_tools() -> Result<()> {
    if sh::on_path("ffmpeg").is_none() || sh::on_path("ffprobe").is_none() {
        apt(&["ffmpeg"])?;
    }
    Ok(())
}

/// All of it, for a machine that will be without network later.
///
/// # Errors
/// As [`app_tools`], [`browser_tools`] and [`film_tools`].
pub(crate) fn everything() -> Result<()> {
    app_tools()?;
    browser_tools()?;
    film_tools()?;
    sh::timed("fetching crates", sh::cargo().args(["fetch", "--locked"]))
}

fn tools() -> PathBuf {
    sh::target().join("tools")
}

fn wasm_target() -> Result<()> {
    let sysroot =
        sh::output(sh::command("rustc").args(["--print", "sysroot"])).context("rustc does not run")?;
    if Path::new(&sysroot).join("lib/rustlib").join(WASM_TARGET).exists() {
        return Ok(());
    }
    sh::timed("adding the WebAssembly target", sh::command("rustup").args(["target", "add", WASM_TARGET]))
        .context("the target wasm32-unknown-unknown is missing, and rustup could not add it")
}

/// The version of `package` in Cargo.lock: the CLI must be of the very version of the library.
fn locked_version(package: &str) -> Result<String> {
    let lock = fs::read_to_string(sh::root().join("Cargo.lock")).context("Cargo.lock")?;
    version_in(&lock, package).with_context(|| format!("{package} is not in Cargo.lock"))
}

fn version_in(lock: &str, package: &str) -> Option<String> {
    let start = lock.find(&format!("name = \"{package}\"\n"))?;
    let line = lock[start..].lines().nth(1)?;
    Some(line.strip_prefix("version = \"")?.strip_suffix('"')?.to_owned())
}

fn cargo_tool(program: &str, package: &str, version: &str, flags: &[&str]) -> Result<PathBuf> {
    let own = tools().join("bin").join(program);
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    let candidates =
        [Some(own.clone()), home.map(|home| home.join("bin").join(program)), sh::on_path(program)];
    if let Some(found) = candidates.into_iter().flatten().find(|file| has_version(file, version)) {
        return Ok(found);
    }
    let build = tools().join("build");
    sh::timed(
        &format!("installing {package} {version} into target/tools (once; some minutes)"),
        sh::cargo()
            .args(["install", package, "--version", version, "--locked", "--debug", "--quiet"])
            .args(flags)
            .arg("--root")
            .arg(tools())
            .env("CARGO_TARGET_DIR", &build)
            .env("CARGO_PROFILE_DEV_DEBUG", "0") // nobody will debug it
            .env_remove("RUSTFLAGS"),
    )?;
    let _ = fs::remove_dir_all(build); // a gigabyte that nobody needs again
    Ok(own)
}

fn has_version(file: &Path, version: &str) -> bool {
    sh::is_program(file)
        && sh::output(sh::command(file).arg("--version"))
            .is_some_and(|said| said.split_whitespace().any(|word| word == version))
}

/// A file of an npm package, installed if need be.
fn npm_package(npm: &Path, package: &str, version: &str, file: &str) -> Option<PathBuf> {
    let prefix = tools().join("npm").join(format!("{package}-{version}"));
    let file = prefix.join("node_modules").join(package).join(file);
    if file.exists() {
        return Some(file);
    }
    fs::create_dir_all(&prefix).ok()?;
    let mut install = sh::command(npm);
    install.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
    install.arg(&prefix).arg(format!("{package}@{version}"));
    sh::timed(&format!("installing {package} {version} into target/tools"), &mut install).ok()?;
    file.exists().then_some(file)
}

fn apt(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    let advice = format!("install these Debian packages: apt-get install {names}");
    let is_root = sh::output(sh::command("id").arg("-u")).as_deref() == Some("0");
    if !is_root || sh::on_path("apt-get").is_none() {
        bail!("the tests need {names}; {advice}");
    }
    sh::say(&format!("installing the Debian packages {names}"));
    let apt = |args: &[&str]| {
        sh::run(
            sh::command("apt-get").args(["-qq", "-y"]).args(args).env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    apt(&["update"])
        .and_then(|()| apt(&[&["install", "--no-install-recommends"], packages].concat()))
        .context(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_very_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-cli\"\nversion = \"9\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.129\"\n";
        assert_eq!(version_in(lock, "wasm-bindgen").as_deref(), Some("0.2.129"));
        assert_eq!(version_in(lock, "wasm"), None);
    }
}
