//! Anything at all: no input may make the session panic, grow, or call for ever.

use super::*;
use crate::{ClosingReason, Event, Frame, Page, ResetReason, Seq};

proptest! {
    /// Whatever comes, in whatever order: no panic, no growth, no deadline that calls for ever.
    #[test]
    fn no_input_makes_it_panic_or_grow(seed: u64, steps in 0u32..400) {
        let mut dice = sim::Dice(seed);
        let settings = Settings { seed, ..Settings::new(["a", "b"].map(|name| name.parse().expect("a topic"))) };
        let mut session = Session::new(settings, 0);
        let (mut now, mut links) = (0, 1);
        for _ in 0..steps {
            now += dice.below(3_000);
            let input = anything(&mut dice, links);
            let outputs = session.handle(input, now);
            prop_assert!(outputs.len() < 100);
            links += outputs.iter().filter(|output| matches!(output, Output::Open(_))).count() as u64;
            for _ in 0..50 {
                match session.next_deadline() {
                    Some(at) if at <= now => links += session.handle(Input::Tick, now).len() as u64,
                    _ => break,
                }
            }
            prop_assert!(session.next_deadline().is_none_or(|at| at > now), "a deadline that stays");
        }
        prop_assert!(session.ledger().lines().len() <= LINES_MAX);
        prop_assert!(session.ledger().totals().duplicates + session.ledger().totals().disorders == 0);
    }
}

fn anything(dice: &mut sim::Dice, links: u64) -> Input {
    let link = LinkId(links.saturating_sub(dice.below(3)));
    let topic: Topic = ["a", "b", "c"][dice.below(3) as usize].parse().expect("a topic");
    let mut number = || [0, 1, 2, 3, 7, 9, u64::MAX][dice.below(7) as usize];
    let (seq, prev, at, skipped) = (Seq::new(number()), Seq::new(number()), number(), number());
    let data = serde_json::value::RawValue::NULL.to_owned();
    let cursor: Cursor = format!("{}.{seq}", if at < 3 { "e" } else { "f" }).parse().expect("a cursor");
    let frame = match dice.below(9) {
        0 => Frame::Hello { cursor: cursor.clone(), server: "s".repeat(500), heartbeat_ms: at },
        1 => Frame::Snapshot { topic, seq, data },
        2..=4 => {
            Frame::Event(Event { topic, seq, prev, at, skipped: (skipped > 7).then_some(skipped), data })
        }
        5 => Frame::End { topic, seq, prev },
        6 => Frame::Reset { topic, reason: ResetReason::Restarted },
        7 => Frame::CaughtUp { cursor: cursor.clone() },
        _ => Frame::Closing { reason: ClosingReason::Rotate, retry_ms: at },
    };
    match dice.below(24) {
        0..=11 => Input::Frame { link, frame, bytes: u32::MAX, arrived_us: Some(at) },
        12 | 13 => {
            let page = Page { cursor, frames: vec![frame], more: prev > seq, poll_ms: at };
            Input::Page { link, page, etag: Some("t".into()), bytes: 1, arrived_us: None }
        }
        14 => Input::NotModified { link, bytes: 0 },
        15 => Input::Closed { link, cause: Cause::Network },
        16 => Input::Closed { link, cause: Cause::WebSocket { code: 1000 } },
        17 => Input::Prefer(Preference::Fixed(Wire::ALL[dice.below(4) as usize])),
        18 => Input::Prefer(Preference::Auto),
        19 => Input::Topics(
            ["a", "b", "c"]
                .iter()
                .filter(|_| dice.below(2) == 0)
                .map(|t| t.parse().expect("a topic"))
                .collect(),
        ),
        20 => Input::Pause,
        21 => Input::Resume,
        22 => Input::Cut,
        _ => Input::PollEvery(Some(at)),
    }
}
