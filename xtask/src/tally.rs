//! Counting what the test programs say, while their output passes through to the terminal.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, Result};

/// How many passed and how many did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// One check that has only one result.
    pub(crate) fn of(result: &Result<()>) -> Self {
        if result.is_ok() { Self { passed: 1, failed: 0 } } else { Self { passed: 0, failed: 1 } }
    }

    /// Adds the line's counts if it is a summary.
    pub(crate) fn read(&mut self, line: &str) {
        let Some((_, counts)) = line.split_once("test result: ") else { return };
        self.passed += number_before(counts, " passed");
        self.failed += number_before(counts, " failed");
    }

    /// Runs test programs; output goes through. A program that fails without a failed test (it did not compile, it
    /// crashed) counts as one failure.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub(crate) fn run(command: &mut Command) -> Result<Self> {
        let name = crate::sh::shown(command);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{name}`"))?;
        let (stdout, stderr) =
            (child.stdout.take().context("stdout")?, child.stderr.take().context("stderr")?);
        // The runner of the browser's tests sums up on stderr; cargo's own tests on stdout.
        let other = thread::spawn(move || count(stderr));
        let mut tally = count(stdout);
        let more = other.join().unwrap_or_default();
        tally.passed += more.passed;
        tally.failed += more.failed;
        if !child.wait()?.success() && tally.failed == 0 {
            tally.failed = 1;
        }
        Ok(tally)
    }
}

fn count(stream: impl std::io::Read) -> Tally {
    let mut tally = Tally::default();
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        let text = String::from_utf8_lossy(&line);
        print!("{text}");
        tally.read(&text);
        line.clear();
    }
    tally
}

fn number_before(text: &str, word: &str) -> u64 {
    let Some(end) = text.find(word) else { return 0 };
    let digits = text[..end].rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_both_runners_are_counted_and_other_lines_are_not() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 5 filtered out",
            "    test result: ok. 4 passed; 0 failed; 0 ignored",
            "7 passed and then some",
        ] {
            tally.read(line);
        }
        assert_eq!(tally, Tally { passed: 17, failed: 2 });
    }
}
