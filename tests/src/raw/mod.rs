//! HTTP/1.1 by hand: requests are bytes, answers are read strictly. For what no proper client would send.

pub mod websocket;

use std::{fmt::Write as _, io};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::readers::within;

/// A request that is put together by hand. `Host` is there unless it is set otherwise.
#[derive(Clone, Debug)]
pub struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    sized: bool,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            line: format!("{method} {target} HTTP/1.1"),
            headers: Vec::new(),
            body: Vec::new(),
            sized: false,
        }
    }

    /// `GET`.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a body with its length.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.sized = true;
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: impl Into<Vec<u8>>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.line);
        if !self.headers.iter().any(|(name, _)| name == "host") {
            head += "host: localhost\r\n";
        }
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if self.sized {
            let _ = write!(head, "content-length: {}\r\n", self.body.len());
        }
        head += "\r\n";
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends it on a connection of its own.
    ///
    /// # Panics
    /// When there is no proper answer in time.
    pub async fn send(&self, port: u16) -> Answer {
        let mut connection = Connection::open(port).await;
        connection.send(&self.bytes()).await;
        let head_only = self.line.starts_with("HEAD ");
        within(&self.line, connection.answer_to(head_only))
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", self.line))
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, without its coding.
    pub body: Vec<u8>,
}

impl Answer {
    /// The one header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| &**value)
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body is UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}: {:?}", self.status, self.text()))
    }

    /// `status code field`, of a refusal; the form of RFC 9457 and our own promises about it are checked.
    ///
    /// # Panics
    /// When it is no proper problem.
    #[must_use]
    pub fn problem(&self) -> String {
        let json = self.json();
        let context = format!("{}: {json}", self.status);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{context}");
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"), "{context}");
        assert_eq!(json["status"].as_u64(), Some(u64::from(self.status)), "{context}");
        assert!(json["type"].is_string() && json["title"].is_string(), "{context}");
        let later = matches!(self.status, 429 | 503);
        let retry = self.header("retry-after").map(|value| value.parse::<u64>());
        assert_eq!(matches!(retry, Some(Ok(1..))), later, "Retry-After {retry:?} of {context}");
        assert_eq!(json["retry_after_ms"].is_u64(), later, "{context}");
        let code = json["code"].as_str().unwrap_or_else(|| panic!("no code: {context}"));
        match json["field"].as_str() {
            Some(field) => format!("{} {code} {field}", self.status),
            None => format!("{} {code}", self.status),
        }
    }
}

/// One connection; answers are read one after the other.
#[derive(Debug)]
pub struct Connection {
    socket: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn open(port: u16) -> Self {
        Self::try_open(port).await.expect("the server listens")
    }

    /// Connects, if somebody listens.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn try_open(port: u16) -> io::Result<Self> {
        let socket = TcpStream::connect(("127.0.0.1", port)).await?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, read: Vec::new() })
    }

    /// A reader that will not read: its side of the connection has room for almost nothing.
    ///
    /// # Panics
    /// When it cannot connect.
    pub async fn open_narrow(port: u16) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("a socket takes the option");
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        Self { socket: socket.connect(address).await.expect("the server listens"), read: Vec::new() }
    }

    /// Sends bytes. A server that has closed already is no failure of the sender: its answer is to be read.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.socket.write_all(bytes).await;
    }

    /// The next answer.
    ///
    /// # Errors
    /// When the connection ends before it is complete, or when it is not HTTP/1.1.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        self.answer_to(false).await
    }

    /// The next answer; `head_only`: to a `HEAD`.
    ///
    /// # Errors
    /// As [`Connection::answer`].
    pub async fn answer_to(&mut self, head_only: bool) -> io::Result<Answer> {
        let mut answer = self.head().await?;
        let chunked = answer.header("transfer-encoding").is_some_and(|coding| coding == "chunked");
        let length = answer.header("content-length").map(str::parse::<usize>);
        answer.body = match length {
            _ if head_only || matches!(answer.status, 100..200 | 204 | 304) => Vec::new(),
            _ if chunked => self.chunks().await?,
            Some(Ok(length)) => self.exactly(length).await?,
            Some(Err(error)) => return Err(io::Error::other(error)),
            None => self.rest().await,
        };
        Ok(answer)
    }

    /// The head of the next answer; its body is not read.
    ///
    /// # Errors
    /// As [`Connection::answer`].
    pub async fn head(&mut self) -> io::Result<Answer> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            self.more().await?;
        };
        let head: Vec<u8> = self.read.drain(..end + 4).collect();
        let head = String::from_utf8(head).map_err(io::Error::other)?;
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap_or_default();
        let status = status.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("not HTTP/1: {head:?}")))?;
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        Ok(Answer { status, headers: headers.collect(), body: Vec::new() })
    }

    async fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let chunk = self.chunk().await?;
            if chunk.is_empty() {
                return Ok(body);
            }
            body.extend(chunk);
        }
    }

    /// The next chunk of a chunked body; empty at its end.
    ///
    /// # Errors
    /// When the connection ends before, or when it is none.
    pub async fn chunk(&mut self) -> io::Result<Vec<u8>> {
        let end = loop {
            if let Some(at) = self.read.windows(2).position(|two| two == b"\r\n") {
                break at;
            }
            self.more().await?;
        };
        let size: Vec<u8> = self.read.drain(..end + 2).collect();
        let size = String::from_utf8_lossy(&size[..end]).into_owned();
        let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
        let mut chunk = self.exactly(size + 2).await?;
        match chunk.split_off(size).as_slice() {
            b"\r\n" => Ok(chunk),
            other => Err(io::Error::other(format!("after a chunk: {other:?}"))),
        }
    }

    /// Exactly so many bytes.
    ///
    /// # Errors
    /// When the connection ends before.
    pub async fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.read.len() < count {
            self.more().await?;
        }
        Ok(self.read.drain(..count).collect())
    }

    /// Everything until the connection ends, however it ends.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await.is_ok() {}
        std::mem::take(&mut self.read)
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.socket.read_buf(&mut self.read).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
