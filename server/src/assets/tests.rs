//! The app's files over a scratch `dist/`.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};

use super::*;

const WASM: &str = "fourwire-frontend-1f9a6bcfe7d2ab90_bg.wasm";
const PAGE: &str =
    "<!doctype html><script src=\"/boot-9a6bcfe7d2ab901f.js\"></script><script type=\"module\">go()</script>";

/// A `dist/` that goes away by itself.
struct Dist(PathBuf);

impl Dist {
    fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("fourwire-dist-{}-{number}", std::process::id()));
        fs::create_dir_all(dir.join("snippets/x-1f9a6bcfe7d2ab90")).expect("a directory");
        for (name, content) in files {
            fs::write(dir.join(name), content).expect("a file");
        }
        Self(dir)
    }

    fn full() -> Self {
        Self::new(&[
            ("index.html", PAGE),
            ("index.html.br", "page in brotli"),
            ("index.html.gz", "page in gzip"),
            (WASM, "wasm"),
            (&format!("{WASM}.gz"), "wasm in gzip"),
            ("robots.txt", "plain"),
            ("snippets/x-1f9a6bcfe7d2ab90/inline0.js", "js"),
        ])
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(HeaderName, &str)]) -> Answer {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).expect("a value")))
            .collect();
        let response = App::in_directory(&self.0).answer(&method, path, &headers).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[]).await
    }
}

impl Drop for Dist {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

#[tokio::test]
async fn each_address_has_its_status_its_kind_and_its_age() {
    let dist = Dist::full();
    const HASHED: &str = "public, max-age=31536000, immutable";
    for (path, status, kind, cache) in [
        ("/", 200, HTML, "no-cache"),
        ("/compare", 200, HTML, "no-cache"),
        ("/console/", 200, HTML, "no-cache"),
        ("/nothing-here", 404, HTML, "no-cache"),
        ("/compare/x", 404, HTML, "no-cache"),
        (&format!("/{WASM}"), 200, "application/wasm", HASHED),
        ("/robots.txt", 200, "text/plain; charset=utf-8", "no-cache"),
        ("/snippets/x-1f9a6bcfe7d2ab90/inline0.js", 200, "text/javascript; charset=utf-8", "no-cache"),
        ("/index.html", 308, "", ""),
        ("/index.html.br", 404, "application/problem+json", "no-store"),
        ("/missing.js", 404, "application/problem+json", "no-store"),
        ("/../secret.txt", 404, "application/problem+json", "no-store"),
        ("/%2e%2e/secret.txt", 404, "application/problem+json", "no-store"),
        ("/.hidden", 404, "application/problem+json", "no-store"),
        ("//robots.txt", 200, "text/plain; charset=utf-8", "no-cache"),
        ("/snippets", 404, HTML, "no-cache"),
    ] {
        let answer = dist.get(path).await;
        let got = (answer.status, answer.header("content-type"), answer.header("cache-control"));
        assert_eq!(got, (status, kind, cache), "{path}");
        assert_eq!(answer.body == PAGE, kind == HTML, "{path}");
    }
}

#[tokio::test]
async fn pages_of_other_programs_are_theirs_where_there_are_any() {
    let one = Dist::full();
    let two = Dist::new(&[("index.html", PAGE), ("house.html", "<!doctype html>the house")]);
    for path in ["/auctions", "/auctions/", "/auctions/new", "/auctions/42", "/wallet"] {
        let (alone, both) = (one.get(path).await, two.get(path).await);
        assert_eq!((alone.status, &*alone.body), (200, PAGE), "{path}");
        assert_eq!((both.status, &*both.body), (200, "<!doctype html>the house"), "{path}");
        let policy = both.header("content-security-policy");
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval';"), "{path}: {policy}");
    }
    for path in
        ["/auctions/x", "/auctions/042", "/auctions/4294967296", "/auctions/1/2", "/wallet/1", "/jobs/07"]
    {
        assert_eq!(two.get(path).await.status, 404, "{path}");
    }
    assert_eq!(two.get("/jobs/4294967296").await.status, 200);
    assert_eq!(two.get("/experiment").await.body, PAGE, "what is not there is the first program's");
    assert_eq!(two.get("/house.html").await.status, 308);
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let dist = Dist::full();
    for path in ["/", &format!("/{WASM}"), "/robots.txt"] {
        for accept in ["", "gzip", "br, gzip"] {
            let accept = (header::ACCEPT_ENCODING, accept);
            let first = dist.ask(Method::GET, path, std::slice::from_ref(&accept)).await;
            let tag = (header::IF_NONE_MATCH, first.header("etag"));
            let again = dist.ask(Method::GET, path, &[accept, tag.clone()]).await;
            assert_eq!((again.status, &*again.body), (304, ""), "{path}");
            for name in ["etag", "cache-control", "vary", "content-security-policy"] {
                assert_eq!(again.header(name), first.header(name), "{path}: {name}");
            }
            let other = dist.ask(Method::GET, "/nothing-here", &[tag]).await;
            assert_eq!(other.status, 404);
        }
    }
}

#[tokio::test]
async fn the_best_copy_goes_out_with_a_tag_of_its_own() {
    let dist = Dist::full();
    let mut tags = Vec::new();
    for (path, accept, encoding, body) in [
        ("/", "gzip, br", "br", "page in brotli"),
        ("/", "gzip", "gzip", "page in gzip"),
        ("/", "zstd", "", PAGE),
        (&*format!("/{WASM}"), "gzip, br", "gzip", "wasm in gzip"),
        (&*format!("/{WASM}"), "br", "", "wasm"),
    ] {
        let answer = dist.ask(Method::GET, path, &[(header::ACCEPT_ENCODING, accept)]).await;
        assert_eq!((answer.header("content-encoding"), &*answer.body), (encoding, body), "{path} {accept}");
        assert_eq!(answer.header("vary"), "accept-encoding");
        tags.push(answer.header("etag").to_owned());
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 5);
}

#[tokio::test]
async fn the_page_may_run_its_own_scripts_and_nothing_else() {
    let dist = Dist::full();
    let page = dist.get("/").await;
    let policy = page.header("content-security-policy");
    let hash = STANDARD.encode(Sha256::digest("go()"));
    let scripts = format!("default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'sha256-{hash}'; ");
    assert!(policy.starts_with(&scripts), "{policy}");
    for name in
        ["x-content-type-options", "referrer-policy", "cross-origin-opener-policy", "permissions-policy"]
    {
        assert_ne!(page.header(name), "", "{name}");
    }
    let file = dist.get("/robots.txt").await;
    assert!(file.header("content-security-policy").starts_with("default-src 'none'"));
}

#[tokio::test]
async fn a_new_app_is_served_without_a_new_server() {
    let dist = Dist::full();
    let first = dist.get("/").await;
    fs::write(dist.0.join("index.html"), PAGE.replace("go()", "come()")).expect("a file");
    let second = dist.get("/").await;
    assert_ne!(first.header("etag"), second.header("etag"));
    assert_ne!(first.header("content-security-policy"), second.header("content-security-policy"));
}

#[tokio::test]
async fn files_are_read_and_nothing_else() {
    let dist = Dist::full();
    for path in ["/", "/robots.txt", "/nothing-here"] {
        let post = dist.ask(Method::POST, path, &[]).await;
        assert_eq!((post.status, post.header("allow")), (405, "GET,HEAD"), "{path}");
    }
    assert_eq!(dist.ask(Method::OPTIONS, "/", &[]).await.status, 204);
}

#[tokio::test]
async fn without_an_app_the_page_says_what_to_run() {
    let empty = Dist::new(&[]);
    let answer = empty.get("/").await;
    assert_eq!((answer.status, answer.header("content-type")), (503, HTML));
    assert!(answer.body.contains("cargo xtask app"), "{}", answer.body);
    assert_eq!(empty.get("/app.js").await.status, 404);
}

#[test]
fn only_a_hash_of_the_content_makes_a_name_immutable() {
    for (name, expected) in [
        ("tokens-1f9a6bcfe7d2ab90.css", true),
        ("app-1f9a6bcfe7d2ab90_bg.wasm", true),
        ("app-f9a6bcfe7d2ab90.js", true),
        ("index.html", false),
        ("favicon.svg", false),
        ("well-known.txt", false),
        ("app-1f9a6bcfe7d2ab9g.js", false),
        ("app-deadbeef.js", false),
    ] {
        assert_eq!(has_hash(name), expected, "{name}");
    }
}
