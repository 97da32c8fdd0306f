//! Lists and pages show every buyer exactly his orders, the newest first, each once.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::Caller;
use domain::caller::Role;
use domain::ids::OrderId;
use domain::order::Status;
use engine::port::{OrderFilter, Page, Queries as _};
use futures_util::FutureExt as _;
use testkit::MemoryStore;

use super::order_wishes;
use crate::history::History;

const PAGE: u32 = 2;

pub(super) fn judge(history: &History, store: &MemoryStore) -> Vec<String> {
    let owners: BTreeSet<&Arc<str>> = order_wishes(history).filter_map(|(_, wanted)| wanted.owner.as_ref()).collect();
    let mut wrong = Vec::new();
    for owner in owners {
        let caller = Caller { id: owner.clone(), role: Role::Customer };
        for statuses in [vec![], vec![Status::Paid]] {
            let mut own: Vec<_> = store.look(|memory| {
                let his = memory.orders.values().filter(|order| order.user_id.as_ref().is_some_and(|user| user.0 == *owner));
                his.filter(|order| statuses.is_empty() || statuses.contains(&order.status))
                    .map(|order| (order.created_at, order.order_id))
                    .collect()
            });
            own.sort_by(|left, right| right.cmp(left));
            let own: Vec<OrderId> = own.into_iter().map(|(_, order_id)| order_id).collect();
            let filter = OrderFilter { user_id: Some(owner.as_ref().into()), statuses, ..OrderFilter::default() };
            let listed = listed(store, &caller, &filter, own.len());
            if listed != own {
                wrong.push(format!("{owner} has the orders {own:?}, but {filter:?} lists {listed:?}"));
            }
        }
    }
    wrong
}

fn listed(store: &MemoryStore, caller: &Caller, filter: &OrderFilter, expected: usize) -> Vec<OrderId> {
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = store.orders(caller, filter, Page { after, limit: PAGE }).now_or_never().and_then(Result::ok).unwrap_or_default();
        let Some(last) = page.last() else { return listed };
        after = Some((last.order.created_at, last.order.order_id.0));
        listed.extend(page.iter().map(|answer| answer.order.order_id));
        // A list that repeats itself would never end.
        if listed.len() > expected + 8 {
            return listed;
        }
    }
}
