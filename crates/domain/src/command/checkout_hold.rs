//! Holds the goods of a checkout session while it goes on, where the operator wants that.

use super::{Context, Stop, booking};
use crate::checkout::{Checkout, held};
use crate::hold::{Hold, HoldLine, Status};
use crate::refusal::{OrderRefusal, Shortage};
use crate::stock::Operation;
use crate::tables::{Changes, Gap, Needs, View};

/// What must be seen to hold the goods of `checkout`.
pub(super) fn needs(checkout: &Checkout, seen: &View, cx: &Context, needs: &mut Needs) {
    if let Some(hold_id) = checkout.hold_id {
        needs.stock_of_hold(hold_id, seen);
    }
    if cx.settings.checkout.reserve_seconds.is_some()
        && let Some(cart) = seen.carts.peek(&checkout.owner)
    {
        needs.stock.extend(cart.lines.iter().map(|line| line.sku_id.clone()));
    }
}

/// Holds what is in the cart for another while, or tells what is short: then what was held before is held on.
pub(super) fn go_on(checkout: &mut Checkout, seen: &View, cx: &Context) -> Result<(Changes, Vec<Shortage>), Gap> {
    let mut changes = Changes::default();
    let Some(seconds) = cx.settings.checkout.reserve_seconds else { return Ok((changes, Vec::new())) };
    let known = held(checkout, seen)?;
    let cart = seen.carts.get(&checkout.owner)?.filter(|cart| cart.is_active());
    let quantities = booking::sums(cart.iter().flat_map(|cart| &cart.lines).map(|line| (&line.sku_id, line.qty)));
    let items: Vec<_> = quantities.iter().map(|(sku_id, qty)| HoldLine { sku_id: sku_id.clone(), qty: *qty }).collect();
    let expires_at = Some(cx.now.plus_seconds(seconds));
    if let Some(known) = known
        && known.items == items
    {
        booking::write(&mut changes, Hold { expires_at, ..(**known).clone() }, cx.now);
        return Ok((changes, Vec::new()));
    }
    // What a hold holds never changes: another cart has another hold.
    if let Some(known) = known {
        booking::end(&mut changes, known, Status::Released, Operation::Release, cx.now);
    }
    checkout.hold_id = None;
    if items.is_empty() {
        return Ok((changes, Vec::new()));
    }
    let hold = Hold {
        hold_id: cx.id(),
        status: Status::Active,
        items,
        order_id: None,
        expires_at,
        version: 0,
        created_at: cx.now,
        updated_at: cx.now,
    };
    let hold_id = hold.hold_id;
    let short = booking::reserve(&mut changes, seen, &hold.stock_ref(), &quantities, cx.now)?;
    if short.is_empty() {
        booking::write(&mut changes, hold, cx.now);
        checkout.hold_id = Some(hold_id);
        return Ok((changes, short));
    }
    let mut changes = Changes::default();
    checkout.hold_id = known.map(|known| known.hold_id);
    if let Some(known) = known {
        booking::write(&mut changes, Hold { expires_at, ..(**known).clone() }, cx.now);
    }
    Ok((changes, short))
}

/// The same, refused if anything is short.
pub(super) fn begin(checkout: &mut Checkout, seen: &View, cx: &Context) -> Result<Changes, Stop> {
    let (changes, short) = go_on(checkout, seen, cx)?;
    if short.is_empty() { Ok(changes) } else { Err(OrderRefusal::OutOfStock(short).into()) }
}

/// Gives back what an ended session holds.
pub(super) fn give_back(changes: &mut Changes, checkout: &Checkout, seen: &View, cx: &Context) -> Result<(), Gap> {
    if let Some(hold) = held(checkout, seen)? {
        booking::end(changes, hold, Status::Released, Operation::Release, cx.now);
    }
    Ok(())
}
