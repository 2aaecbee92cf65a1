//! What is in the frames and pages: data as it was written, the same bytes on every wire, bounded pages, features' states.

use fourwire_shared::Wire;
use fourwire_tests::{
    raw::Request,
    readers::{Follower, Reader, Seen, Verdict, frame::parts, pages::Page},
};

use crate::stage::{After, Stage};

#[tokio::test]
async fn data_is_kept_as_it_was_written_but_for_its_white_space() {
    let mut stage = Stage::new().await;
    let table = [
        (r#"{ "b" : 1.0, "a": 1e2 }"#, r#"{"b":1.0,"a":1e2}"#),
        ("[123456789012345678901234567890, -0, 0.10, 1E+5]", "[123456789012345678901234567890,-0,0.10,1E+5]"),
        (r#"{"a":1,"a":2,"":null}"#, r#"{"a":1,"a":2,"":null}"#),
        ("\t{\r\n\"k\" : [ ] , \"o\":{ } }\n", r#"{"k":[],"o":{}}"#),
        (r#"" a \u0041 \/ \n \" \u2028 é 😀 ""#, r#"" a \u0041 \/ \n \" \u2028 é 😀 ""#),
        (" null ", "null"),
        ("true", "true"),
        ("0", "0"),
        ("{\"line\":\"\u{2028}\u{85}\"}", "{\"line\":\"\u{2028}\u{85}\"}"),
    ];
    for (written, _) in table {
        stage.publish("a", written).await;
    }
    for wire in Wire::ALL {
        let frames = Reader::open(stage.port(), wire, &["a"], "earliest").await.until_caught_up().await;
        assert_eq!(frames.len(), table.len() + 1, "{wire}");
        for (frame, (written, kept)) in frames.iter().zip(table) {
            assert!(frame.raw.ends_with(&format!(r#","data":{kept}}}"#)), "{wire}: {written}: {}", frame.raw);
        }
    }
}

#[tokio::test]
async fn an_event_is_the_same_line_on_every_wire_live_and_replayed() {
    let mut stage = Stage::new().await;
    let mut readers = Vec::new();
    for wire in Wire::ALL {
        let mut reader = Reader::open(stage.port(), wire, &["a", "b"], "now").await;
        assert_eq!(reader.until_caught_up().await.len(), 1, "{wire}");
        readers.push(reader);
    }
    for n in 0..20 {
        stage.publish(["a", "b"][n % 2], &format!(r#"{{"n":{n},"x":1.50}}"#)).await;
    }
    let text = |frames: Vec<Seen>| frames.into_iter().map(|frame| frame.raw).collect::<Vec<_>>();
    let first = text(readers[0].take(20).await);
    assert_eq!(first.len(), 20);
    for reader in &mut readers[1..] {
        assert_eq!(text(reader.take(20).await), first, "{}", reader.wire());
    }
    for wire in Wire::ALL {
        let mut again = Reader::open(stage.port(), wire, &["b", "a"], &stage.after(After::At(1))).await;
        assert_eq!(text(again.take(19).await), first[1..], "{wire}");
    }
}

#[tokio::test]
async fn a_long_history_comes_whole_in_bounded_pages() {
    let stage = Stage::new().await;
    for (topic, spec) in [
        ("memory", r#"{"retain":{"events":5000,"bytes":16777216}}"#),
        ("disk", r#"{"durable":true,"retain":{"events":5000,"bytes":16777216}}"#),
    ] {
        stage.declare(topic, spec).await;
        let mut seqs = publish_many(&stage, topic, 2_300, 40).await;
        seqs.extend(publish_many(&stage, topic, 40, 60_000).await);
        for wire in Wire::ALL {
            let mut follower = Follower::new("earliest");
            let mut reader = Reader::open(stage.port(), wire, &[topic], "earliest").await;
            let frames = reader.until_caught_up().await;
            let applied = frames.iter().filter(|frame| follower.take(frame) == Verdict::Applied);
            let got: Vec<u64> = applied.filter_map(Seen::seq).collect();
            assert_eq!(got, seqs, "{topic} by {wire}");
        }
        let first = Request::get(&format!("/v1/poll?topics={topic}&after=earliest")).send(stage.port()).await;
        let page = Page::new(first.text());
        assert!(page.more && page.frames.len() == 1_000, "{topic}: {} {}", page.more, page.frames.len());
    }
}

/// Publishes over a WebSocket, many at a time; the events' numbers.
async fn publish_many(stage: &Stage, topic: &str, count: u64, bytes: usize) -> Vec<u64> {
    let mut socket = Reader::open(stage.port(), Wire::WebSocket, &[], "").await;
    let data = "x".repeat(bytes);
    let mut seqs = Vec::new();
    for start in (0..count).step_by(20) {
        let batch = start..count.min(start + 20);
        for id in batch.clone() {
            let command = format!(r#"{{"id":{id},"do":"publish","topic":"{topic}","data":"{data}"}}"#);
            socket.command(&command).await;
        }
        for id in batch {
            let reply = socket.reply().await;
            assert_eq!(reply.number("id"), id, "replies come in order");
            seqs.push(reply.value["ok"]["seq"].as_u64().unwrap_or_else(|| panic!("{}", reply.raw)));
        }
    }
    assert!(seqs.is_sorted_by(|a, b| a < b));
    seqs
}

#[tokio::test]
async fn a_features_snapshot_is_its_state_at_its_seq_and_the_tail_follows() {
    let stage = Stage::new().await;
    for wire in Wire::ALL {
        let mut reader = Reader::open(stage.port(), wire, &["dashboard.host"], "").await;
        let start = reader.until_caught_up().await;
        let snapshot = &start[0];
        assert!(snapshot.is("snapshot") && start.len() == 2, "{wire}: {start:?}");
        let event = reader.next().await.expect("the dashboard is alive");
        assert_eq!(event.number("prev"), snapshot.number("seq"), "{wire}: {}", event.raw);
    }
}

#[tokio::test]
async fn topics_may_be_encoded_and_the_parameter_repeated() {
    let mut stage = Stage::new().await;
    stage.publish("a.x", "1").await;
    stage.publish("b", "2").await;
    for query in [
        "topics=a.x,b",
        "topics=a.x&topics=b",
        "topics=a%2Ex%2Cb",
        "topics=b&topics=a.x,b",
        "unknown=1&topics=b,a.x",
    ] {
        let answer = Request::get(&format!("/v1/poll?after=earliest&{query}")).send(stage.port()).await;
        assert_eq!(Page::new(answer.text()).frames.len(), 2, "{query}");
    }
}

#[tokio::test]
async fn caught_up_is_the_logs_head_and_an_end_covers_it() {
    let mut stage = Stage::new().await;
    stage.publish("a", "1").await;
    let head = stage.publish("b", "1").await;
    for wire in [Wire::Sse, Wire::WebSocket] {
        let mut reader = Reader::open(stage.port(), wire, &["a"], "").await;
        let last = reader.until_caught_up().await.pop().expect("caught_up");
        assert!(parts(last.text("cursor")).1 >= head, "{wire}: {} is below {head}", last.raw);
    }
}
