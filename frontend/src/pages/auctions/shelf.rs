//! The lots of the list, from the list's topic and from requests: the newest of each counts. No browser.

use std::collections::BTreeMap;

use fourwire_shared::{
    auction::{AuctionId, Lot, LotsSnapshot, Phase},
    from_object,
    session::Applied,
};

/// How long a lot that has just closed stays among the open ones, in µs.
const LINGERS_US: u64 = 8_000_000;
/// The most lots that are kept; those that closed first go first.
const LOTS_MAX: usize = 1_000;

/// Which lots are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tab {
    /// Bids are taken.
    #[default]
    Open,
    /// Not open yet.
    Scheduled,
    /// Over.
    Closed,
}

impl Tab {
    pub(super) const ALL: [Self; 3] = [Self::Open, Self::Scheduled, Self::Closed];

    /// As the server spells it, and as it is shown.
    pub(super) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Open => ("open", "Open"),
            Self::Scheduled => ("scheduled", "Scheduled"),
            Self::Closed => ("closed", "Closed"),
        }
    }
}

/// All lots that are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    lots: BTreeMap<AuctionId, Lot>,
    /// Whether the list's state has come.
    pub(super) known: bool,
    /// Whether the server has more open ones than it sent.
    pub(super) more: bool,
}

impl Shelf {
    /// Takes a frame of the list's topic.
    pub(super) fn take(&mut self, applied: &Applied) {
        match applied {
            Applied::Snapshot { data, .. } => {
                let Ok(list) = from_object::<LotsSnapshot>(data.get()) else { return };
                // What is not in a whole list has closed meanwhile; its end is read when somebody asks for it.
                if !list.more {
                    self.lots
                        .retain(|id, lot| lot.outcome.is_some() || list.lots.iter().any(|l| l.id == *id));
                }
                (self.known, self.more) = (true, list.more);
                list.lots.into_iter().for_each(|lot| self.put(lot));
            }
            Applied::Event(event) => {
                if let Ok(lot) = from_object::<Lot>(event.data.get()) {
                    self.put(lot);
                }
            }
            Applied::Reset { .. } | Applied::End { .. } => {}
        }
    }

    /// Takes a lot; an older version than what is known changes nothing.
    pub(super) fn put(&mut self, lot: Lot) {
        if self.lots.get(&lot.id).is_none_or(|known| known.version < lot.version) {
            self.lots.insert(lot.id, lot);
        }
        if self.lots.len() > LOTS_MAX {
            let first =
                self.lots.values().min_by_key(|lot| (lot.outcome.is_none(), lot.ends_at)).map(|lot| lot.id);
            first.and_then(|id| self.lots.remove(&id));
        }
    }

    /// The lots of a tab whose title has `text`, in the order in which they matter: what ends or opens first, what closed
    /// last.
    pub(super) fn shown(&self, tab: Tab, text: &str, now: u64) -> Vec<&Lot> {
        let text = text.trim().to_lowercase();
        let is_in = |lot: &&Lot| match (tab, lot.phase(now)) {
            (Tab::Open, Phase::Open | Phase::Closing) | (Tab::Scheduled, Phase::Scheduled) => true,
            (Tab::Closed, Phase::Closed) => true,
            (Tab::Open, Phase::Closed) => {
                lot.outcome.as_ref().is_some_and(|outcome| now < outcome.at + LINGERS_US)
            }
            _ => false,
        };
        let mut lots: Vec<&Lot> = self.lots.values().filter(is_in).collect();
        lots.retain(|lot| text.is_empty() || lot.title.to_lowercase().contains(&text));
        match tab {
            Tab::Open => lots.sort_by_key(|lot| (lot.ends_at, lot.id)),
            Tab::Scheduled => lots.sort_by_key(|lot| (lot.opens_at, lot.id)),
            Tab::Closed => lots.sort_by_key(|lot| std::cmp::Reverse((lot.ends_at, lot.id))),
        }
        lots
    }
}

#[cfg(test)]
mod tests {
    use fourwire_shared::auction::{LotEvent, Outcome, Result as Ending};

    use super::*;
    use crate::pages::lot::samples::{ENDS, OPENS, lot, money, party};

    fn at(id: u32, version: u64, ends_at: u64) -> Lot {
        Lot { id: AuctionId::new(id), title: format!("Clock {id}"), ends_at, ..lot(version) }
    }

    fn numbers(shelf: &Shelf, tab: Tab, text: &str, now: u64) -> Vec<u32> {
        shelf.shown(tab, text, now).iter().map(|lot| lot.id.get()).collect()
    }

    #[test]
    fn each_lot_is_in_its_tab_and_in_order() {
        let mut shelf = Shelf::default();
        for lot in [at(1, 1, ENDS), at(2, 1, ENDS - 5), at(12, 1, ENDS + 5)] {
            shelf.put(lot);
        }
        assert_eq!(numbers(&shelf, Tab::Open, "", OPENS), [2, 1, 12]);
        assert_eq!(numbers(&shelf, Tab::Open, " cLOCK 1", OPENS), [1, 12]);
        assert_eq!(numbers(&shelf, Tab::Scheduled, "", OPENS - 1), [1, 2, 12]);
        assert_eq!(numbers(&shelf, Tab::Open, "", ENDS + 9), [2, 1, 12], "they are being closed");
    }

    #[test]
    fn a_closed_lot_lingers_and_an_old_version_is_no_news() {
        let mut shelf = Shelf::default();
        let mut closed = at(1, 2, ENDS);
        let outcome =
            Outcome { result: Ending::Sold, winner: Some(party(7)), price: Some(money(5)), at: ENDS };
        closed.apply(&LotEvent::Closed { version: 3, outcome });
        shelf.put(closed);
        shelf.put(at(1, 2, ENDS));
        assert_eq!(numbers(&shelf, Tab::Open, "", ENDS + LINGERS_US - 1), [1]);
        assert_eq!(numbers(&shelf, Tab::Open, "", ENDS + LINGERS_US), [0u32; 0]);
        assert_eq!(numbers(&shelf, Tab::Closed, "", ENDS), [1]);
    }

    #[test]
    fn a_whole_list_drops_what_it_does_not_have() {
        let mut shelf = Shelf::default();
        let list = |lots: Vec<Lot>, more| {
            let data = serde_json::to_string(&LotsSnapshot { lots, more }).expect("JSON");
            let data = serde_json::from_str(&data).expect("JSON");
            Applied::Snapshot {
                topic: "auctions".parse().expect("a topic"),
                seq: fourwire_shared::Seq::new(9),
                data,
            }
        };
        shelf.take(&list(vec![at(1, 1, ENDS), at(2, 1, ENDS)], false));
        shelf.take(&list(vec![at(2, 1, ENDS)], true));
        assert_eq!(
            numbers(&shelf, Tab::Open, "", OPENS),
            [1, 2],
            "a part of a list says nothing of the rest"
        );
        shelf.take(&list(vec![at(2, 1, ENDS)], false));
        assert_eq!(numbers(&shelf, Tab::Open, "", OPENS), [2]);
        assert!(shelf.known && !shelf.more);
    }
}
