//! Places an order for tickets that are held, here or by a foreign inventory; a priced gateway states the prices.

use std::sync::Arc;

use super::draft::blank_order;
use super::{Command, Context, Decision, Draft, OrderAnswer, Stop};
use crate::event::Fact;
use crate::hold::{Hold, Status};
use crate::ids::{HoldId, Uuid};
use crate::money::{self, Decimal};
use crate::order::{Channel, Line, LineSubject, Order, PaymentMethod};
use crate::refusal::{HoldRefusal, OrderRefusal};
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

    fn needs(&self, seen: &View, cx: &Context, needs: &mut Needs) {
        needs.numbers.insert(cx.id(), cx.now.year());
        needs.stock_of_hold(self.hold_id, seen);
    }

    fn decide(&self, seen: &View, cx: &Context) -> Result<Decision<OrderAnswer>, Stop> {
        let hold = self.hold(seen, cx)?;
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
        let is_foreign = hold.is_foreign();
        draft.claim(hold);
        draft.created()?;
        if !is_foreign {
            draft.fact(Fact::InventoryReserved);
        }
        draft.pay_nothing()?;
        Ok(draft.finish())
    }
}

impl PlaceTickets {
    /// The hold, if no live order has it; one that is not known is of a foreign inventory.
    fn hold(&self, seen: &View, cx: &Context) -> Result<Hold, Stop> {
        let Some(known) = seen.holds.get(&self.hold_id)? else {
            return Ok(Hold {
                hold_id: self.hold_id,
                status: Status::Active,
                items: Vec::new(),
                order_id: None,
                expires_at: None,
                version: 0,
                created_at: cx.now,
                updated_at: cx.now,
            });
        };
        match known.status {
            // A foreign inventory may hold the same again under the same name.
            Status::Released if known.is_foreign() => Ok((**known).clone()),
            Status::Active if known.order_id.is_none() && !known.is_over(cx.now) => {
                self.fits(known)?;
                Ok((**known).clone())
            }
            Status::Active if known.order_id.is_some() => Err(HoldRefusal::InUse(self.hold_id).into()),
            Status::Committed => Err(HoldRefusal::InUse(self.hold_id).into()),
            Status::Active | Status::Released | Status::Expired => Err(HoldRefusal::Over(self.hold_id).into()),
        }
    }

    /// The order sells what is held: as many units in all, and as many of each kind of seat that bears the name of a SKU.
    fn fits(&self, hold: &Hold) -> Result<(), HoldRefusal> {
        let asked = self.items.iter().fold(0_i64, |sum, item| sum.saturating_add(item.qty));
        if asked != hold.units() {
            return Err(HoldRefusal::Mismatch { sku_id: None, held: hold.units(), asked });
        }
        for line in &hold.items {
            let mut of_kind = self.items.iter().filter(|item| item.ticket_type_id.to_string() == line.sku_id.as_str()).peekable();
            if of_kind.peek().is_some() {
                let asked = of_kind.fold(0_i64, |sum, item| sum.saturating_add(item.qty));
                if asked != line.qty {
                    return Err(HoldRefusal::Mismatch { sku_id: Some(line.sku_id.clone()), held: line.qty, asked });
                }
            }
        }
        Ok(())
    }
}
