//! Every answered order is there, once, with what was answered; every order that is there was asked for.

use std::collections::{BTreeMap, BTreeSet};

use domain::command::PricePolicy;
use domain::ids::{OrderId, SkuId};
use domain::order::{Order, PaymentMethod, Status};

use super::{Case, order_wishes};
use crate::history::{End, OrderWish, Wish};
use crate::marks::Mark;

pub(super) fn judge(case: &mut Case<'_>) {
    let mut wished = 0;
    let history = case.history;
    for (wish, order) in order_wishes(history) {
        wished += judge_wish(case, wish, order);
    }
    let kept = case.memory.orders.len();
    case.must(wished == kept, || format!("{kept} orders are kept, but {wished} were wished for"));
    judge_histories(case);
    judge_numbers(case);
    judge_sightings(case);
    judge_ends(case);
    if case.world.plan.rush {
        judge_rush(case);
    }
}

fn judge_wish(case: &mut Case<'_>, wish: &Wish, wanted: &OrderWish) -> usize {
    let found = case.by_name.get(&wanted.name).cloned().unwrap_or_default();
    let tag = &wish.tag;
    case.must(found.len() <= 1, || format!("{tag} was placed {} times: {found:?}", found.len()));
    let answered = wish.identity();
    case.must(found.is_empty() || answered.is_some() || wish.is_unsure(), || {
        format!("{tag} was never answered with an order, but one is kept: {found:?}, {wish:?}")
    });
    if let Some(answered) = answered {
        let kept = found.iter().any(|order_id| order_id.to_string() == answered);
        case.must(kept, || format!("{tag} was answered with order {answered}, but that is not kept; kept: {found:?}"));
    }
    for order_id in &found {
        if let Some(order) = case.memory.orders.get(order_id).cloned() {
            judge_content(case, wish, wanted, &order);
        }
    }
    found.len()
}

fn judge_content(case: &mut Case<'_>, wish: &Wish, wanted: &OrderWish, order: &Order) {
    let tag = &wish.tag;
    let mut units = BTreeMap::<SkuId, i64>::new();
    for line in &order.lines {
        if let Some(sku_id) = line.sku_id() {
            *units.entry(sku_id.clone()).or_default() += line.qty;
        }
    }
    let owner = order.user_id.as_ref().map(|user| user.0.clone());
    let as_wanted = units == wanted.units && order.lines.len() == wanted.believed.len() && owner == wanted.owner;
    case.must(as_wanted, || format!("{tag} wanted {wanted:?}, but got {order:?}"));
    if case.world.plan.settings.price_policy == PricePolicy::Reject {
        let as_believed = order.lines.iter().zip(&wanted.believed).all(|(line, price)| price.is_none_or(|price| price == line.unit_price));
        case.must(as_believed, || format!("{tag} believed in {:?}, but was charged {:?}", wanted.believed, order.lines));
    }
    let (from, to) = wish.span();
    let off_sale =
        |sku_id: &SkuId| case.history.closed.get(sku_id).is_some_and(|spans| spans.iter().any(|span| span.0 < from && to < span.1));
    let sold = wanted.units.keys().find(|sku_id| off_sale(sku_id));
    case.must(sold.is_none(), || format!("{tag} was sold {sold:?}, which was off sale"));
    for line in &order.lines {
        let Some(spans) = line.sku_id().and_then(|sku_id| case.history.prices.get(sku_id)) else { continue };
        let held = spans.iter().any(|span| span.price == line.unit_price && span.from <= to && from <= span.to);
        case.must(held, || format!("{tag} was charged {} in steps {from}..{to}, when the prices were {spans:?}", line.unit_price));
    }
}

/// Sequence without gaps; status is the fold.
fn judge_histories(case: &mut Case<'_>) {
    let mut facts = BTreeMap::<OrderId, BTreeMap<i64, (Option<Status>, Status)>>::new();
    for fact in &case.memory.facts {
        let twice = facts.entry(fact.order_id).or_default().insert(fact.sequence, (fact.from, fact.to)).is_some();
        case.must(!twice, || format!("order {} has fact {} twice", fact.order_id, fact.sequence));
    }
    for order in case.memory.orders.values() {
        let history = facts.remove(&order.order_id).unwrap_or_default();
        let gapless = history.keys().copied().eq(1..=order.version);
        let chained = history
            .values()
            .map(|(from, _)| *from)
            .eq(std::iter::once(None).chain(history.values().map(|(_, to)| Some(*to))).take(history.len()));
        let folded = history.values().next_back().map(|(_, to)| *to) == Some(order.status);
        case.must(gapless && chained && folded, || format!("the facts {history:?} do not make {order:?}"));
        let Some(sighting) = case.history.orders.get(&order.order_id) else { continue };
        for (version, status) in &sighting.statuses {
            let was = history.get(version).map(|(_, to)| *to);
            case.must(was == Some(*status), || {
                format!("order {} was answered as {status:?} at version {version}, but was {was:?}", order.order_id)
            });
        }
    }
    case.must(facts.is_empty(), || format!("facts of orders that are not there: {facts:?}"));
}

fn judge_sightings(case: &mut Case<'_>) {
    for (order_id, sighting) in &case.history.orders {
        let kept = case.memory.orders.get(order_id);
        let same = kept.is_some_and(|order| order.number == sighting.number && order.totals.total == sighting.total);
        case.must(same, || format!("order {order_id} was answered as {sighting:?}, but is kept as {kept:?}"));
    }
}

fn judge_numbers(case: &mut Case<'_>) {
    let (mut numbers, mut years) = (BTreeSet::new(), BTreeSet::new());
    for order in case.memory.orders.values() {
        case.must(numbers.insert(order.number), || format!("{} was given twice", order.number));
        case.must(order.number.year == order.created_at.year(), || format!("{} was placed at {}", order.number, order.created_at));
        years.insert(order.number.year);
    }
    if years.len() > 1 {
        case.world.mark(Mark::NewYear);
    }
}

/// Every order ends, or waits with a reason.
fn judge_ends(case: &mut Case<'_>) {
    for order in case.memory.orders.values() {
        let cod = order.payment_method.as_ref().is_some_and(PaymentMethod::is_cod);
        let waits_for_money = matches!(order.status, Status::Created | Status::PaymentPending | Status::RefundPending);
        let ended = !waits_for_money || (cod && order.status.awaits_payment());
        case.must(ended, || format!("an order waits for nothing: {order:?}"));
    }
}

/// As many orders as fit: not one more, not one less.
fn judge_rush(case: &mut Case<'_>) {
    let units = case.world.plan.skus.iter().sum::<i64>();
    let history = case.history;
    let buyers: Vec<&Wish> = order_wishes(history).map(|(wish, _)| wish).filter(|wish| wish.tag.starts_with('c')).collect();
    let wanted = i64::try_from(buyers.len()).unwrap_or(i64::MAX);
    let placed = buyers.iter().filter(|wish| wish.identity().is_some()).count();
    let fits = i64::try_from(placed).is_ok_and(|placed| placed == units.min(wanted));
    case.must(fits, || format!("{wanted} buyers wanted one of {units} units each, and {placed} got one"));
    if wanted > units {
        case.world.mark(Mark::SoldOut);
    }
    // Nobody gives anything back: what was sold out stays so, but for those who have it.
    let refused = |wish: &&&Wish| wish.tries.iter().any(|one| one.end == End::Refused("OUT_OF_STOCK"));
    let contradicted = buyers.iter().filter(refused).find(|wish| wish.identity().is_some());
    case.must(contradicted.is_none(), || format!("told that nothing is left, though the order was placed: {contradicted:?}"));
}
