//! What one connection does when it is its turn: places an order, buys tickets or checks a cart out to the end, or reads.

use std::io::Error;
use std::time::Duration;

use super::checkout::Checkout;
use super::connection::Connection;
use super::order::Order;
use super::read::{KINDS, Reads};
use super::tickets::Tickets;

/// What a connection does.
pub(crate) enum Work {
    Place(Order),
    Tickets(Tickets),
    Checkout(Checkout),
    Read(Reads),
}

/// What came of one turn.
pub(crate) struct Done {
    /// The HTTP status of the last answer.
    pub(crate) status: u16,
    /// What of it is told by itself: a kind of reading, which it was all of, or a step, and how long that took.
    pub(crate) part: Option<(&'static str, Option<Duration>)>,
}

impl Work {
    /// One turn. The last answer's body stays in the connection.
    pub(crate) async fn once(&mut self, connection: &mut Connection) -> Result<Done, Error> {
        match self {
            Self::Place(order) => Ok(Done { status: connection.exchange(order.next()).await?.status, part: None }),
            Self::Tickets(tickets) => Ok(Done { status: tickets.buy(connection).await?, part: None }),
            Self::Checkout(checkout) => {
                let ended = checkout.buy(connection).await?;
                Ok(Done { status: ended.status, part: ended.confirm.map(|took| ("confirm", Some(took))) })
            }
            Self::Read(reads) => {
                let (kind, request) = reads.next();
                Ok(Done { status: connection.exchange(request).await?.status, part: Some((KINDS[kind], None)) })
            }
        }
    }
}
