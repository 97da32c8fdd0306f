//! Reads an order as it was at a time: its facts until then, folded.

use domain::Caller;
use domain::command::OrderAnswer;
use domain::ids::OrderId;
use domain::order::{Past, Status, Told};
use domain::time::Time;

use crate::port::{Page, Queries, RecordedEvent, Unavailable};
use crate::told;

/// Facts that are read at once: the longest history of an ordinary order is a dozen.
const FACTS: u32 = 200;

/// The order as it was at `at`, with everything of that moment; `None`: it is not there for this caller, or was not then.
///
/// Addresses, notes, metadata and the customer are as they are now: facts name no people.
pub async fn order_at(queries: &dyn Queries, caller: &Caller, order_id: OrderId, at: Time) -> Result<Option<OrderAnswer>, Unavailable> {
    let Some(now) = queries.order(caller, order_id).await? else { return Ok(None) };
    // The times of a history never go back: whatever is added meanwhile is later than this.
    if at >= now.order.updated_at {
        return Ok(Some(now));
    }
    let mut facts = Vec::new();
    let mut after = None;
    loop {
        let page = queries.order_events(caller, order_id, Page { after, limit: FACTS }).await?.unwrap_or_default();
        let found = page.len();
        let until = page.iter().take_while(|event| event.created_at <= at);
        facts.extend(until.filter_map(read));
        after = page.last().map(|event| event.sequence);
        if found < FACTS as usize || page.last().is_none_or(|event| event.created_at > at) {
            break;
        }
    }
    let Some(past) = Past::after(&facts) else { return Ok(None) };
    let payment = match past.shown() {
        Some(shown) if now.order.payment_id == Some(shown) => now.payment.clone(),
        Some(other) => queries.payment(caller, other).await?,
        None => None,
    };
    Ok(Some(past.of(&now, payment.as_ref())))
}

/// Since when the order stands where it stands: when its status or its money last moved. `None`: it is not there for this caller.
pub async fn standing_since(queries: &dyn Queries, caller: &Caller, order_id: OrderId) -> Result<Option<Time>, Unavailable> {
    let (mut since, mut after) = (None, None);
    loop {
        let Some(page) = queries.order_events(caller, order_id, Page { after, limit: FACTS }).await? else { return Ok(None) };
        let moved = |event: &&RecordedEvent| {
            let is_of_money = ["PAYMENT_", "LATE_PAYMENT_", "REFUND_"].iter().any(|word| event.event_type.starts_with(word));
            is_of_money || event.from.as_deref() != Some(&event.to)
        };
        since = page.iter().rev().find(moved).map(|event| event.created_at).or(since);
        after = page.last().map(|event| event.sequence).or(after);
        if page.len() < FACTS as usize {
            return Ok(since);
        }
    }
}

fn read(event: &RecordedEvent) -> Option<Told> {
    Some(Told {
        sequence: event.sequence,
        fact: told::fact(&event.event_type, &event.payload),
        to: Status::parse(&event.to)?,
        at: event.created_at,
    })
}
