//! Tests of the session against a modelled server on a virtual clock.

mod anything;
mod behaviour;
mod climbing;
#[allow(
    unreachable_pub,
    reason = "the harness is generic: another backend may be put in the place of the model"
)]
mod model;
#[allow(unreachable_pub, reason = "as for the model")]
mod oracle;
mod play;
#[allow(
    unreachable_pub,
    reason = "the harness is generic: another backend may be put in the place of the model"
)]
mod sim;
mod table;

/// What the harness needs by name, in one place, so that it can move to where a real log is.
mod deps {
    pub(super) use crate::{
        After, Cursor, Event, Frame, Page, ResetReason, Seq, Topic, Wire,
        frame::Data,
        session::{Applied, Cause, Input, LinkId, Millis, Notice, Open, Output, Preference, Session},
    };
}

use super::*;
use model::Model;
use proptest::prelude::*;
use sim::{Backend, Faults, play};

/// Faults that the properties must find: each is a mistake that a session could easily make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutant {
    NoChainCheck,
    NoDedupe,
    ForgetGaps,
    CountTooEarly,
    LateMovesCursor,
    BreakBeforeMake,
}

fn session(seed: u64, mutant: Option<Mutant>) -> Session {
    let settings = Settings {
        seed,
        preference: if seed.is_multiple_of(3) {
            Preference::Auto
        } else {
            Preference::Fixed(Wire::ALL[seed as usize % 4])
        },
        wait_s: 3,
        ..Settings::new(Model::new().topics())
    };
    let mut session = Session::new(settings, 0);
    session.mutant = mutant;
    session
}

fn run(seed: u64, faults: Faults, mutant: Option<Mutant>) -> Result<(), String> {
    play(Model::new(), session(seed, mutant), seed, faults, 120).map(drop)
}

const NONE: Faults = Faults {
    cuts: false,
    drops: false,
    restarts: false,
    epochs: false,
    evictions: false,
    ends: false,
    topics: false,
};
const CUTS: Faults = Faults { cuts: true, ..NONE };
const DROPS: Faults = Faults { drops: true, ..CUTS };
const RESTARTS: Faults = Faults { restarts: true, ..DROPS };
const ALL: Faults = Faults {
    cuts: true,
    drops: true,
    restarts: true,
    epochs: true,
    evictions: true,
    ends: true,
    topics: true,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn switching_wires_loses_nothing(seed: u64) {
        run(seed, NONE, None).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn broken_connections_lose_nothing(seed: u64) {
        run(seed, CUTS, None).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn lost_frames_are_found_and_read_again(seed: u64) {
        run(seed, DROPS, None).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn restarts_are_told(seed: u64) {
        run(seed, RESTARTS, None).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn everything_at_once_is_complete_or_told(seed: u64) {
        run(seed, ALL, None).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn the_properties_can_fail() {
    for (mutant, faults) in [
        (Mutant::NoChainCheck, DROPS),
        (Mutant::NoDedupe, CUTS),
        (Mutant::ForgetGaps, DROPS),
        (Mutant::CountTooEarly, RESTARTS),
        (Mutant::LateMovesCursor, NONE),
    ] {
        let found = (0..400).any(|seed| run(seed, faults, Some(mutant)).is_err());
        assert!(found, "{mutant:?} was not found");
    }
}

/// For looking at one run: `SIM_SEED=7 SIM_FAULTS=cuts cargo test … one_seed -- --ignored --nocapture`.
#[test]
#[ignore = "a tool"]
fn one_seed() {
    let seed = std::env::var("SIM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let faults = match std::env::var("SIM_FAULTS").as_deref() {
        Ok("cuts") => CUTS,
        Ok("drops") => DROPS,
        Ok("restarts") => RESTARTS,
        Ok("all") => ALL,
        _ => NONE,
    };
    if let Err(story) = run(seed, faults, None) {
        panic!("{story}");
    }
}

/// Make before break: while one wire takes over from another, the screen never goes stale.
fn a_switch_stays_live(from: Wire, to: Wire, mutant: Option<Mutant>) -> Result<(), String> {
    let settings = Settings { preference: Preference::Fixed(from), ..Settings::new(Model::new().topics()) };
    let mut session = Session::new(settings, 0);
    session.mutant = mutant;
    let mut sim = sim::Sim::new(Model::new(), session, 1, NONE);
    sim.input(Input::Tick)?;
    sim.run_for(5_000)?;
    for topic in 0..4 {
        sim.publish(topic)?;
    }
    sim.input(Input::Prefer(Preference::Fixed(to)))?;
    for _ in 0..5_000 {
        sim.run_for(1)?;
        if !sim.session.state().is_live() {
            return Err(format!("{from} → {to}: {:?}", sim.session.state()));
        }
    }
    let totals = sim.session.ledger().totals();
    if (sim.session.wire(), totals.switches, totals.gaps) != (to, 1, 0) {
        return Err(format!("{from} → {to}: {totals:?}"));
    }
    Ok(())
}

#[test]
fn any_wire_takes_over_from_any_other_without_a_moment_of_silence() {
    for from in Wire::ALL {
        for to in Wire::ALL.into_iter().filter(|to| *to != from) {
            assert_eq!(a_switch_stays_live(from, to, None), Ok(()));
        }
    }
    let mutant = Some(Mutant::BreakBeforeMake);
    assert!(a_switch_stays_live(Wire::Poll, Wire::WebSocket, mutant).is_err(), "the mutant was not found");
}

/// Runs for each property; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(100)
}
