//! What Trunk leaves in `dist/`, joined for the wire: one style sheet instead of one a subject, and names that say what
//! the files hold now.
//!
//! Writing styles is easier in many files, loading them is cheaper in one: a request, and a quarter less Brotli, since
//! what is repeated is then repeated within a file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha384};

/// The page that Trunk makes.
pub(super) const INDEX: &str = "index.html";

/// How Trunk writes a style sheet into the page, up to its name.
const STYLE: &str = "<link rel=\"stylesheet\" href=\"/";

/// Joins the style sheets, in their order, that all pages have alike.
///
/// # Errors
/// When there are none, or a file cannot be read or written.
pub(super) fn join_styles(dist: &Path, pages: &[&str]) -> Result<()> {
    let html = fs::read_to_string(dist.join(INDEX))?;
    let names: Vec<&str> = html.lines().filter_map(style_of).collect();
    ensure!(!names.is_empty(), "the page has no style sheet");
    let mut css = String::new();
    for name in names {
        let file = dist.join(name);
        let style = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        css += &bare(&style);
        fs::remove_file(file)?;
    }
    let name = format!("styles-{}.css", short_digest(&[css.as_bytes()]));
    let link =
        format!("  {STYLE}{name}\" integrity=\"sha384-{}\"/>\n", STANDARD.encode(Sha384::digest(&css)));
    fs::write(dist.join(name), css)?;
    for page in pages.iter().map(|page| dist.join(page)) {
        let html = fs::read_to_string(&page)?;
        fs::write(page, with_one_style(&html, &link))?;
    }
    Ok(())
}

/// Makes a page like Trunk's that starts another program, whose files have that stem. `first` is the glue of Trunk's.
///
/// # Errors
/// When Trunk's page does not name its program, or a file cannot be read or written.
pub(super) fn copy_for(dist: &Path, first: &Path, page: &str, stem: &str) -> Result<()> {
    let old = first.file_stem().and_then(|stem| stem.to_str()).context("the app's files have no name")?;
    let html = fs::read_to_string(dist.join(INDEX))?;
    ensure!(html.contains(old), "the page does not start {old}");
    fs::write(dist.join(page), html.replace(old, stem))?;
    Ok(())
}

/// Names a module and its glue after what both hold: neither may ever be served from a cache beside another's other half.
///
/// # Errors
/// When they have no common name, or a file cannot be read or written.
pub(super) fn rename(dist: &Path, page: &str, wasm: &Path, glue: &Path) -> Result<()> {
    let (stem, old) = glue
        .file_stem()
        .and_then(|stem| stem.to_str()?.rsplit_once('-'))
        .context("the app's files have no digest in their names")?;
    let new = short_digest(&[&fs::read(wasm)?, &fs::read(glue)?]);
    let moved = |suffix: &str| -> (PathBuf, PathBuf) {
        (dist.join(format!("{stem}-{old}{suffix}")), dist.join(format!("{stem}-{new}{suffix}")))
    };
    for suffix in [".js", "_bg.wasm"] {
        let (from, to) = moved(suffix);
        fs::rename(&from, to).with_context(|| format!("cannot rename {}", from.display()))?;
    }
    let page = dist.join(page);
    let html = fs::read_to_string(&page)?;
    fs::write(page, html.replace(&format!("{stem}-{old}"), &format!("{stem}-{new}")))?;
    Ok(())
}

/// A style sheet without comments, indentation and empty lines. Our styles have no comment signs within strings.
fn bare(style: &str) -> String {
    let mut out = String::with_capacity(style.len());
    let mut parts = style.split("/*");
    let first = parts.next().unwrap_or_default();
    let code =
        [first].into_iter().chain(parts.map(|part| part.split_once("*/").map_or("", |(_, code)| code)));
    for line in code.collect::<String>().lines().map(str::trim).filter(|line| !line.is_empty()) {
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The style sheet that a line of the page brings.
fn style_of(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix(STYLE)?.split('"').next()
}

/// The page with `link` in place of its first style sheet and nothing in place of the others.
fn with_one_style(html: &str, link: &str) -> String {
    let mut link = Some(link);
    let lines = html.split_inclusive('\n');
    lines.map(|line| if style_of(line).is_some() { link.take().unwrap_or_default() } else { line }).collect()
}

/// 16 hexadecimal digits, as long as Trunk's: what the server takes for a name that may be cached for ever.
fn short_digest(parts: &[&[u8]]) -> String {
    let mut digest = Sha384::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_link_takes_the_place_of_all() {
        let html = "<head>\n  <link rel=\"stylesheet\" href=\"/a-1.css\" integrity=\"x\"/>\n  <link rel=\"stylesheet\" href=\"/b-2.css\"/>\n</head>\n";
        assert_eq!(html.lines().filter_map(style_of).collect::<Vec<_>>(), ["a-1.css", "b-2.css"]);
        assert_eq!(with_one_style(html, "  <one/>\n"), "<head>\n  <one/>\n</head>\n");
    }

    #[test]
    fn styles_lose_what_only_their_writers_read() {
        assert_eq!(bare("/* a\n b */\n.x {\n  color: red; /* c */\n}\n\n"), ".x {\ncolor: red;\n}\n");
    }

    #[test]
    fn a_digest_is_of_all_parts() {
        assert_eq!(short_digest(&[b"ab", b"c"]), short_digest(&[b"abc"]));
        assert_eq!(short_digest(&[b"abc"]), "cb00753f45a35e8b");
    }
}
