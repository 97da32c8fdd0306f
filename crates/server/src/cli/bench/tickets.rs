//! A buyer of tickets: an order, then its payment; done when it is confirmed.

use std::io::{Error, ErrorKind, Write as _};

use super::connection::Connection;
use super::target::Target;

/// Letters of a UUID.
const UUID_BYTES: usize = 36;

/// The two requests of a purchase; its key is written over, which is also the name of its hold.
pub(crate) struct Tickets {
    order: Vec<u8>,
    keys_at: [usize; 2],
    target: Target,
    confirm: Vec<u8>,
}

impl Tickets {
    pub(crate) fn template(target: &Target) -> Self {
        let id = || uuid::Builder::from_random_bytes(rand::random()).into_uuid();
        let body = format!(
            r#"{{"customer_email":"buyer@example.com","hold_id":"{}","items":[{{"session_id":"{}","ticket_type_id":"{}","quantity":2,"unit_price":19.99}}]}}"#,
            id(),
            id(),
            id()
        );
        let hold_at = body.find(r#""hold_id":""#).map_or(0, |at| at + r#""hold_id":""#.len());
        let head = format!(
            "POST {}/orders HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nIdempotency-Key: {}\r\n\r\n",
            target.base,
            target.host,
            body.len(),
            "0".repeat(UUID_BYTES)
        );
        let keys_at = [head.len() - "\r\n\r\n".len() - UUID_BYTES, head.len() + hold_at];
        Self { order: [head, body].concat().into_bytes(), keys_at, target: target.clone(), confirm: Vec::new() }
    }

    /// Orders and pays; the status of the answer that ended it.
    pub(crate) async fn buy(&mut self, connection: &mut Connection) -> Result<u16, Error> {
        let key = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
        for at in self.keys_at {
            key.hyphenated().encode_lower(&mut self.order[at..at + UUID_BYTES]);
        }
        let placed = connection.exchange(&self.order).await?;
        if placed.status != 201 {
            return Ok(placed.status);
        }
        let order: serde_json::Value = serde_json::from_slice(placed.body)?;
        let order_id = order["order_id"].as_str().ok_or_else(|| Error::new(ErrorKind::InvalidData, "a 201 without order_id"))?;
        self.confirm.clear();
        write!(
            self.confirm,
            "POST {}/orders/{order_id}/confirm HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n",
            self.target.base, self.target.host
        )?;
        let paid = connection.exchange(&self.confirm).await?;
        // 202 is a payment that nobody knows the end of: answered, and not confirmed.
        Ok(if paid.status == 202 { 504 } else { paid.status })
    }
}
