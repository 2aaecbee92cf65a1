//! The native client amid a storm: a small server publishes without pause and cuts its streams, while the client goes
//! round all four wires. What it applies must be every event, once, in order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fourwire_server::client::{Driver, Told};
use fourwire_shared::{
    Wire,
    session::{Applied, Input, Preference, Settings},
};
use futures_util::SinkExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{self, error::SendError},
    time::{sleep, timeout},
};
use tokio_tungstenite::{accept_async, tungstenite::Message};

const HELLO: &str = r#"{"type":"hello","cursor":"e.0","server":"storm","heartbeat_ms":15000}"#;
/// Frames after which a stream is cut, amid what it was saying.
const FRAMES_A_LIFE: u64 = 60;
/// What a wire must have given before the client goes on to the next: counted, so that a slow machine takes longer and
/// does not fail.
const EVENTS_A_STAY: u64 = 80;
/// Four times round.
const STAYS: u64 = 16;
const PATIENCE: Duration = Duration::from_secs(120);

/// The number of the newest event; all are kept.
type Head = Arc<AtomicU64>;

async fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let head = Head::default();
    let publisher = head.clone();
    tokio::spawn(async move {
        loop {
            sleep(Duration::from_millis(3)).await;
            publisher.fetch_add(1, Ordering::SeqCst);
        }
    });
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(answer(socket, head.clone()));
        }
    });
    format!("http://{address}")
}

fn event(seq: u64) -> String {
    format!(r#"{{"type":"event","topic":"a","seq":{seq},"prev":{},"at":0,"data":{seq}}}"#, seq - 1)
}

/// What a stream says: replay from the cursor, `caught_up`, live; then it is cut.
async fn story(head: Head, after: Option<u64>, tell: mpsc::Sender<String>) -> Result<(), SendError<String>> {
    let mut at = after.unwrap_or(0);
    let end = at + FRAMES_A_LIFE;
    let mut caught_up = false;
    tell.send(HELLO.into()).await?;
    if after.is_none() {
        tell.send(r#"{"type":"snapshot","topic":"a","seq":0,"data":null}"#.into()).await?;
    }
    while at < end {
        let now = head.load(Ordering::SeqCst);
        while at < now.min(end) {
            at += 1;
            tell.send(event(at)).await?;
        }
        if !caught_up && at == now {
            caught_up = true;
            tell.send(format!(r#"{{"type":"caught_up","cursor":"e.{now}"}}"#)).await?;
        }
        sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

fn start_story(head: &Head, after: Option<u64>) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel(4);
    tokio::spawn(story(head.clone(), after, tell));
    told
}

async fn answer(mut socket: TcpStream, head: Head) {
    let mut request = [0; 2048];
    let n = socket.peek(&mut request).await.unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..n]).into_owned();
    let target = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let after = target.split("after=e.").nth(1).and_then(|rest| rest.split('&').next()?.parse().ok());
    if target.starts_with("/v1/ws") {
        let mut socket = accept_async(socket).await.expect("a handshake");
        let mut told = start_story(&head, after);
        while let Some(frame) = told.recv().await
            && socket.send(Message::text(frame)).await.is_ok()
        {}
        return; // dropped without a goodbye
    }
    let _ = socket.read(&mut [0; 2048]).await;
    let kind = if target.starts_with("/v1/sse") { "text/event-stream" } else { "application/json" };
    let start = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n");
    let _ = socket.write_all(start.as_bytes()).await;
    if target.starts_with("/v1/sse") {
        let mut told = start_story(&head, after);
        while let Some(frame) = told.recv().await
            && socket.write_all(format!("data: {frame}\n\n").as_bytes()).await.is_ok()
        {}
        let _ = socket.write_all(b"data: {\"type\":\"event\",\"topic").await; // cut amid a frame
    } else {
        let _ = socket.write_all(page(&head, after).as_bytes()).await;
    }
}

/// At most 25 frames, so that catching up takes several pages.
fn page(head: &Head, after: Option<u64>) -> String {
    let (at, head) = (after.unwrap_or(0), head.load(Ordering::SeqCst));
    let upto = head.min(at + 25);
    let snapshot = after.is_none().then(|| r#"{"type":"snapshot","topic":"a","seq":0,"data":null}"#.into());
    let frames: Vec<String> = snapshot.into_iter().chain((at + 1..=upto).map(event)).collect();
    let more = upto < head;
    format!(r#"{{"cursor":"e.{upto}","frames":[{}],"more":{more},"poll_ms":20}}"#, frames.join(","))
}

#[tokio::test]
async fn going_round_the_wires_in_a_storm_loses_nothing() {
    let settings = Settings {
        preference: Preference::Fixed(Wire::Poll),
        retry_base_ms: 20,
        ..Settings::new(["a".parse().expect("a topic")])
    };
    let mut driver = Driver::new(&server().await, settings).expect("a driver");
    let (mut last, mut wire, mut enough) = (0, Wire::Poll, EVENTS_A_STAY);
    let round = async {
        for _ in 0..STAYS {
            while driver.session().ledger().wire(wire).events < enough {
                let Some(Told::Applied(Applied::Event(event))) = driver.next().await else { continue };
                assert_eq!(event.seq.get(), last + 1);
                last = event.seq.get();
            }
            wire = Wire::ALL[(wire.index() + 1) % Wire::ALL.len()];
            enough = driver.session().ledger().wire(wire).events + EVENTS_A_STAY;
            driver.tell(Input::Prefer(Preference::Fixed(wire)));
        }
    };
    timeout(PATIENCE, round).await.expect("each wire gives its events");
    let ledger = driver.close().await.ledger().clone();
    let totals = ledger.totals();
    assert!(totals.switches > STAYS / 2 && totals.reconnects > 0, "{last} {totals:?}");
    assert_eq!((totals.gaps, totals.lost, totals.duplicates, totals.resets), (0, 0, 0, 0));
}
