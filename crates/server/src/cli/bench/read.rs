//! Reads of orders that are there: one at a time in all the ways they can be found, all over their age.

use std::rc::Rc;

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::BenchError;
use super::catalogue;
use super::connection::Connection;
use super::target::Target;

/// The ways to read, in the order of their turns.
pub(crate) const KINDS: [&str; 10] =
    ["details", "history", "newest", "next_page", "by_user", "by_status", "by_statuses", "by_time", "by_number", "by_email"];

/// At so many moments between the oldest order and the newest some are looked up beforehand.
const MOMENTS: u32 = 400;

/// Orders looked up at each moment.
const ORDERS_AT_A_MOMENT: u32 = 5;

/// Entries of a list that is read.
const PAGE: u32 = 20;

/// Where the choices of a connection begin, so that two runs choose alike.
const SEED: u64 = 42;

/// What is known of an order that is there.
#[derive(Clone, Debug)]
struct Known {
    order_id: String,
    number: String,
    user_id: Option<String>,
    email: Option<String>,
    status: String,
    created_at: String,
}

/// Orders to read, and a page in the middle of the list.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    orders: Rc<Vec<Known>>,
    cursors: Rc<Vec<String>>,
}

/// Looks up what there is to read.
pub(crate) async fn sample(target: &Target) -> Result<Sample, BenchError> {
    let mut connection = Connection::to(target.address);
    let (newest, _) = list(target, &mut connection, "limit=1").await?;
    let newest = newest.first().ok_or_else(|| BenchError::WrongUse("there is no order to read: place some before".into()))?;
    let newest = moment(&newest.created_at)?;
    // Twice as far back each time, until nothing is older.
    let mut age = jiff::SignedDuration::from_mins(1);
    while !list(target, &mut connection, &format!("limit=1&to={}", newest - age)).await?.0.is_empty() {
        age *= 2;
    }
    let (mut orders, mut cursors) = (Vec::new(), Vec::new());
    for at in 0..MOMENTS {
        let to = newest - age * i32::try_from(at).expect("some hundreds") / i32::try_from(MOMENTS).expect("some hundreds");
        let (found, cursor) = list(target, &mut connection, &format!("limit={ORDERS_AT_A_MOMENT}&to={to}")).await?;
        orders.extend(found);
        cursors.extend(cursor);
    }
    Ok(Sample { orders: orders.into(), cursors: cursors.into() })
}

fn moment(text: &str) -> Result<jiff::Timestamp, BenchError> {
    text.parse().map_err(|_| BenchError::WrongUse(format!("the server says that an order is of {text}, which is no time")))
}

async fn list(target: &Target, connection: &mut Connection, query: &str) -> Result<(Vec<Known>, Option<String>), BenchError> {
    let path = format!("/api/v1/orders?{query}");
    let request = get(target, &path);
    let reply = connection.exchange(&request).await.map_err(|source| BenchError::Away { address: target.address, source })?;
    if reply.status != 200 {
        return Err(BenchError::Refused { request: format!("GET {path}"), status: reply.status, body: catalogue::beginning(reply.body) });
    }
    let page: serde_json::Value = serde_json::from_slice(reply.body).unwrap_or_default();
    let text = |order: &serde_json::Value, name: &str| order[name].as_str().map(str::to_owned);
    let known = |order: &serde_json::Value| {
        Some(Known {
            order_id: text(order, "order_id")?,
            number: text(order, "order_number")?,
            user_id: text(order, "user_id"),
            email: text(order, "customer_email"),
            status: text(order, "status")?,
            created_at: text(order, "created_at")?,
        })
    };
    Ok((page["items"].as_array().into_iter().flatten().filter_map(known).collect(), text(&page, "next_cursor")))
}

fn get(target: &Target, path: &str) -> Vec<u8> {
    format!("GET {}{path} HTTP/1.1\r\nHost: {}\r\n\r\n", target.base, target.host).into_bytes()
}

/// One connection's turns.
pub(crate) struct Reads {
    target: Target,
    sample: Sample,
    turn: usize,
    choices: SmallRng,
    request: Vec<u8>,
}

impl Reads {
    /// Connections begin with different kinds.
    pub(crate) fn of(target: &Target, sample: &Sample, connection: u16) -> Self {
        let choices = SmallRng::seed_from_u64(SEED + u64::from(connection));
        Self { target: target.clone(), sample: sample.clone(), turn: connection.into(), choices, request: Vec::new() }
    }

    /// The next request, and which kind it is.
    pub(crate) fn next(&mut self) -> (usize, &[u8]) {
        let kind = self.turn % KINDS.len();
        self.turn += 1;
        let known = &self.sample.orders[self.choices.random_range(0..self.sample.orders.len())];
        let Known { order_id, number, user_id, email, status, created_at } = known;
        let orders = "/api/v1/orders";
        let path = match KINDS[kind] {
            "details" => format!("{orders}/{order_id}"),
            "history" => format!("{orders}/{order_id}/events"),
            "next_page" if !self.sample.cursors.is_empty() => {
                let cursor = &self.sample.cursors[self.choices.random_range(0..self.sample.cursors.len())];
                format!("{orders}?limit={PAGE}&cursor={cursor}")
            }
            "by_user" if let Some(user_id) = user_id => format!("{orders}?limit={PAGE}&user_id={user_id}"),
            "by_status" => format!("{orders}?limit={PAGE}&status={status}"),
            // One that is there, and one that is mostly rare.
            "by_statuses" => format!("{orders}?limit={PAGE}&status={status},DELIVERED"),
            "by_time" => format!("{orders}?limit={PAGE}&to={created_at}"),
            "by_number" => format!("{orders}?number={number}"),
            "by_email" if let Some(email) = email => format!("{orders}?limit={PAGE}&email={email}"),
            _ => format!("{orders}?limit={PAGE}"),
        };
        self.request = get(&self.target, &path);
        (kind, &self.request)
    }
}
