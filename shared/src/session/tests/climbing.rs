//! `Auto` by hand: down when a wire is blocked, up again when it is not.

use super::{table::*, *};

#[test]
fn auto_goes_down_when_a_wire_is_blocked_and_comes_back_when_it_is_not() {
    let mut table = Table::new(Preference::Auto);
    while table.last().wire == Wire::WebSocket {
        table.close(Cause::Eof); // a proxy that does not let it through
        table.wait(3_000);
    }
    assert_eq!((table.last().wire, table.opened.len()), (Wire::Sse, 3));
    table.live();
    assert!(table.session.why_auto().contains("WebSocket failed 2 times"), "{}", table.session.why_auto());

    // It looks for the better wire beside the working one, ever more rarely.
    let sse = table.last().link;
    let mut tries = vec![];
    for _ in 0..600 {
        table.wait(1_000);
        table.frame_on(sse, r#"{"type":"heartbeat","at":1}"#);
        if table.last().wire == Wire::WebSocket && !tries.contains(&table.last().link) {
            tries.push(table.last().link);
            table.close(Cause::Eof);
        }
    }
    assert!((3..=7).contains(&tries.len()), "{} tries in ten minutes", tries.len());
    assert!(table.session.state().is_live());

    for _ in 0..600 {
        table.wait(1_000);
        table.frame_on(sse, r#"{"type":"heartbeat","at":1}"#);
        if table.last().wire == Wire::WebSocket && !tries.contains(&table.last().link) {
            table.hello();
            table.frame(r#"{"type":"caught_up","cursor":"e.5"}"#);
            break;
        }
    }
    assert_eq!(table.session.state(), State::Live { wire: Wire::WebSocket });
    assert!(table.session.why_auto().contains("works here"), "{}", table.session.why_auto());
}

#[test]
fn opened_and_soon_died_counts_as_failure() {
    let mut table = Table::new(Preference::Auto);
    for _ in 0..3 {
        assert_eq!(table.last().wire, Wire::WebSocket);
        table.live_again();
        table.wait(1_500);
        table.close(Cause::Network);
        table.wait(8_000);
    }
    assert_eq!(table.last().wire, Wire::Sse);
}
