//! A small HTTP/1.1 client: connections are kept, nothing is ever sent twice, and every byte of an answer can be looked at.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than the service lets any caller wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A client of one server. Clones share its connections.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    address: SocketAddr,
    idle: Arc<Mutex<Vec<TcpStream>>>,
}

/// A request in the making.
#[derive(Clone, Debug)]
#[must_use]
pub(crate) struct Request {
    http: Http,
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Http {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self { address, idle: Arc::default() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn request(&self, method: &'static str, path: impl Into<String>) -> Request {
        Request { http: self.clone(), method, path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Request {
        self.request("GET", path)
    }

    pub(crate) fn post(&self, path: impl Into<String>) -> Request {
        self.request("POST", path)
    }

    pub(crate) fn put(&self, path: impl Into<String>) -> Request {
        self.request("PUT", path)
    }

    /// A connection that nobody else uses, not one that the server has closed meanwhile.
    async fn connection(&self) -> io::Result<TcpStream> {
        while let Some(stream) = self.pool().pop() {
            let quiet = stream.try_read(&mut [0; 1]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
            if quiet {
                return Ok(stream);
            }
        }
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn pool(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.idle.lock().expect("nothing panics while it holds the pool")
    }
}

impl Request {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("Content-Type", media_type)
    }

    /// What goes over the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.path, self.http.address);
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").expect("a String takes any text");
        }
        if !self.body.is_empty() || self.method != "GET" {
            write!(head, "Content-Length: {}\r\n", self.body.len()).expect("a String takes any text");
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }

    /// The answer; the test fails when there is none.
    pub(crate) async fn send(self) -> Reply {
        let what = format!("{} {}", self.method, self.path);
        self.try_send().await.unwrap_or_else(|error| panic!("{what} was not answered: {error}"))
    }

    /// The answer, unless the connection ends before it is whole.
    pub(crate) async fn try_send(self) -> io::Result<Reply> {
        tokio::time::timeout(ANSWER_WITHIN, self.exchange())
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {ANSWER_WITHIN:?}"))))
    }

    async fn exchange(self) -> io::Result<Reply> {
        let mut stream = self.http.connection().await?;
        let bytes = self.bytes();
        let (mut from, mut to) = stream.split();
        let mut answer = Vec::new();
        // A server that refuses a body early answers while it is still being sent.
        let (reply, _sent) = tokio::join!(read_reply(&mut from, &mut answer), to.write_all(&bytes));
        let reply = reply?;
        if reply.header("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close")) {
            self.http.pool().push(stream);
        }
        Ok(reply)
    }

    /// Sends the first `bytes_max` bytes on a connection of its own, and reads nothing. Dropping it is going away.
    pub(crate) async fn send_only(self, bytes_max: usize) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.http.address).await?;
        let bytes = self.bytes();
        stream.write_all(&bytes[..bytes.len().min(bytes_max)]).await?;
        Ok(stream)
    }
}

/// Reads one answer. All of the service's answers tell their length.
pub(crate) async fn read_reply(from: &mut (impl tokio::io::AsyncRead + Unpin), bytes: &mut Vec<u8>) -> io::Result<Reply> {
    loop {
        if let Some((reply, length)) = head(bytes)? {
            let begin = bytes.len() - reply.body.len();
            if bytes.len() >= begin + length {
                let body = bytes[begin..begin + length].to_vec();
                return Ok(Reply { body, ..reply });
            }
        }
        if from.read_buf(bytes).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("the connection ended after {} bytes", bytes.len())));
        }
    }
}

/// The head of an answer, with as much of its body as is there, and how long that will be.
fn head(bytes: &[u8]) -> io::Result<Option<(Reply, usize)>> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| invalid("a head that is no text"))?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(|| invalid("no status"))?;
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let reply = Reply { status, headers, body: bytes[end + 4..].to_vec() };
    let length = reply.header("content-length").map_or(Ok(0), str::parse).map_err(|_| invalid("no length"))?;
    Ok(Some((reply, length)))
}

impl Reply {
    /// The value of a header, if it is there once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let (_, value) = found.next()?;
        assert!(found.next().is_none(), "{name} is there twice: {:?}", self.headers);
        Some(value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("every answer is UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The characters that stand at a JSON pointer: amounts must be exact, not merely equal.
    pub(crate) fn raw(&self, pointer: &str) -> &str {
        pointer.split('/').skip(1).fold(self.text(), |text, step| {
            let found = match step.parse::<usize>() {
                Ok(index) => serde_json::from_str::<Vec<&RawValue>>(text).ok().and_then(|list| list.get(index).copied()),
                Err(_) => serde_json::from_str::<BTreeMap<String, &RawValue>>(text).ok().and_then(|map| map.get(step).copied()),
            };
            found.unwrap_or_else(|| panic!("nothing stands at {pointer} of {}", self.text())).get()
        })
    }

    /// A text of the answer.
    pub(crate) fn string(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no text {name} in {}", self.text())).to_owned()
    }

    /// This answer, if it has that status; else the test fails and shows what came instead.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Whether it says that the same key had done this before.
    pub(crate) fn is_replay(&self) -> bool {
        self.header("idempotency-replayed") == Some("true")
    }
}
