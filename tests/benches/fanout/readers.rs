//! Subscribers that cost little: they count what arrives by its framing and look inside only one reader in fifty.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fourwire_shared::Wire;
use fourwire_tests::{server::TestServer, wait};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    task::JoinSet,
    time::sleep,
};

/// What everybody reads.
pub(crate) const TOPIC: &str = "bench.fanout";

const LOOK_INSIDE_EVERY: usize = 50;
/// How many connect at the same time: below what a listener's backlog holds.
const CONNECTING_MAX: usize = 64;
const POLL_EVERY: Duration = Duration::from_secs(1);

/// What all readers have seen.
#[derive(Default)]
pub(crate) struct Counts {
    events: AtomicU64,
    ready: AtomicUsize,
    latencies_us: Mutex<Vec<u64>>,
}

impl Counts {
    /// Events delivered, over all readers.
    pub(crate) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Latencies of the readers that look inside, sorted.
    pub(crate) fn latencies_ms(&self) -> Vec<f64> {
        let mut all = std::mem::take(&mut *self.latencies_us.lock().unwrap_or_else(PoisonError::into_inner));
        all.sort_unstable();
        all.into_iter().map(|us| us as f64 / 1e3).collect()
    }

    fn look_inside(&self, bytes: &[u8]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
        let mut latencies = self.latencies_us.lock().unwrap_or_else(PoisonError::into_inner);
        latencies.extend(numbers_after(bytes, br#""at":"#).map(|at| now.saturating_sub(at)));
    }
}

/// Connects `count` readers and waits until each is live. They end when the set is dropped.
pub(crate) async fn open(wire: Wire, server: &TestServer, count: usize, counts: &Arc<Counts>) -> JoinSet<()> {
    let mut readers = JoinSet::new();
    let gate = Arc::new(Semaphore::new(CONNECTING_MAX));
    for number in 0..count {
        let (port, counts, gate) = (server.port(), Arc::clone(counts), Arc::clone(&gate));
        let looks = number % LOOK_INSIDE_EVERY == 0;
        let stagger = POLL_EVERY.mul_f64(number as f64 / count as f64);
        readers.spawn(async move {
            let result = match wire {
                Wire::Sse | Wire::WebSocket => stream(wire, port, looks, &counts, &gate).await,
                Wire::Poll => poll(wire, port, looks, &counts, &gate, Some(stagger)).await,
                Wire::LongPoll => poll(wire, port, looks, &counts, &gate, None).await,
            };
            if let Err(error) = result {
                println!("a reader on {wire} has ended: {error}");
            }
        });
    }
    wait::until(format_args!("{count} readers on {wire}"), async || {
        (counts.ready.load(Ordering::Relaxed) >= count).then_some(())
    })
    .await;
    readers
}

/// A stream's events are told from its framing alone; what comes before `caught_up` does not count.
async fn stream(wire: Wire, port: u16, looks: bool, counts: &Counts, gate: &Semaphore) -> io::Result<()> {
    let place = gate.acquire().await.map_err(io::Error::other)?;
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
    let upgrade = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let more = if wire == Wire::WebSocket { upgrade } else { "" };
    let request = format!(
        "GET {}?topics={TOPIC}&after=now HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{more}\r\n",
        wire.path()
    );
    socket.write_all(request.as_bytes()).await?;

    let mut buffer = vec![0; 16 * 1024];
    let mut head = Vec::new();
    while !contains(&head, b"caught_up") {
        let bytes = read_some(&mut socket, &mut buffer).await?;
        head.extend_from_slice(&buffer[..bytes]);
    }
    counts.ready.fetch_add(1, Ordering::Relaxed);
    drop(place);
    let mut framing = Framing::new(wire);
    loop {
        let bytes = read_some(&mut socket, &mut buffer).await?;
        let events = framing.events(&buffer[..bytes]);
        counts.events.fetch_add(events, Ordering::Relaxed);
        if looks {
            counts.look_inside(&buffer[..bytes]);
        }
    }
}

/// Counts whole events as they end, whatever the reads were cut into.
enum Framing {
    /// An event is three lines (`id`, `data`, empty). The lines of the chunked coding end with CR LF and are left out.
    Sse { lines: u64 },
    /// Bytes of the current message still to come, and the bytes of a header that is cut.
    WebSocket { rest: usize, header: Vec<u8> },
}

impl Framing {
    fn new(wire: Wire) -> Self {
        if wire == Wire::Sse {
            Self::Sse { lines: 0 }
        } else {
            Self::WebSocket { rest: 0, header: Vec::new() }
        }
    }

    fn events(&mut self, bytes: &[u8]) -> u64 {
        match self {
            Self::Sse { lines } => {
                let count = |wanted: u8| bytes.iter().filter(|byte| **byte == wanted).count() as u64;
                *lines += count(b'\n').saturating_sub(count(b'\r'));
                let events = *lines / 3;
                *lines %= 3;
                events
            }
            Self::WebSocket { rest, header } => messages(bytes, rest, header),
        }
    }
}

fn messages(mut bytes: &[u8], rest: &mut usize, header: &mut Vec<u8>) -> u64 {
    let mut ended = 0;
    while !bytes.is_empty() {
        let skip = bytes.len().min(*rest);
        bytes = &bytes[skip..];
        *rest -= skip;
        let Some((first, others)) = bytes.split_first() else { break };
        header.push(*first);
        bytes = others;
        let length = match header.get(1).map(|byte| byte & 0x7f) {
            None => continue,
            Some(126) if header.len() < 4 => continue,
            Some(127) if header.len() < 10 => continue,
            Some(126) => usize::from(u16::from_be_bytes([header[2], header[3]])),
            Some(127) => header[2..10].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
            Some(short) => usize::from(short),
        };
        header.clear();
        *rest = length;
        ended += 1;
    }
    ended
}

/// Requests one after the other on one connection; `every` sets them apart, `None` asks again at once.
async fn poll(
    wire: Wire,
    port: u16,
    looks: bool,
    counts: &Counts,
    gate: &Semaphore,
    stagger: Option<Duration>,
) -> io::Result<()> {
    let place = gate.acquire().await.map_err(io::Error::other)?;
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
    let start = page(&mut socket, Wire::Poll, port, "now").await?;
    let mut cursor = cursor(&start)?;
    counts.ready.fetch_add(1, Ordering::Relaxed);
    drop(place);
    if let Some(stagger) = stagger {
        sleep(stagger).await;
    }
    loop {
        let body = page(&mut socket, wire, port, &cursor).await?;
        let events = body.windows(14).filter(|window| *window == br#""type":"event""#).count();
        counts.events.fetch_add(events as u64, Ordering::Relaxed);
        if looks {
            counts.look_inside(&body);
        }
        cursor = self::cursor(&body)?;
        if stagger.is_some() {
            sleep(POLL_EVERY).await;
        }
    }
}

async fn page(socket: &mut TcpStream, wire: Wire, port: u16, after: &str) -> io::Result<Vec<u8>> {
    let path = wire.path();
    let request =
        format!("GET {path}?topics={TOPIC}&after={after}&wait=55 HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let bytes = read_some(socket, &mut buffer).await?;
        answer.extend_from_slice(&buffer[..bytes]);
        let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
        let length = text
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next()?.trim().parse::<usize>().ok());
        let length = length.ok_or_else(|| io::Error::other(format!("an answer without length: {text}")))?;
        if answer.len() >= head + 4 + length {
            return Ok(answer.split_off(head + 4));
        }
    }
}

fn cursor(body: &[u8]) -> io::Result<String> {
    let text = String::from_utf8_lossy(body);
    let rest = text.split(r#""cursor":""#).nth(1).and_then(|rest| rest.split('"').next());
    rest.map(str::to_owned).ok_or_else(|| io::Error::other(format!("a page without a cursor: {text}")))
}

async fn read_some(socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    match socket.read(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        bytes => Ok(bytes),
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Every number that follows `key`; one that is cut by the end of `bytes` is left out.
fn numbers_after<'a>(bytes: &'a [u8], key: &'a [u8]) -> impl Iterator<Item = u64> + 'a {
    let starts = bytes.windows(key.len()).enumerate().filter(move |(_, window)| *window == key);
    starts.filter_map(move |(index, _)| {
        let digits = &bytes[index + key.len()..];
        let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
        std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
    })
}
