//! The verdict in plain words. Derived from the numbers by the rules in [`RULES`], which the page shows beside it.
//! Pure: the same numbers always give the same words.

use fourwire_shared::Wire;

use super::{look::name, settings::Settings, summary::Summary};
use crate::charts::{
    ecdf::sort_few,
    units::{millis, number},
};

/// Lanes with fewer samples are not judged.
pub const SAMPLES_MIN: usize = 100;
/// Browsers coarsen their clocks: no difference below this is a difference.
const TIMER_MS: f64 = 1.0;

/// How the verdict is reached, as shown to the user.
pub const RULES: [&str; 5] = [
    "A lane is judged from 100 samples on; events published while the page was hidden or the lane paused do not count.",
    "Two lanes are told apart only where their medians differ by more than the clock's error, and by at least 1 ms: else no difference was measured.",
    "A lane meets your need if 95 of 100 events were on the screen within your limit.",
    "Of the lanes that meet it, the simplest is advised: polling before SSE, SSE before WebSocket, and long polling where streams do not get through.",
    "If your page sends often too, WebSocket comes first: one connection carries both directions.",
];

/// What the page says of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The one sentence to take along.
    pub headline: String,
    /// What it rests on.
    pub sentences: Vec<String>,
    /// The wire that is advised, once there is enough to say so.
    pub advice: Option<Wire>,
}

/// Judges the lanes for the needs in `settings`. `clock_error_ms` is half the way of the best clock probe.
pub fn judge(lanes: &[Summary], clock_error_ms: f64, settings: &Settings) -> Verdict {
    let mut judged: Vec<Lane> = lanes.iter().filter_map(|lane| Lane::of(lane, settings)).collect();
    sort_few(&mut judged, |lane| lane.p50);
    if judged.is_empty() {
        return not_yet(lanes);
    }
    let noise = clock_error_ms.max(TIMER_MS);
    let mut sentences = compare(&judged, noise, clock_error_ms);
    if let Some(poll) = judged.iter().find(|lane| lane.wire == Wire::Poll) {
        sentences.push(about_polling(poll, settings));
    }
    sentences.push(about_losses(lanes));
    let advice = advise(&judged, settings);
    if advice != Some(Wire::Poll) {
        sentences
            .extend(judged.iter().find(|lane| lane.wire == Wire::Poll).map(|_| faster_polling(settings)));
    }
    Verdict { headline: headline(advice, &judged, settings), sentences, advice }
}

/// A lane with enough samples.
struct Lane {
    wire: Wire,
    p50: f64,
    p95: f64,
    meets: bool,
}

impl Lane {
    fn of(summary: &Summary, settings: &Settings) -> Option<Self> {
        let (wire, p50, p95) = (summary.wire?, summary.p50?, summary.p95?);
        let meets = p95 <= f64::from(settings.within_ms);
        (summary.n >= SAMPLES_MIN).then_some(Self { wire, p50, p95, meets })
    }

    /// The wire's name, with the interval where that explains the number.
    fn called(&self, settings: &Settings) -> String {
        match self.wire {
            Wire::Poll => format!("Polling every {}", millis(f64::from(settings.poll_ms))),
            wire => name(wire).to_owned(),
        }
    }
}

fn not_yet(lanes: &[Summary]) -> Verdict {
    let most = lanes.iter().map(|lane| lane.n).max().unwrap_or(0);
    let sentence = if most == 0 {
        "Start the lanes to measure: the verdict needs 100 events in a lane.".to_owned()
    } else {
        format!("{most} of the {SAMPLES_MIN} samples that a lane needs to be judged.")
    };
    Verdict { headline: "No difference measured yet".to_owned(), sentences: vec![sentence], advice: None }
}

/// One sentence a group of lanes between which no difference was measured, fastest group first.
fn compare(judged: &[Lane], noise: f64, clock_error_ms: f64) -> Vec<String> {
    let mut groups: Vec<&[Lane]> = Vec::new();
    let mut rest = judged;
    while let Some(first) = rest.first() {
        let size = rest.iter().take_while(|lane| lane.p50 - first.p50 <= noise).count();
        let (group, after) = rest.split_at(size);
        groups.push(group);
        rest = after;
    }
    let fastest = groups.first().and_then(|group| group.first()).map_or(0.0, |lane| lane.p50);
    groups
        .iter()
        .enumerate()
        // Polling by itself gets a sentence that explains its number.
        .filter(|(_, group)| !matches!(group, [only] if only.wire == Wire::Poll))
        .map(|(place, group)| {
            let names = list(group.iter().map(|lane| name(lane.wire)));
            let later = if place == 0 {
                String::new()
            } else {
                format!(", {} later than the fastest", millis(group[0].p50 - fastest))
            };
            match group {
                [only] => format!(
                    "{names} had an event on the screen {} after it was published, at the median{later}.",
                    millis(only.p50)
                ),
                _ => format!(
                    "{names}: no difference measured (medians {} to {}, clock ± {}){later}.",
                    millis(group[0].p50),
                    millis(group[group.len() - 1].p50),
                    millis(clock_error_ms)
                ),
            }
        })
        .collect()
}

fn about_polling(poll: &Lane, settings: &Settings) -> String {
    let floor = settings.poll_floor_ms();
    let interval = millis(f64::from(settings.poll_ms));
    let ratio = poll.p50 / floor;
    if (0.6..=1.4).contains(&ratio) {
        format!(
            "Polling every {interval} was {} behind at the median: about half the interval ({}), as expected.",
            millis(poll.p50),
            millis(floor)
        )
    } else if ratio > 1.4 {
        format!(
            "Polling every {interval} was {} behind at the median, more than half the interval ({}): requests waited, or the lane was interrupted.",
            millis(poll.p50),
            millis(floor)
        )
    } else {
        format!(
            "Polling every {interval} was {} behind at the median, less than half the interval ({}): the source's own rhythm favours it.",
            millis(poll.p50),
            millis(floor)
        )
    }
}

fn about_losses(lanes: &[Summary]) -> String {
    let told = |what: &str, count: fn(&Summary) -> u64| {
        let some = lanes.iter().filter(|lane| count(lane) > 0);
        let named: Vec<String> =
            some.filter_map(|lane| Some(format!("{} {}", name(lane.wire?), count(lane)))).collect();
        (!named.is_empty()).then(|| format!("{what}: {}", named.join(", ")))
    };
    let troubles: Vec<String> = [
        told("resets, where history was gone", |lane| lane.counts.resets),
        told("gaps found and read again", |lane| lane.counts.gaps),
        told("reconnects", |lane| lane.counts.reconnects),
    ]
    .into_iter()
    .flatten()
    .collect();
    if troubles.is_empty() {
        "No lane lost an event, and none was applied twice.".to_owned()
    } else if lanes.iter().any(|lane| lane.counts.resets > 0) {
        format!("Not all was smooth: {}.", troubles.join("; "))
    } else {
        format!("No event was lost for good, and none was applied twice ({}).", troubles.join("; "))
    }
}

fn faster_polling(settings: &Settings) -> String {
    // 95 of 100 events wait for less than 95 % of the interval.
    let interval_ms = f64::from(settings.within_ms) / 0.95;
    let requests = f64::from(settings.users) * 1_000.0 / interval_ms;
    format!(
        "Polling would meet your limit at an interval of about {}: for {} users that is {} requests per second, news or not.",
        millis(interval_ms),
        number(f64::from(settings.users)),
        number(requests)
    )
}

fn advise(judged: &[Lane], settings: &Settings) -> Option<Wire> {
    let order = if settings.sends {
        [Wire::WebSocket, Wire::Poll, Wire::Sse, Wire::LongPoll]
    } else {
        [Wire::Poll, Wire::Sse, Wire::WebSocket, Wire::LongPoll]
    };
    order.into_iter().find(|wire| judged.iter().any(|lane| lane.wire == *wire && lane.meets))
}

fn headline(advice: Option<Wire>, judged: &[Lane], settings: &Settings) -> String {
    let limit = millis(f64::from(settings.within_ms));
    let Some(lane) = advice.and_then(|wire| judged.iter().find(|lane| lane.wire == wire)) else {
        return format!("No measured lane had 95 of 100 events on the screen within {limit}");
    };
    let p95 = millis(lane.p95);
    match lane.wire {
        Wire::Poll => format!(
            "{} is enough: 95 of 100 events within {p95}, and you need {limit}",
            lane.called(settings)
        ),
        Wire::Sse => format!("Use SSE: 95 of 100 events within {p95}, and you need {limit}"),
        Wire::WebSocket if settings.sends => {
            format!("Use WebSocket: you send often, and 95 of 100 events came within {p95}")
        }
        Wire::WebSocket => format!("Use WebSocket: 95 of 100 events within {p95}, and you need {limit}"),
        Wire::LongPoll => {
            format!("Long polling meets your need: 95 of 100 events within {p95}, and you need {limit}")
        }
    }
}

/// `a`, `a and b`, `a, b and c`.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::summary::Counts, *};

    fn lane(wire: Wire, n: usize, p50: f64) -> Summary {
        Summary { wire: Some(wire), n, p50: Some(p50), p95: Some(p50 * 1.9), ..Summary::default() }
    }

    fn all(poll: f64, long: f64, sse: f64, ws: f64) -> [Summary; 4] {
        [
            lane(Wire::Poll, 300, poll),
            lane(Wire::LongPoll, 300, long),
            lane(Wire::Sse, 300, sse),
            lane(Wire::WebSocket, 300, ws),
        ]
    }

    #[test]
    fn too_few_samples_are_not_judged() {
        let lanes = [lane(Wire::Sse, 99, 2.0), lane(Wire::Poll, 3, 900.0)];
        let verdict = judge(&lanes, 0.5, &Settings::default());
        assert_eq!((verdict.headline.as_str(), verdict.advice), ("No difference measured yet", None));
        assert_eq!(verdict.sentences, ["99 of the 100 samples that a lane needs to be judged."]);
    }

    #[test]
    fn lanes_within_the_clock_error_are_never_ranked() {
        let verdict = judge(&all(1_020.0, 9.0, 3.1, 2.0), 1.2, &Settings::default());
        assert_eq!(
            verdict.sentences[..2],
            [
                "WebSocket and SSE: no difference measured (medians 2\u{a0}ms to 3.1\u{a0}ms, clock ± 1.2\u{a0}ms).",
                "Long polling had an event on the screen 9\u{a0}ms after it was published, at the median, 7\u{a0}ms later than the fastest.",
            ]
        );
        assert!(
            verdict.sentences[2].contains("about half the interval (1\u{a0}s), as expected"),
            "{verdict:?}"
        );
    }

    #[test]
    fn the_simplest_lane_that_meets_the_need_is_advised() {
        let lanes = all(1_000.0, 9.0, 3.0, 2.0);
        for (within_ms, sends, advice) in [
            (2_000, false, Some(Wire::Poll)),
            (1_000, false, Some(Wire::Sse)),
            (2_000, true, Some(Wire::WebSocket)),
            (4, true, Some(Wire::WebSocket)),
            (1, false, None),
        ] {
            let settings = Settings { within_ms, sends, ..Settings::default() };
            assert_eq!(judge(&lanes, 0.5, &settings).advice, advice, "{within_ms} {sends}");
        }
    }

    #[test]
    fn what_polling_would_take_is_told_where_it_falls_short() {
        let settings = Settings { within_ms: 950, ..Settings::default() };
        let verdict = judge(&all(1_000.0, 9.0, 3.0, 2.0), 0.5, &settings);
        assert_eq!(
            verdict.sentences.last().map(String::as_str),
            Some(
                "Polling would meet your limit at an interval of about 1\u{a0}s: for 1\u{202f}000 users that is 1\u{202f}000 requests per second, news or not."
            )
        );
    }

    #[test]
    fn losses_are_told_by_lane() {
        let mut lanes = all(1_000.0, 9.0, 3.0, 2.0);
        lanes[2].counts = Counts { reconnects: 2, ..Counts::default() };
        let told = |lanes: &[Summary]| about_losses(lanes);
        assert_eq!(
            told(&lanes),
            "No event was lost for good, and none was applied twice (reconnects: SSE 2)."
        );
        lanes[0].counts.resets = 1;
        assert!(told(&lanes).starts_with("Not all was smooth: resets, where history was gone: Polling 1;"));
    }
}
