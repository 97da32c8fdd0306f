//! What left: each line once, all of it with its order, ended as the order did.

use std::collections::BTreeMap;

use domain::order::Status;
use domain::shipment;

use super::Case;

pub(super) fn judge(case: &mut Case<'_>) {
    for order in case.memory.orders.values() {
        let expected = match order.status {
            Status::Shipped => Some(shipment::Status::Shipped),
            Status::Delivered => Some(shipment::Status::Delivered),
            _ => None,
        };
        let as_order = order.shipments.iter().all(|shipment| Some(shipment.status) == expected);
        case.must(as_order && order.shipments.len() == usize::from(expected.is_some()), || format!("{order:?} has not left as it says"));
        let mut left = BTreeMap::new();
        for line in order.shipments.iter().flat_map(|shipment| &shipment.lines) {
            *left.entry(line.order_item_id).or_insert(0) += line.qty;
        }
        for line in &order.lines {
            let shipped = left.remove(&line.order_item_id).unwrap_or(0);
            let all = if expected.is_some() { line.qty } else { 0 };
            case.must(shipped == all && line.shipped_qty == shipped, || format!("{shipped} of {line:?} left"));
        }
        case.must(left.is_empty(), || format!("what left belongs to no line of {order:?}"));
        let times = (order.shipped_at.is_some(), order.delivered_at.is_some());
        let reached = (expected.is_some(), order.status == Status::Delivered);
        case.must(times == reached, || format!("{order:?} tells {times:?} of its way"));
    }
}
