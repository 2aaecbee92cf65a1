//! The lines of the ledger as they are shown: those that were read, and those that came since, each once.

use fourwire_shared::auction::{EntryKind, EntryRow};

use crate::house::wallet::Purse;

/// All lines, newest first.
pub(super) fn merged(purse: &Purse, read: &[EntryRow]) -> Vec<EntryRow> {
    let newest = read.first().map_or(0, |line| line.entry);
    purse.lines().filter(|line| line.entry > newest).chain(read).copied().collect()
}

/// A movement's name, and what it means for whoever owns the wallet.
pub(super) const fn words(kind: EntryKind) -> (&'static str, &'static str) {
    match kind {
        EntryKind::Grant => ("grant", "Lent by the house"),
        EntryKind::Hold => ("hold", "Held: you lead"),
        EntryKind::Release => ("release", "Given back"),
        EntryKind::Charge => ("charge", "Paid"),
        EntryKind::Payout => ("payout", "Paid to you"),
    }
}

#[cfg(test)]
mod tests {
    use fourwire_shared::{Event, Seq, session::Applied};

    use super::*;

    fn line(entry: u64) -> EntryRow {
        EntryRow { entry, kind: EntryKind::Hold, auction: None, available: 0, held: 0, at: entry }
    }

    #[test]
    fn a_line_that_was_read_and_came_is_there_once() {
        let mut purse = Purse::default();
        for entry in [4, 5, 6] {
            let data = format!(
                r#"{{"entry":{},"available":1,"held":1}}"#,
                serde_json::to_string(&line(entry)).expect("JSON")
            );
            purse.take(&Applied::Event(Event {
                topic: "wallet.7".parse().expect("a topic"),
                seq: Seq::new(entry),
                prev: Seq::new(entry - 1),
                at: 1,
                skipped: None,
                data: serde_json::from_str(&data).expect("JSON"),
            }));
        }
        let numbers = |read: &[EntryRow]| merged(&purse, read).iter().map(|l| l.entry).collect::<Vec<_>>();
        assert_eq!(numbers(&[]), [6, 5, 4]);
        assert_eq!(numbers(&[line(5), line(4), line(3)]), [6, 5, 4, 3]);
    }
}
