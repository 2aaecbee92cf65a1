//! Answers: each accepted bid has one, which names its event; each answer that says "accepted" has its bid.

use std::collections::BTreeMap;

use fourwire_shared::auction::BidAnswer;

use super::{Findings, Promise::AnsweredOnce, gather::Everything};

pub(super) fn check(all: &Everything, findings: &mut Findings) {
    let mut bids: BTreeMap<_, u32> = BTreeMap::new();
    for bid in all.lots.iter().flat_map(|lot| &lot.bids) {
        let name = (bid.bidder, String::from(&*bid.key));
        *bids.entry(name.clone()).or_default() += 1;
        let command = all.commands.get(&name);
        // Answers go by age; a bid that is older than the oldest one may have lost its own.
        if command.is_none() && bid.at < all.answers_from {
            continue;
        }
        let answer = command.and_then(|command| serde_json::from_str::<BidAnswer>(&command.answer).ok());
        let names = answer.as_ref().map(|answer| (answer.auction, answer.seq));
        findings.hold(names == Some((bid.lot, bid.seq)), AnsweredOnce, || {
            format!("the bid {} for lot {} was answered {names:?}", bid.seq, bid.lot)
        });
    }
    for ((bidder, key), count) in bids.iter().filter(|(_, count)| **count > 1) {
        findings.broken(AnsweredOnce, format!("the command {key:?} of bidder {bidder} became {count} bids"));
    }
    for (name, command) in &all.commands {
        let is_bid = command.status < 400 && serde_json::from_str::<BidAnswer>(&command.answer).is_ok();
        findings.hold(!is_bid || bids.contains_key(name), AnsweredOnce, || {
            format!("the command {:?} of bidder {} was accepted, and there is no bid", name.1, name.0)
        });
    }
}
