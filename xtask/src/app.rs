//! The app: built by Trunk into `dist/`, shrunk, compressed beside each file, and held to its size.
//!
//! Trunk builds the page and its first program; the other programs are built beside it and get copies of the page. After
//! that come, for each program: short names between WebAssembly and JavaScript (`glue`), wasm-opt, and names after the new
//! contents (`page`); and for all: one style sheet, and a compressed copy of each file.

mod glue;
mod page;

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::{setup::AppTools, sh};

/// What the files of one program, and those that all share, may weigh over the wire, with Brotli.
const BUDGET_BYTES: u64 = 250_000;

/// A program of the app.
#[derive(Clone, Copy)]
struct Program {
    name: &'static str,
    page: &'static str,
}

/// The programs. Trunk builds the first.
const PROGRAMS: [Program; 4] = [
    Program { name: "fourwire-frontend", page: page::INDEX },
    Program { name: "fourwire-house", page: "house.html" },
    Program { name: "fourwire-jobs", page: "jobs.html" },
    Program { name: "fourwire-experiment", page: "experiment.html" },
];

/// What wasm-opt does: by Brotli, not by bytes. `-Oz` alone is smaller before and 2 kB larger after compression.
const PASSES: [&str; 4] = ["-Os", "--flatten", "--rereloop", "-Os"];

/// What rustc assumes of a browser. Not `--all-features`: with it wasm-opt writes encodings that no browser reads yet.
const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Below this a compressed copy saves no packet.
const COMPRESS_BYTES_MIN: u64 = 512;

/// Builds the app; the bytes over the wire of the heavier program.
///
/// # Errors
/// When a tool fails, or a program is heavier than its budget.
pub(crate) fn build(tools: &AppTools) -> Result<u64> {
    sh::timed(
        "building the app (Trunk, profile wasm-release)",
        sh::command(&tools.trunk)
            .args(["build", "--offline", "--log", "warn"])
            .env("PATH", path_with(&tools.bindgen)?)
            .env_remove("NO_COLOR"), // Trunk reads it as a boolean and refuses `1`
    )?;
    let [trunks, others @ ..] = PROGRAMS;
    let first = the_one(trunks, ".js")?;
    for program in others {
        build_beside(program, &tools.bindgen)?;
        page::copy_for(&dist(), &first, program.page, &program.first_stem())?;
    }
    for program in PROGRAMS {
        let (wasm, js) = (the_one(program, "_bg.wasm")?, the_one(program, ".js")?);
        let (short_wasm, short_js) = glue::shorten(&fs::read(&wasm)?, &fs::read_to_string(&js)?)?;
        fs::write(&wasm, short_wasm)?;
        fs::write(&js, short_js)?;
        if let Some(wasm_opt) = &tools.wasm_opt {
            shrink(wasm_opt, &wasm)?;
        }
        page::rename(&dist(), program.page, &wasm, &js)?;
    }
    page::join_styles(&dist(), &PROGRAMS.map(|program| program.page))?;
    let files = compress()?;
    let weights = PROGRAMS.map(|program| (program.page, weight(&files, program)));
    for (page, weight) in weights {
        println!("  {page}: {} bytes with Brotli, of {} allowed", spaced(weight), spaced(BUDGET_BYTES));
        if weight > BUDGET_BYTES {
            bail!("{page} is {} bytes over its budget", spaced(weight - BUDGET_BYTES));
        }
    }
    Ok(weights.into_iter().map(|(_, weight)| weight).max().unwrap_or_default())
}

impl Program {
    /// The name of a file that is this program's, be it under its first or its last digest.
    fn owns(self, file: &str) -> bool {
        file.strip_prefix(self.name).is_some_and(|rest| rest.starts_with('-'))
    }

    /// The name of its files until they have their digest.
    fn first_stem(self) -> String {
        format!("{}-0", self.name)
    }
}

/// Builds what Trunk does not: it knows one program a page.
fn build_beside(program: Program, bindgen: &Path) -> Result<()> {
    let (target, profile, name) = ("wasm32-unknown-unknown", "wasm-release", program.name);
    let mut cargo = sh::cargo();
    cargo.args(["build", "--locked", "--quiet", "--package", "fourwire-frontend", "--bin", name]);
    cargo.args(["--target", target, "--profile", profile]);
    sh::timed(&format!("building {name}"), &mut cargo)?;
    let built = sh::target().join(target).join(profile).join(name).with_extension("wasm");
    let mut bindgen = sh::command(bindgen.join("wasm-bindgen"));
    bindgen.args(["--target", "web", "--no-typescript", "--out-name", &program.first_stem(), "--out-dir"]);
    bindgen.arg(dist()).arg(built);
    sh::timed("binding it (wasm-bindgen)", &mut bindgen)
}

/// What a visitor of one program loads: its files, and those that are nobody else's.
fn weight(files: &[(PathBuf, u64)], own: Program) -> u64 {
    let is_others = |file: &Path| {
        let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
        PROGRAMS.iter().any(|other| other.name != own.name && (other.owns(name) || name == other.page))
    };
    files.iter().filter(|(file, _)| !is_others(file)).map(|(_, weight)| weight).sum()
}

/// `PATH` with a directory in front.
pub(crate) fn path_with(dir: &Path) -> Result<std::ffi::OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths([dir.to_owned()].into_iter().chain(env::split_paths(&path)))?)
}

fn dist() -> PathBuf {
    sh::root().join("dist")
}

/// The program's file whose name ends like that.
fn the_one(program: Program, suffix: &str) -> Result<PathBuf> {
    let is_it = |file: &PathBuf| {
        let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
        program.owns(name) && name.ends_with(suffix)
    };
    let mut found = files()?.into_iter().filter(is_it);
    match (found.next(), found.next()) {
        (Some(file), None) => Ok(file),
        _ => bail!("there should be exactly one {}-…{suffix} in dist/", program.name),
    }
}

fn shrink(wasm_opt: &Path, wasm: &Path) -> Result<()> {
    let small = wasm.with_extension("small");
    let done = sh::timed(
        "shrinking the app (wasm-opt)",
        sh::command(wasm_opt).args(PASSES).args(FEATURES).arg("-o").arg(&small).arg(wasm),
    );
    if let Err(error) = done {
        let _ = fs::remove_file(&small);
        println!("  {error:#}: the app stays as it is");
        return Ok(());
    }
    fs::rename(&small, wasm)?;
    Ok(())
}

/// Writes `.br` and `.gz` beside each file that profits; the files, and what the wire carries of each.
fn compress() -> Result<Vec<(PathBuf, u64)>> {
    let start = Instant::now();
    sh::say("compressing the app (Brotli and gzip)");
    let mut weights = Vec::new();
    for file in files()? {
        let content = fs::read(&file)?;
        if (content.len() as u64) < COMPRESS_BYTES_MIN {
            weights.push((file, content.len() as u64));
            continue;
        }
        let with = |suffix: &str| {
            let mut name = file.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
        let mut out = File::create(with(".br"))?;
        let weight = brotli::BrotliCompress(&mut &*content, &mut out, &parameters)? as u64;
        let mut out = flate2::write::GzEncoder::new(File::create(with(".gz"))?, flate2::Compression::best());
        out.write_all(&content)?;
        out.finish()?;
        weights.push((file, weight));
    }
    println!("  compressing: {:.1} s", start.elapsed().as_secs_f64());
    Ok(weights)
}

/// Trunk's files; compressed copies, should there be some, are not among them.
fn files() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dist()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if !matches!(path.extension().and_then(OsStr::to_str), Some("br" | "gz")) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Digits in groups of three.
fn spaced(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::spaced;

    #[test]
    fn digits_stand_in_groups_of_three() {
        assert_eq!([0, 999, 1000, 1_234_567].map(spaced), ["0", "999", "1 000", "1 234 567"]);
    }
}
