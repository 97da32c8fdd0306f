//! What one connection does when it is its turn: places an order, buys tickets to the end, or reads.

use std::io::Error;

use super::connection::Connection;
use super::order::Order;
use super::read::Reads;
use super::tickets::Tickets;

/// What a connection does.
pub(crate) enum Work {
    Place(Order),
    Tickets(Tickets),
    Read(Reads),
}

/// What came of one turn.
pub(crate) struct Done {
    /// The HTTP status of the last answer.
    pub(crate) status: u16,
    /// What was asked for, as a place in [`super::read::KINDS`].
    pub(crate) kind: Option<usize>,
}

impl Work {
    /// One turn. The last answer's body stays in the connection.
    pub(crate) async fn once(&mut self, connection: &mut Connection) -> Result<Done, Error> {
        match self {
            Self::Place(order) => Ok(Done { status: connection.exchange(order.next()).await?.status, kind: None }),
            Self::Tickets(tickets) => Ok(Done { status: tickets.buy(connection).await?, kind: None }),
            Self::Read(reads) => {
                let (kind, request) = reads.next();
                Ok(Done { status: connection.exchange(request).await?.status, kind: Some(kind) })
            }
        }
    }
}
