//! A mail server that a test owns: real SMTP over a real socket, in its own process's memory.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use mailin::{Action, Handler, Response, SessionBuilder, response};

/// A letter that was taken.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Who sends it, as the envelope says.
    pub from: String,
    /// Who gets it.
    pub to: String,
    /// Head and body.
    pub text: String,
}

/// A mail server. It takes letters for everybody but for `nobody@…`, whom it does not know, `blocked@…`, from whom it
/// takes nothing, `busy@…`, whom it puts off the first two times, and `gone@…`, at whom it breaks off when it has the
/// letter.
pub struct SmtpServer {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<Letter>>>,
    delay: Arc<Mutex<Duration>>,
}

#[derive(Clone)]
struct Desk {
    taken: Arc<Mutex<Vec<Letter>>>,
    busy: Arc<Mutex<BTreeMap<String, u32>>>,
    delay: Arc<Mutex<Duration>>,
    letter: Letter,
}

fn with<T, R>(mutex: &Mutex<T>, work: impl FnOnce(&mut T) -> R) -> R {
    work(&mut mutex.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Handler for Desk {
    fn mail(&mut self, _ip: IpAddr, _domain: &str, from: &str) -> Response {
        self.letter = Letter { from: from.to_owned(), to: String::new(), text: String::new() };
        response::OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        to.clone_into(&mut self.letter.to);
        match to.split('@').next().unwrap_or_default() {
            "nobody" => Response::custom(550, "5.1.1 There is nobody of that name".to_owned()),
            "blocked" => Response::custom(550, "5.7.1 Not from you".to_owned()),
            "busy" => {
                let tries = with(&self.busy, |busy| {
                    let tries = busy.entry(to.to_owned()).or_default();
                    *tries += 1;
                    *tries
                });
                if tries <= 2 { Response::custom(451, "4.3.0 Come again".to_owned()) } else { response::OK }
            }
            _ => response::OK,
        }
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.letter.text.push_str(&String::from_utf8_lossy(line));
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        thread::sleep(with(&self.delay, |delay| *delay));
        with(&self.taken, |taken| taken.push(self.letter.clone()));
        if self.letter.to.starts_with("gone@") { response::NO_SERVICE } else { response::OK }
    }
}

impl SmtpServer {
    /// Listens on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let (taken, delay) = (Arc::default(), Arc::new(Mutex::new(Duration::ZERO)));
        let letter = Letter { from: String::new(), to: String::new(), text: String::new() };
        let desk =
            Desk { taken: Arc::clone(&taken), busy: Arc::default(), delay: Arc::clone(&delay), letter };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let desk = desk.clone();
                // A client that goes away ends its conversation, and nothing else.
                thread::spawn(move || drop(talk(stream, desk)));
            }
        });
        Self { address, taken, delay }
    }

    /// `smtp://127.0.0.1:<port>`
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The letters that were taken so far.
    pub fn taken(&self) -> Vec<Letter> {
        with(&self.taken, |taken| taken.clone())
    }

    /// How long it thinks about each letter.
    pub fn think(&self, time: Duration) {
        with(&self.delay, |delay| *delay = time);
    }
}

fn talk(stream: TcpStream, desk: Desk) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let peer = stream.peer_addr()?.ip();
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    let mut session = SessionBuilder::new("mail.test").build(peer, desk);
    out.write_all(&session.greeting().buffer()?)?;
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let answer = session.process(&line);
        line.clear();
        // It breaks off instead of saying that it does not take what it has taken.
        if answer.code == 421 {
            return Ok(());
        }
        if answer.action != Action::NoReply {
            out.write_all(&answer.buffer()?)?;
        }
        if answer.action == Action::Close {
            return Ok(());
        }
    }
    Ok(())
}
