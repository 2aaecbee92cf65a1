//! The names by which the WebAssembly and its JavaScript know each other, made short.
//!
//! wasm-bindgen calls an import `__wbg_addEventListener_4d0db17c671ea324` in both files, and no compression helps with
//! the digits: some 6 kB of Brotli for 290 names that nobody reads. Here each becomes `_0`, `_1`, … in both. Only names
//! change: no section moves, no index. What is not as expected is an error, never a guess. The glue loses its
//! indentation too; a real minifier would save 1 kB more and be one more tool to fetch.

use anyhow::{Context, Result, bail, ensure};

/// Magic number and version of a module.
const HEAD: &[u8] = b"\0asm\x01\0\0\0";
const IMPORT_SECTION: u8 = 2;
const FUNCTION: u8 = 0;

/// The module and its glue with short names, and the glue without indentation.
///
/// # Errors
/// When the module is none, imports anything but functions, or the glue does not define each import exactly once.
pub(super) fn shorten(wasm: &[u8], glue: &str) -> Result<(Vec<u8>, String)> {
    let mut glue = glue.to_owned();
    let mut out = HEAD.to_vec();
    let mut rest = wasm.strip_prefix(HEAD).context("this is no WebAssembly")?;
    while let Some((id, after)) = rest.split_first() {
        let mut section = after;
        let body = take_sized(&mut section)?;
        rest = section;
        out.push(*id);
        if *id == IMPORT_SECTION {
            let body = short_imports(body, &mut glue)?;
            put_sized(&mut out, &body);
        } else {
            put_sized(&mut out, body);
        }
    }
    Ok((out, outdented(&glue)))
}

/// Without indentation, empty lines and comments of whole lines; as it is where a string goes over several lines.
fn outdented(glue: &str) -> String {
    if glue.lines().any(|line| line.matches('`').count() % 2 == 1) {
        return glue.to_owned();
    }
    let lines = glue.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The import section with short names, which the glue gets too.
fn short_imports(mut body: &[u8], glue: &mut String) -> Result<Vec<u8>> {
    let count = take_number(&mut body)?;
    let mut out = Vec::with_capacity(body.len());
    put_number(&mut out, count);
    for index in 0..count {
        let module = take_sized(&mut body)?;
        let name = std::str::from_utf8(take_sized(&mut body)?)?;
        let short = format!("_{index:x}");
        define(glue, name, &short)?;
        put_sized(&mut out, module);
        put_sized(&mut out, short.as_bytes());
        ensure!(take(&mut body)? == FUNCTION, "the import {name} is no function");
        out.push(FUNCTION);
        put_number(&mut out, take_number(&mut body)?);
    }
    ensure!(body.is_empty(), "the imports are longer than they say");
    Ok(out)
}

/// Renames the one property `name` of the glue.
fn define(glue: &mut String, name: &str, short: &str) -> Result<()> {
    let property = format!(" {name}: ");
    let found = glue.matches(&property).count();
    ensure!(found == 1, "the glue defines the import {name} {found} times");
    *glue = glue.replace(&property, &format!(" {short}: "));
    Ok(())
}

fn take(bytes: &mut &[u8]) -> Result<u8> {
    let (first, rest) = bytes.split_first().context("the module ends too early")?;
    *bytes = rest;
    Ok(*first)
}

/// An unsigned LEB128 of up to 32 bits.
fn take_number(bytes: &mut &[u8]) -> Result<u32> {
    let mut number = 0;
    for shift in (0..35).step_by(7) {
        let byte = take(bytes)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(u32::try_from(number)?);
        }
    }
    bail!("a number is longer than 32 bits")
}

/// So many bytes as the number before them says.
fn take_sized<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8]> {
    let size = take_number(bytes)? as usize;
    let (taken, rest) = bytes.split_at_checked(size).context("the module ends too early")?;
    *bytes = rest;
    Ok(taken)
}

fn put_number(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 & 0x7f | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, u32::try_from(bytes.len()).expect("a module has less than 4 GB"));
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(imports: &[(&str, u8)]) -> Vec<u8> {
        let mut section = Vec::new();
        put_number(&mut section, imports.len() as u32);
        for (name, kind) in imports {
            put_sized(&mut section, b"./app_bg.js");
            put_sized(&mut section, name.as_bytes());
            section.extend([*kind, 0x81, 0x01]);
        }
        let mut out = HEAD.to_vec();
        for (id, body) in [(1, &[0x00][..]), (IMPORT_SECTION, &section), (10, &[0x2a; 300])] {
            out.push(id);
            put_sized(&mut out, body);
        }
        out
    }

    #[test]
    fn both_sides_get_the_same_short_names_and_nothing_else_changes() -> Result<()> {
        let glue = "{ __wbg_a_1: function() {}, __wbg_b_2: function() { __wbg_a_1(); } }";
        let (wasm, glue) = shorten(&module(&[("__wbg_a_1", 0), ("__wbg_b_2", 0)]), glue)?;
        assert_eq!(wasm, module(&[("_0", 0), ("_1", 0)]));
        assert_eq!(glue, "{ _0: function() {}, _1: function() { __wbg_a_1(); } }\n");
        Ok(())
    }

    #[test]
    fn indentation_goes_unless_it_may_be_part_of_a_string() {
        assert_eq!(outdented("{\n    // why\n\n    a: `b`\n}\n"), "{\na: `b`\n}\n");
        assert_eq!(outdented("{\n    a: `b\n    c`\n}\n"), "{\n    a: `b\n    c`\n}\n");
    }

    #[test]
    fn what_is_not_as_expected_is_refused() {
        let whole = module(&[("__wbg_a_1", 0)]);
        for (wasm, glue) in [
            (&b"<html>"[..], "{ __wbg_a_1: 0 }"),
            (&whole[..whole.len() - 1], "{ __wbg_a_1: 0 }"),
            (&whole, "{ }"),
            (&whole, "{ __wbg_a_1: 0, __wbg_a_1: 0 }"),
            (&module(&[("__wbg_a_1", 3)]), "{ __wbg_a_1: 0 }"),
        ] {
            assert!(shorten(wasm, glue).is_err(), "{glue}");
        }
    }
}
