//! One gRPC connection that confirms checkout sessions.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

const CONFIRM: &str = "/ordo.checkout.v1.CheckoutService/ConfirmCheckout";
/// `session_id`, a text: field 1 of the request.
const SESSION_ID: u8 = 0x0a;
/// `payment_status` of the answer, field 4, with this word.
const PAID: &[u8] = b"\x22\x04paid";

/// A connection that opens when it is needed, also again.
pub(crate) struct Grpc {
    address: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Grpc {
    /// Not open yet.
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self { address, sender: None }
    }

    /// Confirms a session, whose name has at most 127 letters. The status that HTTP would answer: 201, 504 if nobody knows whether it is paid.
    pub(crate) async fn confirm(&mut self, session: &str) -> Result<u16, Error> {
        let mut sender = match self.sender.take() {
            Some(sender) => sender,
            None => self.open().await?,
        };
        sender.ready().await.map_err(Error::other)?;
        let request =
            Request::post(format!("http://{}{CONFIRM}", self.address)).header(CONTENT_TYPE, "application/grpc").header("te", "trailers");
        let request = request.body(Full::new(message(session)?)).map_err(Error::other)?;
        let answer = sender.send_request(request).await.map_err(Error::other)?;
        let head = answer.headers().clone();
        let answer = answer.into_body().collect().await.map_err(Error::other)?;
        let is_ok = |fields: &HeaderMap| fields.get("grpc-status").is_some_and(|status| status == "0");
        let is_ok = is_ok(&head) || answer.trailers().is_some_and(is_ok);
        self.sender = Some(sender);
        let told = answer.to_bytes();
        Ok(match is_ok {
            false => 500,
            true if told.windows(PAID.len()).any(|window| window == PAID) => 201,
            true => 504,
        })
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, Error> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.map_err(Error::other)?;
        tokio::spawn(async move {
            // Whoever waits for an answer hears of it.
            let _ended = connection.await;
        });
        Ok(sender)
    }
}

/// The request in its frame: not compressed, so many bytes.
fn message(session: &str) -> Result<Bytes, Error> {
    let length = u8::try_from(session.len()).ok().filter(|length| *length < 0x80).ok_or(ErrorKind::InvalidInput)?;
    let mut frame = BytesMut::with_capacity(7 + session.len());
    frame.put_u8(0);
    frame.put_u32(u32::from(length) + 2);
    frame.put_u8(SESSION_ID);
    frame.put_u8(length);
    frame.put_slice(session.as_bytes());
    Ok(frame.freeze())
}
