//! Places an order for tickets that a foreign inventory holds; a priced gateway states the prices.

use std::sync::Arc;

use super::draft::blank_order;
use super::{Command, Context, Decision, Draft, OrderAnswer, Stop};
use crate::ids::{HoldId, Uuid};
use crate::money::{self, Decimal};
use crate::order::{Channel, Line, LineSubject, Order, PaymentMethod};
use crate::refusal::OrderRefusal;
use crate::tables::{Needs, View};

/// One line as asked for.
#[derive(Clone, Debug)]
pub struct TicketRequest {
    /// The show.
    pub session_id: Uuid,
    /// The kind of seat.
    pub ticket_type_id: Uuid,
    /// How many, 1 to 1,000,000.
    pub qty: i64,
    /// What one costs.
    pub unit_price: Decimal,
}

/// Places an order for tickets.
#[derive(Clone, Debug)]
pub struct PlaceTickets {
    /// Where to write to.
    pub customer_email: Arc<str>,
    /// The hold behind it.
    pub hold_id: HoldId,
    /// At least one.
    pub items: Vec<TicketRequest>,
    /// How it is paid.
    pub payment_method: Option<PaymentMethod>,
}

impl Command for PlaceTickets {
    type Answer = OrderAnswer;
    const NAME: &'static str = "place_tickets";

    fn needs(&self, _: &View, cx: &Context, needs: &mut Needs) {
        needs.numbers.insert(cx.id(), cx.now.year());
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OrderAnswer>, Stop> {
        let order = Order {
            customer_email: Some(self.customer_email.clone()),
            hold_id: Some(self.hold_id),
            payment_method: self.payment_method.clone(),
            ..blank_order(Channel::Tickets, seen, cx)?
        };
        let mut draft = Draft::place(order, seen, cx);
        for item in &self.items {
            let unit_price = item.unit_price.to_minor(cx.settings.currency).map_err(OrderRefusal::Amount)?;
            let line = Line {
                order_item_id: draft.next_id(),
                subject: LineSubject::Ticket { session_id: item.session_id, ticket_type_id: item.ticket_type_id },
                qty: item.qty,
                unit_price,
                total: money::times(unit_price, item.qty).map_err(OrderRefusal::Amount)?,
                shipped_qty: 0,
                refunded_qty: 0,
            };
            draft.order.lines.push(line);
        }
        draft.created()?;
        draft.pay_nothing()?;
        Ok(draft.finish())
    }
}
