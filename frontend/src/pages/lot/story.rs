//! What the page knows of its lot: state and bids, from requests and from frames, each bid once. No browser.

use fourwire_shared::{
    Seq,
    auction::{BidList, BidRow, BidderId, Lot, LotEvent},
    from_object,
    session::Applied,
};

/// The most bids that are kept.
const BIDS_MAX: usize = 1_000;

/// A lot and its bids.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Story {
    lot: Option<Lot>,
    /// Newest first.
    bids: Vec<BidRow>,
    /// Where older bids begin, if there are any.
    pub(super) older: Option<Seq>,
}

impl Story {
    pub(super) fn lot(&self) -> Option<&Lot> {
        self.lot.as_ref()
    }

    /// The bids that are known, newest first.
    pub(super) fn bids(&self) -> &[BidRow] {
        &self.bids
    }

    /// Whether somebody has bid, as far as is known.
    pub(super) fn has_bid(&self, bidder: BidderId) -> bool {
        self.bids.iter().any(|bid| bid.bidder.id == bidder)
    }

    /// Takes a lot that was read. An older one than what is known changes nothing.
    pub(super) fn see(&mut self, lot: Lot) {
        if self.lot.as_ref().is_none_or(|known| known.version < lot.version) {
            self.lot = Some(lot);
        }
    }

    /// Takes a page of bids.
    pub(super) fn read(&mut self, page: BidList) {
        self.older = page.next;
        for bid in page.bids {
            self.note(bid);
        }
    }

    /// Takes a frame.
    pub(super) fn take(&mut self, applied: &Applied) {
        match applied {
            Applied::Snapshot { data, .. } => {
                if let Ok(lot) = from_object::<Lot>(data.get()) {
                    self.see(lot);
                }
            }
            Applied::Event(event) => {
                let Ok(change) = serde_json::from_str::<LotEvent>(event.data.get()) else { return };
                if let LotEvent::Bid(bid) = &change {
                    let (bidder, amount, price) = (bid.bidder.clone(), bid.amount, bid.price);
                    self.note(BidRow { seq: event.seq, at: event.at, bidder, amount, price });
                }
                match (&mut self.lot, change) {
                    (Some(lot), change) => lot.apply(&change),
                    (lot, LotEvent::Listed(listed)) => *lot = Some(listed),
                    _ => {}
                }
            }
            Applied::Reset { .. } | Applied::End { .. } => {}
        }
    }

    fn note(&mut self, bid: BidRow) {
        let place = self.bids.partition_point(|held| held.seq > bid.seq);
        if self.bids.get(place).is_none_or(|held| held.seq != bid.seq) {
            self.bids.insert(place, bid);
            self.bids.truncate(BIDS_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples::*, *};

    #[test]
    fn a_bid_that_was_read_and_came_is_there_once_and_in_order() {
        let mut story = Story::default();
        story.see(lot(1));
        story.take(&bid_frame(10, 2, 7, 1_000));
        story.take(&bid_frame(12, 3, 8, 1_100));
        let row = |seq, bidder| BidRow {
            seq: Seq::new(seq),
            at: 1,
            bidder: party(bidder),
            amount: money(1_000),
            price: money(1_000),
        };
        story.read(BidList { bids: vec![row(12, 8), row(10, 7), row(4, 9)], next: Some(Seq::new(4)) });
        assert_eq!(story.bids().iter().map(|bid| bid.seq.get()).collect::<Vec<_>>(), [12, 10, 4]);
        assert!(story.has_bid(BidderId::new(9)) && !story.has_bid(BidderId::new(5)));
        let lot = story.lot().expect("a lot");
        assert_eq!((lot.version, lot.price.map(|price| price.minor())), (3, Some(1_100)));
    }

    #[test]
    fn what_was_read_late_does_not_undo_what_came() {
        let mut story = Story::default();
        story.see(lot(1));
        story.take(&bid_frame(10, 5, 7, 1_000));
        story.see(lot(4));
        assert_eq!(story.lot().map(|lot| lot.version), Some(5));
        story.see(lot(6));
        assert_eq!(story.lot().map(|lot| lot.version), Some(6));
    }
}
