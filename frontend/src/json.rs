//! JSON as people read it: indented, with keys and numbers exactly as they were published.

/// Indents `json` by two spaces. Text that is not JSON comes out in some order of lines, never lost.
pub(crate) fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0usize;
    let mut quoted = false;
    let mut escaped = false;
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        if quoted {
            out.push(character);
            quoted = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            '"' => {
                quoted = true;
                out.push('"');
            }
            '{' | '[' => {
                out.push(character);
                while characters.peek().is_some_and(char::is_ascii_whitespace) {
                    characters.next();
                }
                if let Some(end) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(',');
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            space if space.is_ascii_whitespace() => {}
            other => out.push(other),
        }
    }
    out
}

/// `json` between a shell's single quotes.
pub(crate) fn quoted(json: &str) -> String {
    format!("'{}'", json.replace('\'', r"'\''"))
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(64)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_numbers_stay_as_written() {
        for (json, expected) in [
            (r#"{"b":1.50,"a":[]}"#, "{\n  \"b\": 1.50,\n  \"a\": []\n}"),
            (r#"[1,{"x":{ }}]"#, "[\n  1,\n  {\n    \"x\": {}\n  }\n]"),
            (r#"{"a":"x{,:\"}"}"#, "{\n  \"a\": \"x{,:\\\"}\"\n}"),
            (r#""\\""#, r#""\\""#),
            ("null", "null"),
            ("]]", "\n]\n]"),
        ] {
            assert_eq!(pretty(json), expected, "{json}");
        }
    }
}
