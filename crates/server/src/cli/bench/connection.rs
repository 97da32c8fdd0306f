//! One keep-alive HTTP/1.1 connection: bytes out, status and body back. Reads no more of an answer than it must.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A longer head or body than this is not an answer of ours, in bytes.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// A connection that opens when it is needed, also again.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    /// Where the last answer's body begins and ends.
    body: std::ops::Range<usize>,
}

/// What came back.
pub(crate) struct Reply<'a> {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: &'a [u8],
}

/// What the head of an answer says.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    body_bytes: usize,
    closes: bool,
}

impl Connection {
    /// Not open yet.
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::with_capacity(16 << 10), body: 0..0 }
    }

    /// Opens it, if it is not open.
    pub(crate) async fn open(&mut self) -> Result<(), Error> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        Ok(())
    }

    /// Sends a whole request and reads the whole answer. After an error the next exchange opens anew.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Reply<'_>, Error> {
        self.open().await?;
        let mut stream = self.stream.take().expect("it was opened above");
        stream.write_all(request).await?;
        self.buffer.clear();
        self.body = 0..0;
        let (head_bytes, head) = loop {
            if let Some(end) = find_end(&self.buffer) {
                break (end, parse(&self.buffer[..end])?);
            }
            fill(&mut stream, &mut self.buffer).await?;
        };
        let answer_bytes = head_bytes + head.body_bytes;
        while self.buffer.len() < answer_bytes {
            fill(&mut stream, &mut self.buffer).await?;
        }
        if !head.closes {
            self.stream = Some(stream);
        }
        self.body = head_bytes..answer_bytes;
        Ok(Reply { status: head.status, body: self.body() })
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        &self.buffer[self.body.clone()]
    }
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), Error> {
    if buffer.len() > ANSWER_BYTES_MAX {
        return Err(bad("the answer is too long"));
    }
    if stream.read_buf(buffer).await? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn find_end(buffer: &[u8]) -> Option<usize> {
    buffer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn bad(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// Status line and the few headers that matter.
fn parse(head: &[u8]) -> Result<Head, Error> {
    let mut lines = head.split(|byte| *byte == b'\n');
    let status_line = lines.next().filter(|line| line.starts_with(b"HTTP/1.")).ok_or_else(|| bad("not HTTP/1"))?;
    let status = status_line.get(9..12).and_then(number).and_then(|status| u16::try_from(status).ok()).ok_or_else(|| bad("no status"))?;
    let mut body_bytes = None;
    let mut closes = false;
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            body_bytes = Some(number(value).filter(|bytes| *bytes <= ANSWER_BYTES_MAX).ok_or_else(|| bad("no length"))?);
        } else if name.eq_ignore_ascii_case(b"connection") {
            closes = value.eq_ignore_ascii_case(b"close");
        }
    }
    let without_body = status == 204 || status == 304;
    let body_bytes = body_bytes.or(without_body.then_some(0)).ok_or_else(|| bad("an answer without Content-Length"))?;
    Ok(Head { status, body_bytes, closes })
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Head, parse};

    #[test]
    fn heads_tell_status_length_and_whether_the_connection_ends() {
        let rows: [(&str, Option<Head>); 7] = [
            ("HTTP/1.1 201 Created\r\ncontent-length: 12\r\n\r\n", Some(Head { status: 201, body_bytes: 12, closes: false })),
            ("HTTP/1.1 503 \r\nCONNECTION: Close\r\nContent-Length:0\r\n\r\n", Some(Head { status: 503, body_bytes: 0, closes: true })),
            ("HTTP/1.0 204 No Content\r\n\r\n", Some(Head { status: 204, body_bytes: 0, closes: false })),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", None),
            ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", None),
            ("HTTP/1.1 abc\r\n\r\n", None),
            ("SSH-2.0\r\n\r\n", None),
        ];
        for (head, expected) in rows {
            assert_eq!(parse(head.as_bytes()).ok(), expected, "{head}");
        }
    }
}
