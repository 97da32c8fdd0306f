//! A guest: two things into a cart, a session, what must be said, the confirmation; done when the order is paid.

use std::io::{Error, ErrorKind};
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::connection::Connection;
use super::grpc::Grpc;
use super::order::sku;
use super::target::Target;

/// Where the choices of a connection begin, so that two runs choose alike.
const SEED: u64 = 42;

/// What a guest says; `SESSION` is his.
const STATE: &str = concat!(
    r#"{"session_id":"SESSION","shipping_address":{"name":"Ada","line1":"1 Main St","city":"Springfield","region":"IL","#,
    r#""postal_code":"62701","country":"US"},"payment_method":"card_stub","customer_email":"ada@mail.example"}"#
);

/// The steps of one connection.
pub(crate) struct Checkout {
    target: Target,
    /// Where it is confirmed, if not over HTTP.
    grpc: Option<Grpc>,
    skus: u32,
    choices: SmallRng,
    request: Vec<u8>,
}

/// How a checkout ended.
pub(crate) struct Ended {
    /// The HTTP status of the last answer.
    pub(crate) status: u16,
    /// How long the confirmation took, if it came to that.
    pub(crate) confirm: Option<Duration>,
}

impl Checkout {
    /// For the connection of this number.
    pub(crate) fn of(target: &Target, grpc: Option<&Target>, connection: u16, skus: u32) -> Self {
        let choices = SmallRng::seed_from_u64(SEED + u64::from(connection));
        let grpc = grpc.map(|grpc| Grpc::to(grpc.address));
        Self { target: target.clone(), grpc, skus, choices, request: Vec::with_capacity(1024) }
    }

    /// Goes all the way.
    pub(crate) async fn buy(&mut self, connection: &mut Connection) -> Result<Ended, Error> {
        let session = uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string();
        let first = self.choices.random_range(1..=self.skus);
        let second = first % self.skus + 1;
        for number in [first, second] {
            let body = format!(r#"{{"session_id":"{session}","sku_id":"{}","qty":1}}"#, sku(number));
            let status = self.send(connection, "POST", "/api/v1/cart/items", &body).await?;
            if status != 201 {
                return Ok(Ended { status, confirm: None });
            }
        }
        let named = format!(r#"{{"session_id":"{session}"}}"#);
        for (method, path, body, expected) in
            [("POST", "/checkout/start", &named, 201), ("PUT", "/checkout/state", &STATE.replace("SESSION", &session), 200)]
        {
            let status = self.send(connection, method, path, body).await?;
            if status != expected {
                return Ok(Ended { status, confirm: None });
            }
        }
        let sent = Instant::now();
        if let Some(grpc) = &mut self.grpc {
            let status = grpc.confirm(&session).await?;
            return Ok(Ended { status, confirm: Some(sent.elapsed()) });
        }
        let status = self.send(connection, "POST", "/checkout/confirm", &named).await?;
        let confirm = Some(sent.elapsed());
        let paid: serde_json::Value =
            serde_json::from_slice(connection.body()).map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
        // An order whose payment nobody knows the end of was answered, and is not paid.
        Ok(Ended { status: if status == 201 && paid["payment_status"] != "paid" { 504 } else { status }, confirm })
    }

    async fn send(&mut self, connection: &mut Connection, method: &str, path: &str, body: &str) -> Result<u16, Error> {
        use std::io::Write as _;
        self.request.clear();
        write!(
            self.request,
            "{method} {}{path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.target.base,
            self.target.host,
            body.len()
        )?;
        Ok(connection.exchange(&self.request).await?.status)
    }
}
