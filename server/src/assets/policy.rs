//! What the page may load and run (Content Security Policy). WebAssembly may; scripts in the text of the page may only
//! if they are those that are there: Trunk writes one that starts the app, and its hash is in the policy.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use sha2::{Digest, Sha256};

/// For a file that is opened by itself, such as an image: it runs nothing.
pub(super) const OF_FILES: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// The policy that fits a page.
pub(super) fn of_page(html: &[u8]) -> HeaderValue {
    let mut scripts = String::from("'self' 'wasm-unsafe-eval'");
    for script in inline_scripts(&String::from_utf8_lossy(html)) {
        scripts.push_str(" 'sha256-");
        STANDARD.encode_string(Sha256::digest(script), &mut scripts);
        scripts.push('\'');
    }
    let policy = format!(
        "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; media-src 'self'; font-src 'self'; \
         connect-src 'self'; frame-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("Base64 and our own words are visible ASCII")
}

/// The text of each script that has no `src`. It reads what Trunk writes, not all of HTML: a page that hides a script
/// from it has a script that does not run.
fn inline_scripts(html: &str) -> Vec<&str> {
    // Same length and same boundaries as `html`, so that positions fit both.
    let lower = html.to_ascii_lowercase();
    let (mut scripts, mut at) = (Vec::new(), 0);
    while let Some(found) = lower[at..].find("<script") {
        let tag = at + found + "<script".len();
        at = tag;
        if !lower[tag..].starts_with(|c: char| c == '>' || c.is_ascii_whitespace()) {
            continue; // the name of another element
        }
        let Some(body) = end_of_tag(&lower[tag..]).map(|length| tag + length) else { break };
        let Some(end) = lower[body..].find("</script").map(|length| body + length) else { break };
        if !has_src(&lower[tag..body]) {
            scripts.push(&html[body..end]);
        }
        at = end;
    }
    scripts
}

/// How far the tag goes, `>` included: one within quotes does not end it.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    for (index, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(index + 1),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

fn has_src(tag: &str) -> bool {
    tag.split(|c: char| c.is_ascii_whitespace()).any(|attribute| attribute.starts_with("src="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_scripts_in_a_page_are_found_as_they_stand() {
        for (html, expected) in [
            ("<script>a</script>", &["a"][..]),
            ("<SCRIPT type=\"module\">\n a < b;\n</Script >", &["\n a < b;\n"]),
            ("<script src=\"/x.js\"></script><script>é</script>", &["é"]),
            ("<script\n src='/x.js' integrity=\"s\"></script>", &[]),
            ("<script data-x=\"a>b\">c</script>", &["c"]),
            ("<script data-src=\"x\">c</script>", &["c"]),
            ("<scripted></scripted><script>c</script>", &["c"]),
            ("<link rel=\"modulepreload\" href=\"/x.js\">", &[]),
            ("<script>a</script><script>b</script>", &["a", "b"]),
            ("<script>never closed", &[]),
            ("<script", &[]),
        ] {
            assert_eq!(inline_scripts(html), expected, "{html}");
        }
    }

    #[test]
    fn a_policy_has_the_hash_that_a_browser_computes() {
        let policy = of_page(b"<script type=module>alert('Hello, world.');</script>");
        let policy = policy.to_str().expect("text");
        // The example of the CSP specification, section 8.3 of level 2.
        assert!(policy.contains("'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"), "{policy}");
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval' 'sha256-"), "{policy}");
    }

    proptest! {
        #[test]
        fn no_page_makes_it_panic(html in r#"(<script|</script|>|"|'|src=| |é|İ|.)*"#) {
            let _ = of_page(html.as_bytes());
        }
    }
}
