//! The app over HTTP: what may be cached and for how long, compression, and the headers that guard a page.
//! Needs `dist/`, which `cargo xtask app` builds.

use fourwire_tests::{
    raw::{Answer, Request},
    server::{TestServer, root},
};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

async fn get(server: &TestServer, path: &str, encoding: &str) -> Answer {
    Request::get(path).header("accept-encoding", encoding).send(server.port()).await
}

async fn with_app() -> TestServer {
    assert!(root().join("dist/index.html").exists(), "the app is not built: run `cargo xtask app` first");
    TestServer::start().await
}

/// Paths that `index.html` names and that hold a hash.
fn hashed(index: &str) -> Vec<String> {
    let quoted = index.split(['"', '\'']).filter(|text| text.starts_with('/') && text.contains('.'));
    let hash = |path: &&str| {
        path.split(['-', '.', '_']).any(|part| part.len() >= 8 && part.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    quoted.filter(hash).map(str::to_owned).collect()
}

#[tokio::test]
async fn pages_are_asked_for_each_time_and_guarded() {
    let server = with_app().await;
    for (path, status) in [("/", 200), ("/compare", 200), ("/console", 200), ("/nowhere", 404)] {
        let page = get(&server, path, "identity").await;
        assert_eq!(page.status, status, "{path}");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        let cache = page.header("cache-control").unwrap_or_default();
        assert!(cache.contains("no-cache") || cache.contains("no-store"), "{path}: {cache:?}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(page.header("referrer-policy").is_some(), "{path}");
        let policy = page.header("content-security-policy").expect("a policy");
        for part in ["default-src 'none'", "'wasm-unsafe-eval'", "frame-ancestors 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        for hole in ["'unsafe-inline'", "'unsafe-eval'", "*"] {
            assert!(!policy.split([' ', ';']).any(|word| word == hole), "{path}: {policy}");
        }
    }
}

#[tokio::test]
async fn a_page_that_has_not_changed_is_not_sent_again() {
    let server = with_app().await;
    let page = get(&server, "/", "identity").await;
    let tag = page.header("etag").expect("a tag");
    let again = Request::get("/").header("if-none-match", tag).send(server.port()).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[tokio::test]
async fn files_whose_names_hold_a_hash_are_kept_for_ever_and_come_compressed() {
    let server = with_app().await;
    let index = get(&server, "/", "identity").await;
    let files = hashed(index.text());
    let wasm = files.iter().find(|path| path.ends_with(".wasm")).expect("a page loads its program");
    for path in &files {
        let file = get(&server, path, "identity").await;
        assert_eq!((file.status, file.header("cache-control")), (200, Some(IMMUTABLE)), "{path}");
        assert_eq!(file.header("content-encoding"), None, "{path}");
        assert!(
            file.header("vary").is_some_and(|vary| vary.to_ascii_lowercase().contains("accept-encoding"))
        );
    }
    let plain = get(&server, wasm, "identity").await;
    assert_eq!(plain.header("content-type"), Some("application/wasm"));
    for (asked, given) in [
        ("br", Some("br")),
        ("gzip", Some("gzip")),
        ("gzip, br", Some("br")),
        ("gzip, br;q=0", Some("gzip")),
        ("br;q=0, gzip;q=0", None),
        ("zstd", None),
    ] {
        let file = get(&server, wasm, asked).await;
        assert_eq!((file.status, file.header("content-encoding")), (200, given), "{asked}");
        assert_eq!(file.header("content-type"), Some("application/wasm"), "{asked}");
        assert!(given.is_none() || file.body.len() < plain.body.len() / 2, "{asked}");
    }
}

#[tokio::test]
async fn nothing_outside_the_app_is_served() {
    let server = with_app().await;
    for path in [
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..%2fCargo.toml",
        "//etc/passwd",
        "/Cargo.toml",
        "/missing.js",
        "/%00.js",
        "/%ff.js",
    ] {
        let answer = get(&server, path, "identity").await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert!(!String::from_utf8_lossy(&answer.body).contains("[workspace]"), "{path}");
    }
    let refused = Request::new("POST", "/").json("1").send(server.port()).await;
    assert_eq!((refused.status, refused.header("allow").is_some()), (405, true));
}

#[tokio::test]
async fn an_unknown_path_of_the_api_is_a_problem_and_no_page() {
    let server = TestServer::start().await;
    for path in ["/v1/nope", "/v1", "/v1/", "/v1/topics/a/b", "/v1/poll/"] {
        let answer = Request::get(path).header("accept", "text/html").send(server.port()).await;
        assert_eq!(answer.problem(), "404 not_found", "{path}");
    }
}
