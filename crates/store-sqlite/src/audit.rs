//! What must hold between rows, as statements that find the rows where it does not. Names are shared with the other store.

use engine::port::Violation;
use rusqlite::{Connection, Result};

/// Something that must hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Invariant {
    /// Stable.
    name: &'static str,
    /// In a sentence.
    explanation: &'static str,
    /// Finds the rows that break it, one text each; at most `?1` of them.
    sql: &'static str,
}

/// Every invariant.
pub(crate) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "stock-range",
        explanation: "of every SKU, 0 <= reserved <= on hand",
        sql: "
            select format('sku %s: on hand %d, reserved %d', sku_id, on_hand, reserved)
            from inventory_balance
            where not (0 <= reserved and reserved <= on_hand)
            limit ?1",
    },
    Invariant {
        name: "stock-reserved",
        explanation: "what a SKU counts as reserved is what reservations, orders and holds hold of it",
        sql: "
            with counted as (
                select sku_id, reserved, 0 as held from inventory_balance
                union all
                select sku_id, 0, qty from reservation
                union all
                select i.sku_id, 0, i.qty from order_item i join orders o using (order_id)
                where o.stock_state = 'reserved' and i.sku_id is not null
                union all
                select i.value ->> 0, 0, i.value ->> 1 from inventory_hold h, json_each(h.items) i where h.status = 'ACTIVE')
            select format('sku %s: reserved %d, held %d', sku_id, sum(reserved), sum(held))
            from counted
            group by sku_id
            having sum(reserved) <> sum(held)
            limit ?1",
    },
    Invariant {
        name: "stock-ledger",
        explanation: "a balance is the sum of its ledger",
        sql: "
            with counted as (
                select sku_id, on_hand, reserved, 0 as on_hand_booked, 0 as reserved_booked from inventory_balance
                union all
                select sku_id, 0, 0, on_hand_delta, reserved_delta from inventory_ledger)
            select format('sku %s: balance %d/%d, ledger %d/%d', sku_id, sum(on_hand), sum(reserved), sum(on_hand_booked),
                sum(reserved_booked))
            from counted
            group by sku_id
            having sum(on_hand) <> sum(on_hand_booked) or sum(reserved) <> sum(reserved_booked)
            limit ?1",
    },
    Invariant {
        name: "stock-ended-once",
        explanation: "the stock of an order is reserved once and ended at most once, as its stock state says; \
                      nothing ends more than was reserved for it",
        sql: "
            with moves (stock_state, operation) as (
                values ('reserved', 'RESERVE'), ('deducted', 'RESERVE'), ('deducted', 'DEDUCT'), ('released', 'RESERVE'),
                    ('released', 'RELEASE'), ('restocked', 'RESERVE'), ('restocked', 'DEDUCT'), ('restocked', 'RESTOCK')),
            counted as (
                select o.order_id, i.sku_id, m.operation, i.qty as wanted, 0 as booked
                from orders o join order_item i using (order_id) join moves m using (stock_state)
                where i.sku_id is not null
                union all
                select unhex(ref_id, '-'), sku_id, operation, 0, qty
                from inventory_ledger
                where ref_type = 'order' and ledger_key = ref_id || '/' || operation || '/' || sku_id)
            select *
            from (
                select format('order %s, sku %s: %s of %d wanted, %d booked', lower(hex(order_id)), sku_id, operation, sum(wanted),
                    sum(booked))
                from counted
                group by order_id, sku_id, operation
                having sum(wanted) <> sum(booked)
                union all
                select format('%s %s, sku %s: more ended than reserved', ref_type, ref_id, sku_id)
                from inventory_ledger
                group by ref_type, ref_id, sku_id
                having coalesce(sum(qty) filter (where operation in ('RELEASE', 'DEDUCT')), 0)
                    > coalesce(sum(qty) filter (where operation = 'RESERVE'), 0))
            limit ?1",
    },
    Invariant {
        name: "order-sum",
        explanation: "subtotal + tax + shipping - discount = total",
        sql: "
            select format('order %s: %d + %d + %d - %d is not %d', order_number, subtotal, tax_amount, shipping_fee, discount_amount,
                total_amount)
            from orders
            where subtotal + tax_amount + shipping_fee - discount_amount <> total_amount
            limit ?1",
    },
    Invariant {
        name: "order-lines",
        explanation: "an order has lines, and they add up to its subtotal",
        sql: "
            with summed as (
                select order_number, subtotal, (select sum(item_total_amount) from order_item i where i.order_id = o.order_id) as lines
                from orders o)
            select format('order %s: subtotal %d, lines %s', order_number, subtotal, coalesce(lines, 'none'))
            from summed
            where lines is distinct from subtotal
            limit ?1",
    },
    Invariant {
        name: "facts-gapless",
        explanation: "the facts of an order are numbered from 1 to its version, without a gap",
        sql: "
            with counted as (
                select order_id, count(*) as facts, min(sequence) as first, max(sequence) as last from order_event group by order_id)
            select format('order %s: version %d, %d facts from %d to %d', order_number, version, facts, first, last)
            from orders left join counted using (order_id)
            where facts is distinct from version or first is distinct from 1 or last is distinct from version
            limit ?1",
    },
    Invariant {
        name: "facts-status",
        explanation: "the last fact of an order leads to its status",
        sql: "
            with led as (
                select order_number, status, (
                    select to_status from order_event e where e.order_id = o.order_id order by sequence desc limit 1) as last
                from orders o)
            select format('order %s: %s, but its last fact leads to %s', order_number, status, coalesce(last, 'nowhere'))
            from led
            where last is distinct from status
            limit ?1",
    },
    Invariant {
        name: "facts-chain",
        explanation: "a history begins with ORDER_CREATED, and each fact starts from the status where the one before ended",
        sql: "
            with chain as (
                select order_id, sequence, event_type, from_status,
                    lag(to_status) over (partition by order_id order by sequence) as before,
                    row_number() over (partition by order_id order by sequence) as place
                from order_event)
            select format('order %s, fact %d (%s): from %s, before it %s', lower(hex(order_id)), sequence, event_type,
                coalesce(from_status, 'nothing'), coalesce(before, 'nothing'))
            from chain
            where from_status is distinct from before or (place = 1) <> (event_type = 'ORDER_CREATED')
            limit ?1",
    },
    Invariant {
        name: "payment-covers",
        explanation: "an order is paid or beyond exactly when one payment has captured its total in its currency \
                      (aside from payment on delivery and canceled orders)",
        sql: "
            with taken as (
                select p.order_id, count(*) as payments,
                    count(*) filter (where p.captured = o.total_amount and p.currency = o.currency) as covering
                from payment p join orders o using (order_id)
                where not p.surplus and (p.status in ('CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED') or p.captured > 0)
                group by p.order_id)
            select format('order %s: %s, %d captured payments, %d of them of its total', order_number, status, payments, covering)
            from orders left join taken using (order_id)
            where case
                when status in ('CREATED', 'PAYMENT_PENDING') then payments is not null
                when status = 'CANCELED' or (payment_method is 'cod' and payments is null) then false
                else covering is distinct from 1 end
            limit ?1",
    },
    Invariant {
        name: "refund-counted",
        explanation: "what a payment says went back is the sum of its refunds that did; those under way never exceed what was captured",
        sql: "
            with given as (
                select payment_id, sum(amount) filter (where status = 'REFUNDED') as refunded,
                    sum(amount) filter (where status in ('REQUESTED', 'APPROVED', 'PROCESSING', 'REFUNDED')) as counted
                from refund
                group by payment_id)
            select format('payment %s: captured %d, refunded %d, its refunds %d, with those under way %d', lower(hex(payment_id)),
                p.captured, p.refunded, coalesce(g.refunded, 0), coalesce(g.counted, 0))
            from payment p left join given g using (payment_id)
            where p.refunded <> coalesce(g.refunded, 0) or coalesce(g.counted, 0) > p.captured
            limit ?1",
    },
    Invariant {
        name: "money-goes-back",
        explanation: "money that covers nothing is on its way back, went back, or has called for a person",
        sql: "
            select format('order %s, payment %s: %d of %d captured have no refund', order_number, lower(hex(p.payment_id)),
                p.captured - p.refunded, p.captured)
            from payment p join orders o using (order_id)
            where p.captured > p.refunded and (p.surplus or o.status = 'CANCELED')
                and not exists (select 1 from refund r where r.payment_id = p.payment_id and r.status in ('REQUESTED', 'APPROVED', 'PROCESSING'))
                and not exists (select 1 from ops_task t where t.order_id = p.order_id and t.kind = 'REFUND_FAILED')
            limit ?1",
    },
    Invariant {
        name: "key-order",
        explanation: "the key that an order was placed with is kept, and its answer is that order",
        sql: "
            select format('order %s: its key gives %s', order_number, coalesce(answer, 'nothing'))
            from orders left join idempotency_key on scoped_key = idempotency_key
            where idempotency_key is not null
                and iif(key_fingerprint is null, unhex(answer, '-') is distinct from order_id, answer is not null)
            limit ?1",
    },
    Invariant {
        name: "cart-ordered",
        explanation: "a cart and the order that it became name each other",
        sql: "
            select format('cart %s of %s: became %s, the order from it is %s', text_id, owner, iif(c.order_id is null, 'no order', hex(c.order_id)),
                coalesce(order_number, 'none'))
            from (
                select *, lower(substr(hex(cart_id), 1, 8) || '-' || substr(hex(cart_id), 9, 4) || '-' || substr(hex(cart_id), 13, 4) || '-'
                    || substr(hex(cart_id), 17, 4) || '-' || substr(hex(cart_id), 21)) as text_id
                from cart) as c
                left join orders o on o.cart_session_id = text_id
            where c.order_id is not o.order_id
            limit ?1",
    },
    Invariant {
        name: "cart-priced",
        explanation: "a cart has a currency exactly when something is in it",
        sql: "
            select format('cart of %s: its currency is %s', owner, coalesce(currency, 'none'))
            from cart
            where (currency is null) = exists (select 1 from cart_item i where i.owner = cart.owner)
            limit ?1",
    },
    Invariant {
        name: "checkout-order",
        explanation: "a confirmed checkout session names an order that came from a cart",
        sql: "
            select format('checkout session %s: its order %s', session_id, iif(order_number is null, 'is not there', 'came from no cart'))
            from checkout c left join orders o using (order_id)
            where c.order_id is not null and o.cart_id is null
            limit ?1",
    },
    Invariant {
        name: "hold-stock",
        explanation: "what a hold has booked is what its status says: reserved, sold, or nothing",
        sql: "
            with counted as (
                select hold_id, i.value ->> 0 as sku_id, iif(status = 'ACTIVE', i.value ->> 1, 0) as reserved,
                    iif(status = 'COMMITTED', -(i.value ->> 1), 0) as on_hand, 0 as reserved_booked, 0 as on_hand_booked
                from inventory_hold h, json_each(h.items) i
                union all
                select unhex(ref_id, '-'), sku_id, 0, 0, reserved_delta, on_hand_delta from inventory_ledger where ref_type = 'hold')
            select format('hold %s, sku %s: reserved %d and on hand %d wanted, %d and %d booked', lower(hex(hold_id)), sku_id, sum(reserved),
                sum(on_hand), sum(reserved_booked), sum(on_hand_booked))
            from counted
            group by hold_id, sku_id
            having sum(reserved) <> sum(reserved_booked) or sum(on_hand) <> sum(on_hand_booked)
            limit ?1",
    },
    Invariant {
        name: "hold-order",
        explanation: "a hold and the live order that it backs name each other, and the stock of both is in the same state",
        sql: "
            select *
            from (
                select format('order %s: its hold %s', order_number, iif(h.hold_id is null, 'is not there', 'backs another order'))
                from orders o left join inventory_hold h using (hold_id)
                where o.hold_id is not null and o.status <> 'CANCELED' and h.order_id is not o.order_id
                union all
                select format('hold %s: %s, its order %s', lower(hex(h.hold_id)), h.status, coalesce(o.order_number, 'is not there'))
                from inventory_hold h left join orders o using (order_id)
                where h.status in ('ACTIVE', 'COMMITTED') and h.order_id is not null
                    and (o.hold_id is not h.hold_id or o.status = 'CANCELED'
                        or o.stock_state <> case when h.items = '[]' then 'foreign' when h.status = 'ACTIVE' then 'reserved' else 'deducted' end))
            limit ?1",
    },
    Invariant {
        name: "outbox-complete",
        explanation: "every fact has exactly the messages that follow from it",
        sql: "
            with messages (event_type, message) as (
                values ('ORDER_CREATED', 'order.created'), ('ORDER_CREATED', 'order.status_changed'),
                    ('PAYMENT_REQUESTED', 'payment.requested'), ('PAYMENT_REQUESTED', 'order.status_changed'),
                    ('PAYMENT_SUCCEEDED', 'order.confirmed'), ('PAYMENT_SUCCEEDED', 'order.status_changed'),
                    ('ORDER_CANCELED', 'order.cancelled'), ('ORDER_CANCELED', 'order.status_changed'),
                    ('ORDER_READY', 'order.status_changed'),
                    ('ORDER_SHIPPED', 'order.shipped'), ('ORDER_SHIPPED', 'order.status_changed'),
                    ('ORDER_DELIVERED', 'order.delivered'), ('ORDER_DELIVERED', 'order.status_changed'),
                    ('REFUND_REQUESTED', 'refund.requested'), ('REFUND_SUCCEEDED', 'payment.refunded'),
                    ('REFUND_SUCCEEDED', 'order.refunded'), ('LATE_PAYMENT_REFUNDED', 'payment.refunded')),
            counted as (
                select order_id, sequence, message, 1 as wanted, 0 as there from order_event join messages using (event_type)
                where (message <> 'refund.requested' or payload_json ->> '$.by_hand') and (message <> 'order.refunded' or payload_json ->> '$.in_full')
                union all
                select aggregate_id, sequence, event_type, 0, 1 from outbox)
            select format('order %s, fact %d: %s is there %d times, wanted %d', lower(hex(order_id)), sequence, message, sum(there),
                sum(wanted))
            from counted
            group by order_id, sequence, message
            having sum(there) <> sum(wanted)
            limit ?1",
    },
    Invariant {
        name: "deadline",
        explanation: "no order waits for its money more than 60 seconds past its deadline, unless a payment is under way",
        sql: "
            select format('order %s: %s, its time passed at %s', order_number, status, datetime(expires_at / 1000, 'unixepoch'))
            from orders o
            where status in ('CREATED', 'PAYMENT_PENDING') and expires_at < (unixepoch() - 60) * 1000
                and not exists (
                    select 1 from payment p
                    where p.order_id = o.order_id and p.status in ('INITIATED', 'AUTHORIZED', 'UNKNOWN'))
            limit ?1",
    },
];

impl Invariant {
    /// Rows that break it, at most `limit`.
    pub(crate) fn violations(&self, db: &Connection, limit: u32) -> Result<Vec<Violation>> {
        let &Self { name: invariant, explanation, sql } = self;
        db.prepare(sql)?.query_map([limit], |row| Ok(Violation { invariant, explanation, row: row.get(0)? }))?.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::Fact;
    use domain::ids::{PaymentId, RefundId, ShipmentId, Uuid};
    use domain::message::messages_of;
    use domain::money::Currency;

    /// The next kind of fact. A new kind does not compile until it stands here.
    fn next(fact: &Fact) -> Option<Fact> {
        let (payment_id, amount, currency) = (PaymentId(Uuid::nil()), 1, Currency::USD);
        let refund_id = RefundId(Uuid::nil());
        Some(match fact {
            Fact::OrderCreated { .. } => Fact::InventoryReserved,
            Fact::InventoryReserved => Fact::PaymentRequested { payment_id, amount, currency, payment_method: "".into(), expires_at: None },
            Fact::PaymentRequested { .. } => Fact::PaymentSucceeded { payment_id, amount, currency },
            Fact::PaymentSucceeded { .. } => Fact::PaymentFailed { payment_id, reason: "".into() },
            Fact::PaymentFailed { .. } => Fact::LatePaymentReceived { payment_id, amount, currency },
            Fact::LatePaymentReceived { .. } => Fact::InventoryDeducted,
            Fact::InventoryDeducted => Fact::OrderCanceled { reason: "".into() },
            Fact::OrderCanceled { .. } => Fact::OrderExpired,
            Fact::OrderExpired => Fact::InventoryReleased,
            Fact::InventoryReleased => Fact::OrderReady,
            Fact::OrderReady => Fact::ShipmentCreated { shipment_id: ShipmentId(Uuid::nil()) },
            Fact::ShipmentCreated { .. } => Fact::OrderShipped { carrier_code: None, tracking_number: None },
            Fact::OrderShipped { .. } => Fact::OrderDelivered,
            Fact::OrderDelivered => Fact::InventoryRestocked,
            Fact::InventoryRestocked => Fact::RefundRequested { refund_id, payment_id, amount, currency, reason: "".into(), by_hand: true },
            Fact::RefundRequested { .. } => Fact::RefundSucceeded { refund_id, payment_id, amount, currency, in_full: true },
            Fact::RefundSucceeded { .. } => Fact::RefundFailed { refund_id, reason: "".into() },
            Fact::RefundFailed { .. } => Fact::LatePaymentRefunded { refund_id, payment_id, amount, currency },
            Fact::LatePaymentRefunded { .. } => Fact::OrderChanged { fields: [].into() },
            Fact::OrderChanged { .. } => return None,
        })
    }

    #[test]
    fn the_audit_knows_which_messages_follow_from_which_fact() {
        let sql = INVARIANTS.iter().find(|invariant| invariant.name == "outbox-complete").unwrap().sql;
        let mut pairs = 0;
        let first = Fact::OrderCreated { total: 1, currency: Currency::USD, lines: 1, payment_method: None, expires_at: None };
        for fact in std::iter::successors(Some(first), next) {
            for kind in messages_of(&fact) {
                let pair = format!("('{}', '{}')", fact.event_type(), kind.event_type());
                assert!(sql.contains(&pair), "{pair}");
                pairs += 1;
            }
        }
        assert_eq!(sql.matches("', '").count(), pairs, "the audit wants messages that do not follow");
    }
}
