//! The visitor's money: frames of her wallet's topic in, what she has out. No browser.

use std::collections::VecDeque;

use fourwire_shared::{
    auction::{AuctionId, EntryRow, Hold, Money, Wallet, WalletEvent},
    from_object,
    session::Applied,
};

/// The newest lines that are kept.
const LINES_MAX: usize = 100;

/// Her wallet as it stands, once its state has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Purse {
    wallet: Option<Wallet>,
    lines: VecDeque<EntryRow>,
}

impl Purse {
    /// The wallet, if it is known.
    pub fn wallet(&self) -> Option<&Wallet> {
        self.wallet.as_ref()
    }

    /// What is held for a lot: her maximum, if she leads.
    pub fn held_for(&self, lot: AuctionId) -> Option<Money> {
        let holds = &self.wallet.as_ref()?.holds;
        holds.iter().find(|hold| hold.auction == lot).map(|hold| hold.amount)
    }

    /// The lines of her ledger that came while the page was open, newest first.
    pub fn lines(&self) -> impl Iterator<Item = &EntryRow> {
        self.lines.iter()
    }

    /// Takes a frame.
    pub fn take(&mut self, applied: &Applied) {
        match applied {
            Applied::Snapshot { data, .. } => {
                self.wallet = from_object(data.get()).ok().or(self.wallet.take());
            }
            Applied::Event(event) => {
                if let Ok(event) = from_object(event.data.get()) {
                    self.apply(&event);
                }
            }
            Applied::Reset { .. } | Applied::End { .. } => {}
        }
    }

    fn apply(&mut self, event: &WalletEvent) {
        self.lines.truncate(LINES_MAX - 1);
        self.lines.push_front(event.entry);
        let Some(wallet) = &mut self.wallet else { return };
        (wallet.available, wallet.held) = (event.available, event.held);
        let Some(auction) = event.entry.auction else { return };
        let before = wallet.holds.iter().find(|hold| hold.auction == auction).map_or(0, |h| h.amount.minor());
        let after = Money::new(before + event.entry.held).unwrap_or_default();
        wallet.holds.retain(|hold| hold.auction != auction);
        if after > Money::ZERO {
            wallet.holds.push(Hold { auction, amount: after });
        }
    }
}

#[cfg(test)]
mod tests {
    use fourwire_shared::{Event, Seq, frame::Data};

    use super::*;

    fn data(json: &str) -> Data {
        serde_json::from_str(json).expect("JSON")
    }

    fn state() -> Applied {
        let json = r#"{"bidder":7,"name":"Bo","currency":"EUR","available":900,"held":100,"holds":[{"auction":1,"amount":100}]}"#;
        Applied::Snapshot { topic: "wallet.7".parse().expect("a topic"), seq: Seq::new(4), data: data(json) }
    }

    fn line(auction: u32, kind: &str, available: i64, held: i64, after: (i64, i64)) -> Applied {
        let json = format!(
            r#"{{"entry":{{"entry":9,"kind":"{kind}","auction":{auction},"available":{available},"held":{held},"at":1}},"available":{},"held":{}}}"#,
            after.0, after.1
        );
        Applied::Event(Event {
            topic: "wallet.7".parse().expect("a topic"),
            seq: Seq::new(5),
            prev: Seq::new(4),
            at: 1,
            skipped: None,
            data: data(&json),
        })
    }

    #[test]
    fn holds_follow_the_lines_of_the_ledger() {
        let mut purse = Purse::default();
        purse.take(&line(1, "hold", -50, 50, (850, 150)));
        assert_eq!(purse.wallet(), None, "without a state there is nothing to change");
        purse.take(&state());
        purse.take(&line(1, "hold", -50, 50, (850, 150)));
        purse.take(&line(2, "hold", -30, 30, (820, 180)));
        let held = |purse: &Purse, lot| purse.held_for(AuctionId::new(lot)).map(Money::minor);
        assert_eq!([held(&purse, 1), held(&purse, 2), held(&purse, 3)], [Some(150), Some(30), None]);
        purse.take(&line(1, "release", 150, -150, (970, 30)));
        assert_eq!([held(&purse, 1), held(&purse, 2)], [None, Some(30)]);
        let wallet = purse.wallet().expect("a wallet");
        assert_eq!((wallet.available.minor(), wallet.held.minor()), (970, 30));
        assert_eq!(purse.lines().map(|line| line.held).collect::<Vec<_>>(), [-150, 30, 50, 50]);
    }
}
