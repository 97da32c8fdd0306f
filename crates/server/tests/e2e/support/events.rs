//! A reader of server-sent events: one connection of its own, event by event.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::Request;

/// Longer than a beat of the service.
const EVENT_WITHIN: Duration = Duration::from_secs(20);

/// An event that came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// A stream of events.
pub(crate) struct Events {
    stream: TcpStream,
    bytes: Vec<u8>,
    /// The head of the answer, in small letters.
    pub(crate) head: String,
    text: String,
}

impl Events {
    /// Sends the request and reads the head of the answer.
    pub(crate) async fn of(request: Request) -> Self {
        let stream = request.send_only(usize::MAX).await.expect("the service listens");
        let mut events = Self { stream, bytes: Vec::new(), head: String::new(), text: String::new() };
        while events.head.is_empty() {
            assert!(events.fill().await, "the connection ended before the answer");
            let found = events.bytes.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = found {
                events.head = String::from_utf8_lossy(&events.bytes[..end]).to_ascii_lowercase();
                events.bytes.drain(..end + 4);
            }
        }
        events
    }

    async fn fill(&mut self) -> bool {
        let read = tokio::time::timeout(EVENT_WITHIN, self.stream.read_buf(&mut self.bytes)).await;
        read.expect("something comes in time").is_ok_and(|read| read > 0)
    }

    /// Moves whole chunks of the body to the text; false: the last one has come.
    fn unchunk(&mut self) -> bool {
        while let Some(line) = self.bytes.windows(2).position(|window| window == b"\r\n") {
            let size = std::str::from_utf8(&self.bytes[..line]).ok().and_then(|size| usize::from_str_radix(size, 16).ok()).expect("a size");
            if self.bytes.len() < line + 2 + size + 2 {
                return true;
            }
            self.text.push_str(std::str::from_utf8(&self.bytes[line + 2..line + 2 + size]).expect("is text"));
            self.bytes.drain(..line + 2 + size + 2);
            if size == 0 {
                return false;
            }
        }
        true
    }

    /// The next event; `None`: the stream has ended. Comments and `retry` are passed over.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            let goes_on = self.unchunk();
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let fields: BTreeMap<&str, &str> = block.lines().filter_map(|line| line.split_once(": ")).collect();
                if let Some(data) = fields.get("data") {
                    let data = serde_json::from_str(data).expect("is JSON");
                    return Some(Event { id: fields["id"].parse().expect("a number"), name: fields["event"].to_owned(), data });
                }
            }
            if !goes_on || !self.fill().await {
                return None;
            }
        }
    }

    /// So many events.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.next().await.expect("the stream goes on"));
        }
        events
    }
}
