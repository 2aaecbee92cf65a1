//! Single decisions of the session, each by hand: what it does after this input, and when.

use super::{table::*, *};
use crate::{Code, Page, Problem};

#[test]
fn a_refusal_for_good_is_not_repeated_until_something_is_asked_anew() {
    for code in [Code::BadTopic, Code::TopicReserved, Code::NotFound, Code::TopicEnded, Code::BadField] {
        let mut table = Table::new(Preference::Fixed(Wire::Sse));
        table.close(refused(code));
        table.wait(600_000);
        assert_eq!(table.opened.len(), 1, "{code}");
        assert!(matches!(table.session.state(), State::Failed { .. }), "{code}");
        table.put(Input::RetryNow);
        assert_eq!(table.opened.len(), 2, "{code}");
    }
}

#[test]
fn a_refusal_for_now_is_repeated_when_the_server_says() {
    let mut table = Table::new(Preference::Fixed(Wire::Sse));
    let cause = Cause::refused(Problem::new(Code::Busy).retry_after_ms(7_000));
    table.close(cause);
    table.wait(6_999);
    assert_eq!(table.opened.len(), 1);
    table.wait(2_000);
    assert_eq!(table.opened.len(), 2);
}

#[test]
fn a_dead_server_is_asked_ever_more_rarely() {
    let mut table = Table::new(Preference::Fixed(Wire::WebSocket));
    for _ in 0..600 {
        table.close(Cause::Network);
        table.wait(1_000);
    }
    assert!((20..80).contains(&table.opened.len()), "{} tries in ten minutes", table.opened.len());
}

#[test]
fn silence_beyond_two_heartbeats_is_death() {
    let mut table = Table::new(Preference::Fixed(Wire::WebSocket));
    table.live();
    table.wait(6_900); // 2 × 1 000 + 5 000
    assert!(table.closed.is_empty());
    table.frame(r#"{"type":"heartbeat","at":1}"#);
    table.wait(6_900);
    assert!(table.closed.is_empty());
    table.wait(200);
    assert_eq!(table.closed.len(), 1);
    assert!(matches!(table.notices.last(), Some(Notice::Lost { cause: Cause::Stalled, .. })));
}

#[test]
fn an_open_that_never_speaks_is_given_up() {
    let mut table = Table::new(Preference::Fixed(Wire::Sse));
    let link = table.last().link;
    table.put(Input::Opened { link });
    table.wait(10_500);
    assert_eq!(table.closed, [link]);
}

#[test]
fn a_drain_is_waited_out() {
    let mut table = Table::new(Preference::Fixed(Wire::Sse));
    table.live();
    table.frame(r#"{"type":"closing","reason":"drain","retry_ms":3000}"#);
    table.close(Cause::Eof);
    table.wait(2_999);
    assert_eq!(table.opened.len(), 1);
    table.wait(1_000);
    assert_eq!((table.opened.len(), table.last().after.to_string()), (2, "e.5".into()));
}

#[test]
fn a_rotation_is_a_switch_to_the_same_wire() {
    let mut table = Table::new(Preference::Fixed(Wire::Sse));
    table.live();
    table.frame(r#"{"type":"closing","reason":"rotate","retry_ms":10}"#);
    table.wait(20);
    assert_eq!((table.opened.len(), table.closed.len()), (2, 0));
    table.hello();
    table.frame(r#"{"type":"caught_up","cursor":"e.5"}"#);
    assert_eq!(table.closed, [table.opened[0].link]);
}

#[test]
fn a_pause_closes_and_a_return_resumes_at_the_cursor() {
    let mut table = Table::new(Preference::Fixed(Wire::WebSocket));
    table.live();
    table.put(Input::Pause);
    assert_eq!((table.session.state(), table.closed.len()), (State::Paused, 1));
    table.wait(3_600_000);
    table.put(Input::Resume);
    assert_eq!(table.last().after.to_string(), "e.5");
    table.hello();
    table.frame(&event(6, 5));
    table.frame(r#"{"type":"caught_up","cursor":"e.6"}"#);
    let caught_up = Notice::CaughtUp { wire: Wire::WebSocket, ms: 3_600_000, events: 1 };
    assert!(table.notices.contains(&caught_up), "{:?}", table.notices);
}

#[test]
fn before_the_snapshots_are_in_there_is_no_cursor() {
    let topics = ["a", "b"].map(|name| name.parse().expect("a topic"));
    let settings = Settings { preference: Preference::Fixed(Wire::Sse), ..Settings::new(topics) };
    let mut table = Table::with(settings);
    table.hello();
    table.frame(r#"{"type":"snapshot","topic":"a","seq":5,"data":{}}"#);
    table.frame(&event(6, 5));
    table.close(Cause::Network);
    table.wait(2_000);
    assert_eq!((table.session.cursor(), &table.last().after), (None, &After::Snapshot));
}

#[test]
fn a_gap_is_read_again_and_the_rest_waits_for_it() {
    let mut table = Table::new(Preference::Fixed(Wire::Sse));
    table.live();
    table.frame(&event(8, 7));
    assert_eq!((table.session.open_gaps(), table.last().after.to_string()), (1, "e.5".into()));
    let first = table.opened[0].link;
    table.frame_on(first, &event(9, 8)); // late, of the link that showed the gap
    table.hello();
    for (seq, prev) in [(7, 5), (8, 7), (9, 8)] {
        table.frame(&event(seq, prev));
    }
    assert_eq!(table.applied, ["snapshot:a:5", "event:a:7", "event:a:8", "event:a:9"]);
    assert!(table.session.ledger().is_whole());
}

#[test]
fn a_gap_that_no_reading_fills_becomes_a_reset() {
    let mut table = Table::new(Preference::Fixed(Wire::Sse));
    table.live();
    for _ in 0..5 {
        table.frame(&event(8, 7));
        table.wait(9_000);
        table.hello();
    }
    assert_eq!(table.last().after, After::Snapshot);
    table.frame(r#"{"type":"snapshot","topic":"a","seq":8,"data":null}"#);
    table.frame(r#"{"type":"caught_up","cursor":"e.8"}"#);
    assert_eq!(table.applied, ["snapshot:a:5", "reset:a:lagged", "snapshot:a:8"]);
    assert_eq!(table.session.ledger().totals().lost, 1);
}

#[test]
fn conflation_is_no_gap() {
    let mut table = Table::new(Preference::Fixed(Wire::Sse));
    table.live();
    table.frame(r#"{"type":"event","topic":"a","seq":9,"prev":8,"at":0,"skipped":3,"data":0}"#);
    assert_eq!(table.applied, ["snapshot:a:5", "event:a:9"]);
    assert_eq!(
        (table.session.ledger().wire(Wire::Sse).skipped, table.session.ledger().totals().gaps),
        (3, 0)
    );
}

#[test]
fn another_epoch_replaces_everything_and_a_cut_in_between_changes_nothing() {
    let mut table = Table::new(Preference::Fixed(Wire::Sse));
    table.live();
    for _ in 0..2 {
        table.close(Cause::Network);
        table.wait(5_000);
        assert_eq!(table.last().after.to_string(), "e.5");
        table.frame(r#"{"type":"hello","cursor":"f.1","server":"s","heartbeat_ms":1000}"#);
        table.frame(r#"{"type":"reset","topic":"a","reason":"epoch"}"#);
    }
    table.frame(r#"{"type":"snapshot","topic":"a","seq":1,"data":{}}"#);
    table.frame(r#"{"type":"caught_up","cursor":"f.1"}"#);
    table.frame(&event(2, 1));
    assert_eq!(table.applied, ["snapshot:a:5", "reset:a:epoch", "snapshot:a:1", "event:a:2"]);
    assert_eq!(table.session.cursor().map(|cursor| cursor.to_string()), Some("f.2".into()));
}

#[test]
fn a_server_with_nothing_more_ends_the_session() {
    let mut table = Table::new(Preference::Fixed(Wire::Sse));
    table.live();
    table.close(Cause::Network);
    table.wait(5_000);
    table.close(Cause::Done);
    assert_eq!((table.session.state(), table.session.next_deadline()), (State::Ended, None));
    assert_eq!(table.applied, ["snapshot:a:5", "end:a:5"]);
}

#[test]
fn a_wire_that_fails_leaves_the_old_one_in_place() {
    let mut table = Table::new(Preference::Fixed(Wire::Sse));
    table.live();
    table.put(Input::Prefer(Preference::Fixed(Wire::WebSocket)));
    assert_eq!(table.session.state(), State::Switching { from: Wire::Sse, to: Wire::WebSocket });
    table.close(Cause::Refused { status: 426, problem: None, retry_after_ms: None });
    assert_eq!((table.session.state(), table.closed.len()), (State::Live { wire: Wire::Sse }, 0));
    assert!(matches!(table.notices.last(), Some(Notice::SwitchFailed { to: Wire::WebSocket, .. })));
    table.frame_on(table.opened[0].link, &event(6, 5));
    assert_eq!(table.applied.last().map(String::as_str), Some("event:a:6"));
}

#[test]
fn a_switch_during_a_switch_forgets_the_first() {
    let mut table = Table::new(Preference::Fixed(Wire::Sse));
    table.live();
    table.put(Input::Prefer(Preference::Fixed(Wire::WebSocket)));
    table.put(Input::Prefer(Preference::Fixed(Wire::LongPoll)));
    assert_eq!(table.closed, [table.opened[1].link]);
    table.put(Input::Prefer(Preference::Fixed(Wire::Sse)));
    assert_eq!((table.session.state(), table.closed.len()), (State::Live { wire: Wire::Sse }, 2));
}

#[test]
fn offline_keeps_the_link_and_online_tries_at_once() {
    let mut table = Table::new(Preference::Fixed(Wire::Sse));
    table.live();
    table.put(Input::Offline);
    assert!(table.session.state().is_live());
    for _ in 0..8 {
        table.close(Cause::Network);
        table.wait(15_000);
    }
    table.close(Cause::Network);
    assert_eq!(table.session.state().words(table.now), "Offline");
    let tries = table.opened.len();
    table.put(Input::Online);
    table.wait(500);
    assert_eq!(table.opened.len(), tries + 1);
}

#[test]
fn a_poll_sends_its_tag_and_rests_as_told() {
    let settings = Settings {
        preference: Preference::Fixed(Wire::Poll),
        poll_ms: Some(250),
        ..Settings::new(["a".parse().expect("a topic")])
    };
    let mut table = Table::with(settings);
    let page = Page::decode(
        r#"{"cursor":"e.5","frames":[{"type":"snapshot","topic":"a","seq":5,"data":1}],"more":false,"poll_ms":9000}"#,
    )
    .expect("a page");
    let link = table.last().link;
    table.put(Input::Page { link, page, etag: Some("\"t\"".into()), bytes: 9, arrived_us: None });
    table.wait(249);
    assert_eq!(table.opened.len(), 1);
    table.wait(1);
    assert_eq!((table.last().etag.as_deref(), table.last().after.to_string()), (Some("\"t\""), "e.5".into()));
    assert_eq!(table.last().target(), "/v1/poll?topics=a&after=e.5");
    let link = table.last().link;
    table.put(Input::NotModified { link, bytes: 0 });
    table.wait(250);
    assert_eq!((table.opened.len(), table.session.ledger().wire(Wire::Poll).not_modified), (3, 1));
}

#[test]
fn a_link_that_outlived_an_outage_is_renewed_beside_itself() {
    let mut table = Table::new(Preference::Fixed(Wire::Sse));
    table.live();
    table.put(Input::Online); // nothing was away
    assert_eq!(table.opened.len(), 1);
    table.put(Input::Offline);
    table.put(Input::Online);
    assert_eq!((table.opened.len(), table.closed.len()), (2, 0));
    assert!(table.session.state().is_live());
    table.hello();
    table.frame(r#"{"type":"caught_up","cursor":"e.5"}"#);
    assert_eq!(table.closed, [table.opened[0].link]);
    table.wait(1_000);
    assert_eq!(table.opened.len(), 2);
}
