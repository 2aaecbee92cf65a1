//! What experiments came to, as files: so that a report of one can be passed on, and outlives the server.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use fourwire_shared::experiment::Experiment;

/// How many are kept; the oldest goes first. Each is a few kilobytes.
const KEPT_MAX: usize = 500;
const ENDING: &str = "json";

/// A directory of experiments that are over. Their names are times, so their order is that of their beginnings.
#[derive(Clone, Debug)]
pub(super) struct Archive(PathBuf);

impl Archive {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// Keeps an experiment, and forgets the oldest of those that are too many.
    pub(super) fn put(&self, experiment: &Experiment) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let text = serde_json::to_vec(experiment)?;
        // Whole or not at all.
        let part = self.0.join(format!("{}.part", experiment.id));
        fs::write(&part, text)?;
        fs::rename(part, self.path(&experiment.id))?;
        let mut all: Vec<PathBuf> = fs::read_dir(&self.0)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|ending| ending == ENDING))
            .collect();
        all.sort_unstable();
        let too_many = all.len().saturating_sub(KEPT_MAX);
        all.iter().take(too_many).try_for_each(fs::remove_file)
    }

    /// An experiment that was kept.
    pub(super) fn get(&self, id: &str) -> Option<Experiment> {
        if !is_id(id) {
            return None;
        }
        serde_json::from_slice(&fs::read(self.path(id)).ok()?).ok()
    }

    fn path(&self, id: &str) -> PathBuf {
        self.0.join(Path::new(id).with_extension(ENDING))
    }
}

/// The name of an experiment: 16 hexadecimal digits.
fn is_id(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use fourwire_shared::experiment::{Contention, ExperimentSpec, State};

    use super::*;
    use crate::storage::testing::Dir;

    fn over(number: usize) -> Experiment {
        Experiment {
            id: format!("{number:016x}"),
            spec: ExperimentSpec::Contention(Contention::default()),
            state: State::Done,
            done: 1,
            steps: 1,
            doing: "done".to_owned(),
            runs: Vec::new(),
            outcomes: Vec::new(),
            problem: None,
        }
    }

    #[test]
    fn the_newest_are_kept_and_no_name_leads_elsewhere() {
        let dir = Dir::in_memory("kept-experiments");
        let archive = Archive::new(dir.path().join("results"));
        assert_eq!(archive.get(&over(1).id), None);
        for number in 0..KEPT_MAX + 3 {
            archive.put(&over(number)).expect("kept");
        }
        assert_eq!(archive.get(&over(2).id), None);
        assert_eq!(archive.get(&over(3).id), Some(over(3)));
        fs::write(dir.path().join("results/0000000000ffffff.json"), "{").expect("written");
        for id in ["0000000000ffffff", "../../secret", "", "000000000000000G"] {
            assert_eq!(archive.get(id), None, "{id}");
        }
    }
}
