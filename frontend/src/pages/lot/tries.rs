//! The visitor's own bids: sent, decided or lost, with the times that it took. No browser: times come in.

use fourwire_shared::{
    Seq,
    auction::{BidAnswer, BidSpec, Money},
};

use crate::{api::Failure, charts::units::number, house::money::words};

/// The most that are kept.
const TRIES_MAX: usize = 6;
/// Arrivals of events that are kept, to find one's own among them.
const ARRIVALS_MAX: usize = 64;

/// One intent: a bid under its key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Try {
    pub(super) key: String,
    pub(super) bid: BidSpec,
    pub(super) if_version: Option<u64>,
    sent_ms: f64,
    pub(super) stage: Stage,
}

/// How far a bid is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stage {
    /// It is on its way.
    Sent,
    /// It was accepted.
    Accepted {
        /// The answer.
        answer: Box<BidAnswer>,
        /// When it came.
        at_ms: f64,
    },
    /// It was refused.
    Refused {
        /// Why, in words.
        why: String,
        /// The least that would do, where that is known.
        least: Option<Money>,
        /// How long it took.
        took_ms: f64,
    },
    /// No answer came: whether it counts is unknown until it is asked again under the same key.
    Lost,
}

/// The visitor's latest bids, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tries {
    list: Vec<Try>,
    arrivals: Vec<(Seq, f64)>,
}

impl Tries {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Try> {
        self.list.iter()
    }

    /// Whether a bid is on its way.
    pub(super) fn waits(&self) -> bool {
        self.list.iter().any(|one| one.stage == Stage::Sent)
    }

    /// A bid leaves now. One with a known key leaves again.
    pub(super) fn send(&mut self, key: &str, bid: BidSpec, if_version: Option<u64>, now_ms: f64) {
        self.list.retain(|one| one.key != key);
        let key = key.to_owned();
        self.list.insert(0, Try { key, bid, if_version, sent_ms: now_ms, stage: Stage::Sent });
        self.list.truncate(TRIES_MAX);
    }

    /// Its answer is here.
    pub(super) fn answered(&mut self, key: &str, answer: Result<BidAnswer, Failure>, now_ms: f64) {
        let Some(one) = self.list.iter_mut().find(|one| one.key == key) else { return };
        one.stage = match answer {
            Ok(answer) => Stage::Accepted { answer: Box::new(answer), at_ms: now_ms },
            Err(Failure::Lost(_)) => Stage::Lost,
            // Not decided: under the same key it may be asked again.
            Err(Failure::Refused(problem)) if problem.status >= 500 => Stage::Lost,
            Err(Failure::Refused(problem)) => Stage::Refused {
                why: reason(&problem.code).map_or_else(|| problem.to_string(), str::to_owned),
                least: problem.least,
                took_ms: now_ms - one.sent_ms,
            },
        };
    }

    /// An event of the lot is here.
    pub(super) fn arrived(&mut self, seq: Seq, now_ms: f64) {
        self.arrivals.insert(0, (seq, now_ms));
        self.arrivals.truncate(ARRIVALS_MAX);
    }

    /// What to show of a bid: what became of it, and how its event came.
    pub(super) fn words(&self, one: &Try, wire: &str) -> (&'static str, String) {
        match &one.stage {
            Stage::Sent => ("sent", format!("{}: sent …", asked(&one.bid))),
            Stage::Lost => {
                ("lost", format!("{}: no decision came. Ask again: it counts once.", asked(&one.bid)))
            }
            Stage::Refused { why, least, took_ms } => {
                let least = least.map(|least| format!(" The least is {}.", words(least))).unwrap_or_default();
                ("refused", format!("{}: refused in {}. {why}{least}", asked(&one.bid), ms(*took_ms)))
            }
            Stage::Accepted { answer, at_ms } => {
                let took = ms(at_ms - one.sent_ms);
                let seen = self.seen(answer.seq, *at_ms, wire);
                let (name, what) = match answer.leading {
                    _ if answer.bought => ("leading", "it is yours"),
                    true => ("leading", "you lead"),
                    false => ("outbid", "outbid at once by an earlier maximum"),
                };
                (name, format!("{}: decided in {took}, {what}. {seen}", asked(&one.bid)))
            }
        }
    }

    fn seen(&self, seq: Seq, at_ms: f64, wire: &str) -> String {
        let found = self.arrivals.iter().find(|(arrived, _)| *arrived == seq);
        let how = found.map(|(_, came)| match came - at_ms {
            after if after >= 0.0 => format!(", seen by {wire} {} after the answer", ms(after)),
            before => format!(", seen by {wire} {} before the answer", ms(-before)),
        });
        format!("Event {seq}{}.", how.unwrap_or_default())
    }
}

/// What was bid, in a few words.
fn asked(bid: &BidSpec) -> String {
    match (bid.buy_now, bid.amount, bid.max) {
        (true, ..) => "Buy now".to_owned(),
        (_, Some(amount), Some(max)) => format!("{}, up to {}", words(amount), words(max)),
        (_, Some(amount), None) => words(amount),
        (_, None, Some(max)) => format!("Up to {}", words(max)),
        (_, None, None) => "The least".to_owned(),
    }
}

/// Refusals in the words of somebody who bids.
fn reason(code: &str) -> Option<&'static str> {
    Some(match code {
        "bid_too_low" => "Somebody was faster, or it was too little.",
        "already_leading" => "You lead already; only a higher maximum changes that.",
        "own_lot" => "The lot is your own.",
        "lot_not_open" => "It is not open yet.",
        "lot_closed" => "It is over.",
        "buy_now_gone" => "It cannot be bought at once any more.",
        "insufficient_funds" => "Your available money does not cover it.",
        "stale_version" => "The lot has changed since you looked, and you asked for that to count.",
        _ => return None,
    })
}

/// `4 ms`, `0.4 ms`.
fn ms(time: f64) -> String {
    format!("{}\u{a0}ms", number(time))
}

#[cfg(test)]
mod tests {
    use fourwire_shared::{Code, Problem};

    use super::{super::samples::*, *};

    fn answer(leading: bool) -> BidAnswer {
        BidAnswer {
            auction: fourwire_shared::auction::AuctionId::new(42),
            topic: "auction.42".parse().expect("a topic"),
            seq: Seq::new(10),
            version: 2,
            leading,
            price: money(1_000),
            next: money(1_100),
            ends_at: ENDS,
            held: money(1_000),
            bought: false,
        }
    }

    fn sent() -> Tries {
        let mut tries = Tries::default();
        tries.send("k", BidSpec { amount: Some(money(1_000)), ..BidSpec::default() }, None, 100.0);
        tries
    }

    fn told(tries: &Tries) -> (&'static str, String) {
        tries.words(tries.iter().next().expect("a try"), "SSE")
    }

    #[test]
    fn a_bid_is_told_from_sending_to_its_event() {
        let mut tries = sent();
        assert!(tries.waits());
        assert_eq!(told(&tries).0, "sent");
        tries.arrived(Seq::new(10), 108.0);
        tries.answered("k", Ok(answer(true)), 112.0);
        assert!(!tries.waits());
        let (name, text) = told(&tries);
        assert_eq!(name, "leading");
        assert!(text.contains("decided in 12.0\u{a0}ms") || text.contains("decided in 12\u{a0}ms"), "{text}");
        assert!(text.contains("Event 10, seen by SSE") && text.contains("before the answer"), "{text}");
        let mut tries = sent();
        tries.answered("k", Ok(answer(false)), 112.0);
        assert_eq!(told(&tries).0, "outbid");
    }

    #[test]
    fn a_refusal_tells_what_would_do_and_a_lost_answer_may_be_asked_again() {
        let mut tries = sent();
        let problem = Problem::new(Code::BidTooLow).least(money(1_200));
        tries.answered("k", Err(Failure::Refused(Box::new(problem))), 104.0);
        let (name, text) = told(&tries);
        assert_eq!(name, "refused");
        assert!(text.ends_with(&format!("The least is {}.", words(money(1_200)))), "{text}");
        for failure in
            [Failure::Lost(String::new()), Failure::Refused(Box::new(Problem::new(Code::Draining)))]
        {
            let mut tries = sent();
            tries.answered("k", Err(failure), 104.0);
            assert_eq!(told(&tries).0, "lost");
            let again = tries.iter().next().cloned().expect("a try");
            tries.send(&again.key, again.bid, again.if_version, 200.0);
            assert_eq!(tries.iter().count(), 1, "the same intent");
        }
    }
}
