//! The house keeps its own rules: layers, words of the protocol, dependencies, layout. Each rule is a function over
//! text that returns its findings, and each is shown to find something in a bad sample.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use fourwire_shared::{frame::FRAME_TYPES, problem::Code};
use fourwire_tests::server::root;

/// What a layer must not say, and why.
struct Layer {
    dir: &'static str,
    never: &'static [&'static str],
    because: &'static str,
}

const LAYERS: [Layer; 4] = [
    Layer {
        dir: "server/src/log",
        never: &[
            "axum",
            "hyper",
            "http::",
            "tokio::net",
            "crate::wires",
            "crate::edge",
            "crate::dashboard",
            "crate::lab",
            "crate::auctions",
            "crate::experiment",
            "crate::jobs",
            "crate::reports",
        ],
        because: "the log knows no HTTP and no feature",
    },
    Layer {
        dir: "server/src/wires",
        never: &[
            "crate::dashboard",
            "crate::lab",
            "crate::jobs",
            "crate::reports",
            "crate::auctions",
            "crate::experiment",
            "crate::storage",
            "rusqlite",
        ],
        because: "a wire knows no feature and no disk",
    },
    Layer {
        dir: "server/src/storage",
        never: &[
            "axum",
            "hyper",
            "http::",
            "crate::wires",
            "crate::edge",
            "crate::dashboard",
            "crate::lab",
            "crate::auctions",
            "crate::experiment",
            "crate::jobs",
            "crate::reports",
        ],
        because: "storage knows the log's port and nothing above it",
    },
    Layer {
        dir: "shared/src",
        never: &[
            "std::time::Instant",
            "std::time::SystemTime",
            "Instant::now",
            "SystemTime",
            "std::net",
            "std::fs",
            "std::thread",
            "tokio::",
            "web_sys",
            "js_sys",
            "wasm_bindgen",
            "gloo",
            "rand::",
        ],
        because: "what both sides share has no clock, no browser and no runtime",
    },
];

/// Everything that may lie at the top.
const TOP: [&str; 23] = [
    ".cargo",
    ".ci",
    ".gitattributes",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "Trunk.toml",
    "clippy.toml",
    "docs",
    "frontend",
    "index.html",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "server",
    "shared",
    "tests",
    "xtask",
    ".editorconfig",
];

#[test]
fn layers_know_only_what_they_may() {
    let mut findings = Vec::new();
    for Layer { dir, never, because } in &LAYERS {
        for (path, source) in rust_files(dir) {
            findings.extend(
                forbidden(&source, never).into_iter().map(|line| format!("{path}:{line} ({because})")),
            );
        }
    }
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn every_task_has_an_owner_and_nothing_unwraps() {
    let mut findings = Vec::new();
    for dir in ["server/src", "shared/src", "frontend/src", "xtask/src"] {
        for (path, source) in rust_files(dir) {
            let lines = forbidden(&source, &["tokio::spawn(", "task::spawn(", ".unwrap()", "thread::spawn("]);
            // A thread whose handle is kept has an owner.
            findings.extend(
                lines
                    .into_iter()
                    .filter(|line| !(line.contains("thread::spawn(") && line.contains("let ")))
                    .map(|line| format!("{path}:{line}")),
            );
        }
    }
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut findings = Vec::new();
    for dir in ["server", "shared", "frontend", "tests", "xtask"] {
        for (path, source) in rust_files(dir) {
            if !source.starts_with("//!") {
                findings.push(path);
            }
        }
    }
    assert!(findings.is_empty(), "without a //! header: {findings:#?}");
}

#[test]
fn the_protocol_page_lists_every_frame_type() {
    let said = table_after(&read("docs/PROTOCOL.md"), "| `type` |");
    assert_eq!(said, FRAME_TYPES.map(str::to_owned).to_vec());
}

#[test]
fn the_protocol_page_lists_every_problem_with_its_status() {
    let said: BTreeSet<String> = rows_after(&read("docs/PROTOCOL.md"), "| `code` |")
        .into_iter()
        .map(|cells| format!("{} {}", cells[0].trim_matches('`'), cells[1]))
        .collect();
    let meant: BTreeSet<String> = Code::ALL.iter().map(|code| format!("{code} {}", code.status())).collect();
    assert_eq!(said, meant);
}

#[test]
fn every_direct_dependency_is_accounted_for() {
    let said: BTreeSet<String> =
        table_after(&read("docs/DEPENDENCIES.md"), "| crate |").into_iter().collect();
    let used: BTreeSet<String> = ["server", "shared", "frontend", "tests", "xtask"]
        .iter()
        .flat_map(|package| dependencies(&read(&format!("{package}/Cargo.toml"))))
        .filter(|name| !name.starts_with("fourwire-"))
        .collect();
    let silent: Vec<_> = used.difference(&said).collect();
    let gone: Vec<_> = said.difference(&used).collect();
    assert!(
        silent.is_empty() && gone.is_empty(),
        "not in docs/DEPENDENCIES.md: {silent:?}; there but unused: {gone:?}"
    );
}

#[test]
fn the_top_of_the_house_is_tidy() {
    let tracked = std::process::Command::new("git").args(["ls-files"]).current_dir(root()).output();
    let Ok(tracked) = tracked else { return }; // an unpacked archive has no git
    let tracked = String::from_utf8_lossy(&tracked.stdout).into_owned();
    assert_eq!(strangers(&tracked), BTreeSet::new());
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    let mut findings = Vec::new();
    for page in [
        "README.md",
        "CHANGELOG.md",
        "docs/ARCHITECTURE.md",
        "docs/PROTOCOL.md",
        "docs/METRICS.md",
        "docs/DEPENDENCIES.md",
        "docs/JOBS.md",
    ] {
        let base = root().join(page);
        let base = base.parent().expect("a page is in a directory");
        let dead = links(&read(page)).into_iter().filter(|link| !base.join(link).exists());
        findings.extend(dead.map(|link| format!("{page}: {link}")));
    }
    assert!(findings.is_empty(), "{findings:#?}");
}

mod each_rule_can_fail {
    use super::*;

    #[test]
    fn forbidden_words_are_found_with_their_line_but_not_in_comments_or_tests() {
        let source = "//! may mention axum\nuse axum::Router;\nlet x = y.unwrap();\n// axum\nlet s = z; // axum\n#[cfg(test)]\nmod tests { use axum; }\n";
        assert_eq!(
            forbidden(source, &["axum", ".unwrap()"]),
            ["2 use axum::Router;", "3 let x = y.unwrap();"]
        );
    }

    #[test]
    fn tables_are_read_by_their_first_column() {
        let page =
            "| `type` | x |\n|---|---|\n| `a` | 1 |\n| `b` | 2 |\n\n| other | y |\n|---|---|\n| `c` | 3 |\n";
        assert_eq!(table_after(page, "| `type` |"), ["a", "b"]);
        assert_eq!(rows_after(page, "| other |"), [["`c`", "3"]]);
        assert!(table_after(page, "| nothing |").is_empty());
    }

    #[test]
    fn dependencies_are_found_in_each_kind_of_section() {
        let toml = "[package]\nname = \"x\"\n[dependencies]\na = \"1\"\nb.workspace = true\n\n[dependencies.web-sys]\nfeatures = [\n    \"Window\",\n]\n[dev-dependencies]\nc = { workspace = true }\n[target.'cfg(unix)'.dependencies]\nd = \"1\"\n[lints]\nworkspace = true\n";
        assert_eq!(dependencies(toml), ["a", "b", "web-sys", "c", "d"]);
    }

    #[test]
    fn strangers_at_the_top_are_named() {
        assert_eq!(
            strangers("README.md\nnotes.txt\nserver/src/lib.rs\n"),
            BTreeSet::from(["notes.txt".to_owned()])
        );
    }

    #[test]
    fn links_are_found_without_their_anchors_and_without_the_web() {
        assert_eq!(links("[a](docs/A.md#x) ![b](p.png) [c](https://c.org) [d](#d)"), ["docs/A.md", "p.png"]);
    }
}

/// The lines that contain one of `words`, outside comments and test modules.
fn forbidden(source: &str, words: &[&str]) -> Vec<String> {
    let code = source.lines().enumerate().take_while(|(_, line)| !line.starts_with("#[cfg(test)]"));
    code.filter_map(|(number, line)| {
        let text = line.split("//").next().unwrap_or_default();
        words.iter().any(|word| text.contains(word)).then(|| format!("{} {}", number + 1, line.trim()))
    })
    .collect()
}

/// The first column of the table whose header row begins with `header`, without back-ticks.
fn table_after(page: &str, header: &str) -> Vec<String> {
    rows_after(page, header).into_iter().map(|cells| cells[0].trim_matches('`').to_owned()).collect()
}

fn rows_after(page: &str, header: &str) -> Vec<Vec<String>> {
    page.lines()
        .skip_while(|line| !line.starts_with(header))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// The names of the direct dependencies, of all kinds.
fn dependencies(toml: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in toml.lines() {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            inside = section.ends_with("dependencies");
            if let Some((_, name)) = section.split_once("dependencies.") {
                names.push(name.to_owned());
            }
        } else if inside && line.starts_with(|c: char| c.is_ascii_lowercase()) {
            let end = line.find([' ', '.', '=']).unwrap_or(line.len());
            names.push(line[..end].to_owned());
        }
    }
    names
}

/// Tracked files and directories at the top that have no place there.
fn strangers(tracked: &str) -> BTreeSet<String> {
    let tops = tracked.lines().filter_map(|path| path.split('/').next());
    tops.filter(|top| !top.is_empty() && !TOP.contains(top)).map(str::to_owned).collect()
}

/// Relative link targets in Markdown, without anchors.
fn links(page: &str) -> Vec<String> {
    page.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|link| !link.is_empty() && !link.contains("://"))
        .map(str::to_owned)
        .collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file below `dir`, by its path from the root.
fn rust_files(dir: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(&root().join(dir), &mut files);
    files
        .into_iter()
        .map(|path| {
            let source = fs::read_to_string(&path).unwrap_or_default();
            (path.strip_prefix(root()).unwrap_or(&path).display().to_string(), source)
        })
        .collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
