//! One table, four wires. A row is a history, a subscription, what it sees until it has caught up, what happens then,
//! and what it sees of that. Whatever differs between two wires is a fault of the server.

use fourwire_shared::Wire;
use fourwire_tests::readers::{Ending, Follower, Reader, Seen, Verdict, story::shape};

use crate::stage::{
    After::{self, At, Earliest, Future, Nothing, Now, OtherEpoch},
    Do::{self, Declare, End, Evicted, Publish, Restart},
    Stage,
};

const KEEP_2: &str = r#"{"retain":{"events":2}}"#;
const LATEST: &str = r#"{"policy":"latest"}"#;
const LATEST_KEEP_1: &str = r#"{"policy":"latest","retain":{"events":1}}"#;
const DURABLE: &str = r#"{"durable":true}"#;
const DURABLE_LATEST: &str = r#"{"policy":"latest","durable":true}"#;
const DURABLE_KEEP_2: &str = r#"{"durable":true,"retain":{"events":2}}"#;

struct Row {
    name: &'static str,
    history: &'static [Do],
    topics: &'static [&'static str],
    after: After,
    sees: &'static str,
    then: &'static [Do],
    and_sees: &'static str,
}

const ONE: &[&str] = &["a"];
const THREE: [Do; 3] = [Publish("a"), Publish("a"), Publish("a")];
const FIVE_OF_WHICH_TWO: &[Do] =
    &[Declare("a", KEEP_2), Publish("a"), Publish("a"), Publish("a"), Publish("a"), Publish("a")];
const FIVE_OF_WHICH_TWO_DURABLE: &[Do] = &[
    Declare("a", DURABLE_KEEP_2),
    Publish("a"),
    Publish("a"),
    Publish("a"),
    Publish("a"),
    Publish("a"),
    Evicted("a", 2),
];
const THREE_LATEST: &[Do] = &[Declare("a", LATEST), Publish("a"), Publish("a"), Publish("a")];
const THREE_DURABLE: &[Do] = &[Declare("a", DURABLE), Publish("a"), Publish("a"), Publish("a")];
const THREE_TOPICS: &[Do] =
    &[Publish("a"), Publish("b"), Publish("other"), Publish("a"), Publish("c"), Publish("b")];
const ENDED: &[Do] = &[Publish("a"), Publish("a"), End("a")];

#[tokio::test]
async fn every_wire_tells_the_same_story_of_a_join() {
    play(&[
        Row {
            name: "an unknown topic is an empty one",
            history: &[Publish("other")],
            topics: ONE,
            after: Nothing,
            sees: "snapshot:0 caught_up",
            then: &[Publish("other"), Publish("a")],
            and_sees: "event:3",
        },
        Row {
            name: "a declared topic without events",
            history: &[Declare("a", LATEST)],
            topics: ONE,
            after: Nothing,
            sees: "snapshot:0 caught_up",
            then: &[Publish("a")],
            and_sees: "event:1",
        },
        Row {
            name: "a log's snapshot stands at its floor, and its tail follows",
            history: &THREE,
            topics: ONE,
            after: Nothing,
            sees: "snapshot:0 event:1 event:2 event:3 caught_up",
            then: &THREE,
            and_sees: "event:4 event:5 event:6",
        },
        Row {
            name: "a log that has evicted",
            history: FIVE_OF_WHICH_TWO,
            topics: ONE,
            after: Nothing,
            sees: "snapshot:3 event:4 event:5 caught_up",
            then: &[Publish("a")],
            and_sees: "event:6",
        },
        Row {
            name: "latest: the newest event is the state",
            history: THREE_LATEST,
            topics: ONE,
            after: Nothing,
            sees: "snapshot:3 caught_up",
            then: &[Publish("a")],
            and_sees: "event:4",
        },
        Row {
            name: "a durable log",
            history: THREE_DURABLE,
            topics: ONE,
            after: Nothing,
            sees: "snapshot:0 event:1 event:2 event:3 caught_up",
            then: &[Publish("a")],
            and_sees: "event:4",
        },
        Row {
            name: "a durable log that has evicted",
            history: FIVE_OF_WHICH_TWO_DURABLE,
            topics: ONE,
            after: Nothing,
            sees: "snapshot:3 event:4 event:5 caught_up",
            then: &[Publish("a")],
            and_sees: "event:6",
        },
        Row {
            name: "durable latest",
            history: &[Declare("a", DURABLE_LATEST), Publish("a"), Publish("a")],
            topics: ONE,
            after: Nothing,
            sees: "snapshot:2 caught_up",
            then: &[Publish("a")],
            and_sees: "event:3",
        },
        Row {
            name: "now: only what comes",
            history: &THREE,
            topics: ONE,
            after: Now,
            sees: "caught_up",
            then: &[Publish("a")],
            and_sees: "event:4",
        },
        Row {
            name: "now, of an unknown topic",
            history: &[],
            topics: ONE,
            after: Now,
            sees: "caught_up",
            then: &[Publish("a")],
            and_sees: "event:1",
        },
        Row {
            name: "earliest: all there is, without a snapshot",
            history: &THREE,
            topics: ONE,
            after: Earliest,
            sees: "event:1 event:2 event:3 caught_up",
            then: &[Publish("a")],
            and_sees: "event:4",
        },
        Row {
            name: "earliest is no reset where history is gone",
            history: FIVE_OF_WHICH_TWO,
            topics: ONE,
            after: Earliest,
            sees: "event:4 event:5 caught_up",
            then: &[Publish("a")],
            and_sees: "event:6",
        },
        Row {
            name: "earliest of an unknown topic",
            history: &[Publish("other")],
            topics: ONE,
            after: Earliest,
            sees: "caught_up",
            then: &[Publish("a")],
            and_sees: "event:2",
        },
    ])
    .await;
}

#[tokio::test]
async fn every_wire_tells_the_same_story_of_a_resume() {
    play(&[
        resume(At(0), "event:1 event:2 event:3 caught_up"),
        resume(At(1), "event:2 event:3 caught_up"),
        resume(At(2), "event:3 caught_up"),
        resume(At(3), "caught_up"),
        resume_durable(At(0), "event:1 event:2 event:3 caught_up"),
        resume_durable(At(2), "event:3 caught_up"),
        resume_durable(At(3), "caught_up"),
        evicted(At(0), "reset:evicted snapshot:3 event:4 event:5 caught_up"),
        evicted(At(1), "reset:evicted snapshot:3 event:4 event:5 caught_up"),
        evicted(At(2), "reset:evicted snapshot:3 event:4 event:5 caught_up"),
        evicted(At(3), "event:4 event:5 caught_up"),
        evicted(At(4), "event:5 caught_up"),
        evicted(At(5), "caught_up"),
        Row {
            name: "a durable topic below its floor",
            history: FIVE_OF_WHICH_TWO_DURABLE,
            topics: ONE,
            after: At(1),
            sees: "reset:evicted snapshot:3 event:4 event:5 caught_up",
            then: &[Publish("a")],
            and_sees: "event:6",
        },
        Row {
            name: "an unknown epoch",
            history: &THREE,
            topics: ONE,
            after: OtherEpoch,
            sees: "reset:epoch snapshot:0 event:1 event:2 event:3 caught_up",
            then: &[Publish("a")],
            and_sees: "event:4",
        },
        Row {
            name: "an unknown epoch, and a quiet topic that nobody wrote to: one reset, not one each time",
            history: &[Publish("other")],
            topics: ONE,
            after: OtherEpoch,
            sees: "reset:epoch snapshot:0 caught_up",
            then: &[Publish("other"), Publish("a")],
            and_sees: "event:3",
        },
        Row {
            name: "a cursor from the future",
            history: &THREE,
            topics: ONE,
            after: Future,
            sees: "reset:future snapshot:0 event:1 event:2 event:3 caught_up",
            then: &[Publish("a")],
            and_sees: "event:4",
        },
        Row {
            name: "an unknown topic at a good cursor",
            history: &THREE,
            topics: &["b"],
            after: At(1),
            sees: "caught_up",
            then: &[Publish("a"), Publish("b")],
            and_sees: "event:5",
        },
        Row {
            name: "latest conflates: the newest event, and that others were passed over",
            history: THREE_LATEST,
            topics: ONE,
            after: At(1),
            sees: "event:3~ caught_up",
            then: &[Publish("a")],
            and_sees: "event:4",
        },
        Row {
            name: "latest, nothing passed over",
            history: THREE_LATEST,
            topics: ONE,
            after: At(2),
            sees: "event:3 caught_up",
            then: &[Publish("a")],
            and_sees: "event:4",
        },
        Row {
            name: "latest needs no reset for what it has evicted",
            history: &[Declare("a", LATEST_KEEP_1), Publish("a"), Publish("a"), Publish("a"), Publish("a")],
            topics: ONE,
            after: At(1),
            sees: "event:4~ caught_up",
            then: &[Publish("a")],
            and_sees: "event:5",
        },
        Row {
            name: "latest of another epoch",
            history: THREE_LATEST,
            topics: ONE,
            after: OtherEpoch,
            sees: "reset:epoch snapshot:3 caught_up",
            then: &[Publish("a")],
            and_sees: "event:4",
        },
    ])
    .await;
}

#[tokio::test]
async fn every_wire_tells_the_same_story_of_several_topics() {
    play(&[
        Row {
            name: "a join: all snapshots, then the log's order",
            history: THREE_TOPICS,
            topics: &["c", "a", "b"],
            after: Nothing,
            sees: "snapshot@c:0 snapshot@a:0 snapshot@b:0 event@a:1 event@b:2 event@a:4 event@c:5 event@b:6 caught_up",
            then: &[Publish("b"), Publish("other"), Publish("a"), Publish("b")],
            and_sees: "event@b:7 event@a:9 event@b:10",
        },
        Row {
            name: "a resume",
            history: THREE_TOPICS,
            topics: &["a", "b", "c"],
            after: At(2),
            sees: "event@a:4 event@c:5 event@b:6 caught_up",
            then: &[Publish("c")],
            and_sees: "event@c:7",
        },
        Row {
            name: "repeated names fold into one",
            history: THREE_TOPICS,
            topics: &["a", "c", "a"],
            after: At(2),
            sees: "event@a:4 event@c:5 caught_up",
            then: &[Publish("a")],
            and_sees: "event@a:7",
        },
        Row {
            name: "a reset for one topic only",
            history: &[
                Declare("a", KEEP_2),
                Publish("a"),
                Publish("b"),
                Publish("a"),
                Publish("a"),
                Publish("b"),
                Publish("a"),
            ],
            topics: &["b", "a"],
            after: At(1),
            sees: "reset:evicted@a snapshot@a:3 event@b:2 event@a:4 event@b:5 event@a:6 caught_up",
            then: &[Publish("b"), Publish("a")],
            and_sees: "event@b:7 event@a:8",
        },
        Row {
            name: "log and latest together",
            history: &[Declare("s", LATEST), Publish("a"), Publish("s"), Publish("s"), Publish("a")],
            topics: &["s", "a"],
            after: At(1),
            sees: "event@s:3~ event@a:4 caught_up",
            then: &[Publish("s")],
            and_sees: "event@s:5",
        },
        Row {
            name: "one topic of two has ended",
            history: &[Publish("a"), Publish("b"), End("a"), Publish("b")],
            topics: &["a", "b"],
            after: At(1),
            sees: "event@b:2 end@a:3 event@b:4 caught_up",
            then: &[Publish("b")],
            and_sees: "event@b:5",
        },
    ])
    .await;
}

#[tokio::test]
async fn every_wire_tells_the_same_story_of_a_restart() {
    play(&[
        Row {
            name: "a topic in memory begins anew",
            history: &[Publish("a"), Publish("a"), Restart],
            topics: ONE,
            after: At(2),
            sees: "reset:restarted snapshot:2+ caught_up",
            then: &[Publish("a")],
            and_sees: "event:3",
        },
        Row {
            name: "a topic in memory with policy latest",
            history: &[Declare("a", LATEST), Publish("a"), Restart],
            topics: ONE,
            after: At(1),
            sees: "reset:restarted snapshot:1+ caught_up",
            then: &[Publish("a")],
            and_sees: "event:2",
        },
        Row {
            name: "a join after the restart",
            history: &[Publish("a"), Publish("a"), Restart, Publish("a")],
            topics: ONE,
            after: Nothing,
            sees: "snapshot:2+ event:3 caught_up",
            then: &[Publish("a")],
            and_sees: "event:4",
        },
        Row {
            name: "a durable topic goes on",
            history: &[Declare("a", DURABLE), Publish("a"), Publish("a"), Restart, Publish("a")],
            topics: ONE,
            after: At(1),
            sees: "event:2 event:3 caught_up",
            then: &[Publish("a")],
            and_sees: "event:4",
        },
        Row {
            name: "a durable topic, at its head",
            history: &[Declare("a", DURABLE), Publish("a"), Publish("a"), Restart],
            topics: ONE,
            after: At(2),
            sees: "caught_up",
            then: &[Publish("a")],
            and_sees: "event:3",
        },
        Row {
            name: "a durable latest topic knows its state",
            history: &[Declare("a", DURABLE_LATEST), Publish("a"), Publish("a"), Restart],
            topics: ONE,
            after: Nothing,
            sees: "snapshot:2 caught_up",
            then: &[Publish("a")],
            and_sees: "event:3",
        },
        Row {
            name: "a durable topic keeps its floor",
            history: &[
                Declare("a", DURABLE_KEEP_2),
                Publish("a"),
                Publish("a"),
                Publish("a"),
                Evicted("a", 2),
                Restart,
            ],
            topics: ONE,
            after: At(0),
            sees: "reset:evicted snapshot:1 event:2 event:3 caught_up",
            then: &[Publish("a")],
            and_sees: "event:4",
        },
        Row {
            name: "only the topic in memory is reset",
            history: &[Declare("d", DURABLE), Publish("m"), Publish("d"), Publish("d"), Restart],
            topics: &["d", "m"],
            after: At(2),
            sees: "reset:restarted@m snapshot@m:3+ event@d:3 caught_up",
            then: &[Publish("m"), Publish("d")],
            and_sees: "event@m:4 event@d:5",
        },
        Row {
            name: "an ended topic stays ended",
            history: &[Declare("a", DURABLE), Publish("a"), End("a"), Restart],
            topics: ONE,
            after: At(0),
            sees: "event:1 end:2 caught_up",
            then: &[],
            and_sees: "",
        },
    ])
    .await;
}

#[tokio::test]
async fn every_wire_tells_the_same_story_of_an_end() {
    play(&[
        Row {
            name: "a join of what has ended",
            history: ENDED,
            topics: ONE,
            after: Nothing,
            sees: "snapshot:0 event:1 event:2 end:3 caught_up",
            then: &[],
            and_sees: "",
        },
        Row {
            name: "a resume into the end",
            history: ENDED,
            topics: ONE,
            after: At(1),
            sees: "event:2 end:3 caught_up",
            then: &[],
            and_sees: "",
        },
        Row {
            name: "an end while live",
            history: &[Publish("a")],
            topics: ONE,
            after: At(1),
            sees: "caught_up",
            then: &[Publish("a"), End("a")],
            and_sees: "event:2 end:3",
        },
        Row {
            name: "both topics end, one after the other",
            history: &[Publish("a"), Publish("b")],
            topics: &["a", "b"],
            after: At(2),
            sees: "caught_up",
            then: &[End("a"), Publish("b"), End("b")],
            and_sees: "end@a:3 event@b:4 end@b:5",
        },
        Row {
            name: "an unknown epoch, of what has ended",
            history: ENDED,
            topics: ONE,
            after: OtherEpoch,
            sees: "reset:epoch snapshot:0 event:1 event:2 end:3 caught_up",
            then: &[],
            and_sees: "",
        },
    ])
    .await;
}

fn resume(after: After, sees: &'static str) -> Row {
    let (history, then, and_sees) = (&THREE, &[Publish("a")], "event:4");
    Row { name: "a resume within retention", history, topics: ONE, after, sees, then, and_sees }
}

fn resume_durable(after: After, sees: &'static str) -> Row {
    Row { name: "a durable resume", history: THREE_DURABLE, ..resume(after, sees) }
}

fn evicted(after: After, sees: &'static str) -> Row {
    let (then, and_sees) = (&[Publish("a")], "event:6");
    let name = "around the floor";
    Row { name, history: FIVE_OF_WHICH_TWO, topics: ONE, after, sees, then, and_sees }
}

async fn play(rows: &[Row]) {
    let mut faults = Vec::new();
    for row in rows {
        let mut stage = Stage::new().await;
        stage.play(row.history).await;
        let mut tales = Vec::new();
        for wire in Wire::ALL {
            tales.push(Tale::begin(&stage, wire, row).await);
        }
        stage.play(row.then).await;
        for tale in &mut tales {
            println!("{} ({:?}), {}", row.name, row.after, tale.reader.wire());
            tale.finish(&stage, row, &mut faults).await;
        }
        let events = |tale: &Tale| {
            let shared = |frame: &&Seen| !frame.is("caught_up") && frame.value.get("skipped").is_none();
            tale.frames.iter().filter(shared).map(|frame| frame.raw.clone()).collect::<Vec<_>>()
        };
        for tale in &tales[1..] {
            if events(tale) != events(&tales[0]) {
                faults.push(format!(
                    "{} ({:?}): {} has other bytes",
                    row.name,
                    row.after,
                    tale.reader.wire()
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{} deviations:\n{}", faults.len(), faults.join("\n"));
}

/// One wire's reading of a row.
struct Tale {
    reader: Reader,
    follower: Follower,
    frames: Vec<Seen>,
    caught_up_at: usize,
}

impl Tale {
    async fn begin(stage: &Stage, wire: Wire, row: &Row) -> Self {
        let after = stage.after(row.after);
        let mut reader = Reader::open(stage.port(), wire, row.topics, &after).await;
        let frames = reader.until_caught_up().await;
        Self { reader, follower: Follower::new(&after), caught_up_at: frames.len(), frames }
    }

    async fn finish(&mut self, stage: &Stage, row: &Row, faults: &mut Vec<String>) {
        let more = self.reader.take(row.and_sees.split_whitespace().count()).await;
        self.frames.extend(more);
        let many = row.topics.len() > 1;
        let (before, then) = self.frames.split_at(self.caught_up_at);
        for (seen, due) in [(before, row.sees), (then, row.and_sees)] {
            let seen = shape(seen, &stage.numbers, many);
            if seen != due {
                let wire = self.reader.wire();
                faults.push(format!(
                    "{} ({:?}), {wire}:\n     due: {due}\n    seen: {seen}",
                    row.name, row.after
                ));
            }
        }
        for frame in &self.frames {
            let verdict = self.follower.take(frame);
            if matches!(verdict, Verdict::Gap | Verdict::Duplicate) {
                faults.push(format!("{}, {}: {verdict:?}: {}", row.name, self.reader.wire(), frame.raw));
            }
        }
        let has_ended = |topic: &&str| self.frames.iter().any(|f| f.is("end") && f.topic() == Some(topic));
        if row.topics.iter().all(has_ended) {
            self.check_ending(row, faults).await;
        }
    }

    async fn check_ending(&mut self, row: &Row, faults: &mut Vec<String>) {
        let wire = self.reader.wire();
        let after_it = self.reader.next().await.map(|frame| frame.raw);
        let due = match wire {
            Wire::WebSocket => Ending::Closed(1000),
            _ => Ending::Complete,
        };
        if after_it.is_some() || self.reader.ending() != Some(due) {
            faults.push(format!(
                "{}, {wire}: ends with {after_it:?} {:?}, not {due:?}",
                row.name,
                self.reader.ending()
            ));
        }
    }
}
