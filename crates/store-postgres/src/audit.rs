//! What must hold between rows, as statements that find the rows where it does not.
//!
//! Names are shared with the other store. All statements see one snapshot, so that a service may go on meanwhile.

use engine::port::Violation;
use tokio_postgres::IsolationLevel;

use crate::access::Access;
use crate::error::Failure;

/// Something that must hold.
struct Invariant {
    /// Stable.
    name: &'static str,
    /// In a sentence.
    explanation: &'static str,
    /// Finds the rows that break it: one text each.
    sql: &'static str,
}

const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "stock-range",
        explanation: "of every SKU, 0 <= reserved <= on hand",
        sql: "
            select format('sku %s: on hand %s, reserved %s', sku_id, on_hand, reserved)
            from inventory_balance
            where not (0 <= reserved and reserved <= on_hand)",
    },
    Invariant {
        name: "stock-reserved",
        explanation: "what a SKU counts as reserved is what reservations, orders and holds hold of it",
        sql: "
            with held as (
                select sku_id, sum(qty) as qty
                from (
                    select sku_id, qty from reservation where qty > 0
                    union all
                    select i.sku_id, i.qty from order_item i join orders o using (order_id)
                    where o.stock_state = 'reserved' and i.sku_id is not null
                    union all
                    select i.sku_id, i.qty from inventory_hold h, unnest(h.sku_ids, h.quantities) as i (sku_id, qty)
                    where h.status = 'ACTIVE') as each_hold
                group by sku_id)
            select format('sku %s: reserved %s, held %s', sku_id, coalesce(b.reserved, 0), coalesce(h.qty, 0))
            from inventory_balance b full join held h using (sku_id)
            where coalesce(b.reserved, 0) <> coalesce(h.qty, 0)",
    },
    Invariant {
        name: "stock-ledger",
        explanation: "a balance is the sum of its ledger",
        sql: "
            with booked as (
                select sku_id, sum(on_hand_delta) as on_hand, sum(reserved_delta) as reserved from inventory_ledger group by sku_id)
            select format('sku %s: balance %s/%s, ledger %s/%s', sku_id, coalesce(b.on_hand, 0), coalesce(b.reserved, 0),
                coalesce(l.on_hand, 0), coalesce(l.reserved, 0))
            from inventory_balance b full join booked l using (sku_id)
            where coalesce(b.on_hand, 0) <> coalesce(l.on_hand, 0) or coalesce(b.reserved, 0) <> coalesce(l.reserved, 0)",
    },
    Invariant {
        name: "stock-ended-once",
        explanation: "the stock of an order is reserved once and ended at most once, as its stock state says; \
                      nothing ends more than was reserved for it",
        sql: "
            with wanted as (
                select o.order_id::text as ref_id, i.sku_id, m.operation, sum(i.qty) as qty
                from orders o
                join order_item i using (order_id)
                join (values ('reserved', 'RESERVE'), ('deducted', 'RESERVE'), ('deducted', 'DEDUCT'), ('released', 'RESERVE'),
                    ('released', 'RELEASE'), ('restocked', 'RESERVE'), ('restocked', 'DEDUCT'), ('restocked', 'RESTOCK'))
                    as m (stock_state, operation) on m.stock_state = o.stock_state
                where i.sku_id is not null
                group by 1, 2, 3),
            booked as (
                select ref_id, sku_id, operation, qty
                from inventory_ledger
                where ref_type = 'order' and ledger_key = ref_id || '/' || operation || '/' || sku_id)
            select format('order %s, sku %s: %s of %s wanted, %s booked', ref_id, sku_id, operation, coalesce(w.qty, 0),
                coalesce(b.qty, 0))
            from wanted w full join booked b using (ref_id, sku_id, operation)
            where w.qty is distinct from b.qty
            union all
            select format('%s %s, sku %s: more ended than reserved', ref_type, ref_id, sku_id)
            from inventory_ledger
            group by ref_type, ref_id, sku_id
            having coalesce(sum(qty) filter (where operation in ('RELEASE', 'DEDUCT')), 0)
                > coalesce(sum(qty) filter (where operation = 'RESERVE'), 0)",
    },
    Invariant {
        name: "order-sum",
        explanation: "subtotal + tax + shipping - discount = total",
        sql: "
            select format('order %s: %s + %s + %s - %s is not %s', order_id, subtotal, tax_amount, shipping_fee, discount_amount,
                total_amount)
            from orders
            where subtotal + tax_amount + shipping_fee - discount_amount <> total_amount",
    },
    Invariant {
        name: "order-lines",
        explanation: "an order has lines, and they add up to its subtotal",
        sql: "
            with summed as (select order_id, sum(item_total_amount) as total from order_item group by order_id)
            select format('order %s: subtotal %s, lines %s', order_id, o.subtotal, coalesce(s.total::text, 'none'))
            from orders o left join summed s using (order_id)
            where s.total is distinct from o.subtotal",
    },
    Invariant {
        name: "facts-gapless",
        explanation: "the facts of an order are numbered from 1 to its version, without a gap",
        sql: "
            with counted as (
                select order_id, count(*) as facts, min(sequence) as first, max(sequence) as last from order_event group by order_id)
            select format('order %s: version %s, %s facts from %s to %s', order_id, o.version, coalesce(c.facts, 0), c.first, c.last)
            from orders o left join counted c using (order_id)
            where c.facts is null or c.first <> 1 or c.last <> o.version or c.facts <> o.version",
    },
    Invariant {
        name: "facts-status",
        explanation: "the last fact of an order leads to its status",
        sql: "
            with last as (select distinct on (order_id) order_id, to_status from order_event order by order_id, sequence desc)
            select format('order %s: %s, but its last fact leads to %s', order_id, o.status, coalesce(l.to_status, 'nowhere'))
            from orders o left join last l using (order_id)
            where l.to_status is distinct from o.status",
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
            select format('order %s, fact %s (%s): from %s, before it %s', order_id, sequence, event_type,
                coalesce(from_status, 'nothing'), coalesce(before, 'nothing'))
            from chain
            where from_status is distinct from before or (place = 1) <> (event_type = 'ORDER_CREATED')",
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
            select format('order %s: %s, %s captured payments, %s of them of its total', order_id, o.status,
                coalesce(t.payments, 0), coalesce(t.covering, 0))
            from orders o left join taken t using (order_id)
            where case
                when o.status in ('CREATED', 'PAYMENT_PENDING') then t.payments is not null
                when o.status = 'CANCELED' or (o.payment_method = 'cod' and t.payments is null) then false
                else t.covering is distinct from 1 end",
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
            select format('payment %s: captured %s, refunded %s, its refunds %s, with those under way %s', payment_id, p.captured, p.refunded,
                coalesce(g.refunded, 0), coalesce(g.counted, 0))
            from payment p left join given g using (payment_id)
            where p.refunded <> coalesce(g.refunded, 0) or coalesce(g.counted, 0) > p.captured",
    },
    Invariant {
        name: "money-goes-back",
        explanation: "money that covers nothing is on its way back, went back, or has called for a person",
        sql: "
            select format('order %s, payment %s: %s of %s captured have no refund', p.order_id, p.payment_id,
                p.captured - p.refunded, p.captured)
            from payment p join orders o using (order_id)
            where p.captured > p.refunded and (p.surplus or o.status = 'CANCELED')
                and not exists (select 1 from refund r where r.payment_id = p.payment_id and r.status in ('REQUESTED', 'APPROVED', 'PROCESSING'))
                and not exists (select 1 from ops_task t where t.order_id = p.order_id and t.kind = 'REFUND_FAILED')",
    },
    Invariant {
        name: "key-order",
        explanation: "the key that an order was placed with is kept, and its answer is that order",
        sql: "
            select format('order %s: its key gives %s', o.order_id, coalesce(k.answer, 'nothing'))
            from orders o left join idempotency_key k on k.scoped_key = o.idempotency_key
            where o.idempotency_key is not null and k.answer is distinct from o.order_id::text",
    },
    Invariant {
        name: "cart-ordered",
        explanation: "a cart and the order that it became name each other",
        sql: "
            select format('cart %s of %s: became %s, the order from it is %s', c.cart_id, c.owner, coalesce(c.order_id::text, 'no order'),
                coalesce(o.order_id::text, 'none'))
            from cart c left join orders o on o.cart_session_id = c.cart_id::text
            where c.order_id is distinct from o.order_id",
    },
    Invariant {
        name: "cart-priced",
        explanation: "a cart has a currency exactly when something is in it",
        sql: "
            select format('cart %s of %s: its currency is %s', c.cart_id, c.owner, coalesce(c.currency, 'none'))
            from cart c
            where (c.currency is null) = exists (select 1 from cart_item i where i.owner = c.owner)",
    },
    Invariant {
        name: "checkout-order",
        explanation: "a confirmed checkout session names an order that came from a cart",
        sql: "
            select format('checkout session %s: its order %s %s', c.session_id, c.order_id,
                case when o.order_id is null then 'is not there' else 'came from no cart' end)
            from checkout c left join orders o using (order_id)
            where c.order_id is not null and o.cart_id is null",
    },
    Invariant {
        name: "hold-stock",
        explanation: "what a hold has booked is what its status says: reserved, sold, or nothing",
        sql: "
            with wanted as (
                select h.hold_id::text as ref_id, i.sku_id, case h.status when 'ACTIVE' then i.qty else 0 end as reserved,
                    case h.status when 'COMMITTED' then -i.qty else 0 end as on_hand
                from inventory_hold h, unnest(h.sku_ids, h.quantities) as i (sku_id, qty)),
            booked as (
                select ref_id, sku_id, sum(reserved_delta) as reserved, sum(on_hand_delta) as on_hand
                from inventory_ledger where ref_type = 'hold' group by 1, 2)
            select format('hold %s, sku %s: reserved %s and on hand %s wanted, %s and %s booked', ref_id, sku_id, coalesce(w.reserved, 0),
                coalesce(w.on_hand, 0), coalesce(b.reserved, 0), coalesce(b.on_hand, 0))
            from wanted w full join booked b using (ref_id, sku_id)
            where coalesce(w.reserved, 0) <> coalesce(b.reserved, 0) or coalesce(w.on_hand, 0) <> coalesce(b.on_hand, 0)",
    },
    Invariant {
        name: "hold-order",
        explanation: "a hold and the live order that it backs name each other, and the stock of both is in the same state",
        sql: "
            select format('order %s: its hold %s', o.order_id,
                case when h.hold_id is null then 'is not there' else 'backs another order' end)
            from orders o left join inventory_hold h using (hold_id)
            where o.hold_id is not null and o.status <> 'CANCELED' and h.order_id is distinct from o.order_id
            union all
            select format('hold %s: %s, its order %s', h.hold_id, h.status, coalesce(o.order_id::text, 'is not there'))
            from inventory_hold h left join orders o using (order_id)
            where h.status in ('ACTIVE', 'COMMITTED') and h.order_id is not null
                and (o.hold_id is distinct from h.hold_id or o.status = 'CANCELED'
                    or o.stock_state <> case when h.sku_ids = '{}' then 'foreign' when h.status = 'ACTIVE' then 'reserved' else 'deducted' end)",
    },
    Invariant {
        name: "outbox-complete",
        explanation: "every fact has exactly the messages that follow from it",
        sql: "
            with wanted as (
                select e.order_id as aggregate_id, e.sequence, m.message
                from order_event e
                join (values ('ORDER_CREATED', 'order.created'), ('ORDER_CREATED', 'order.status_changed'),
                    ('PAYMENT_REQUESTED', 'payment.requested'), ('PAYMENT_REQUESTED', 'order.status_changed'),
                    ('PAYMENT_SUCCEEDED', 'order.confirmed'), ('PAYMENT_SUCCEEDED', 'order.status_changed'),
                    ('ORDER_CANCELED', 'order.cancelled'), ('ORDER_CANCELED', 'order.status_changed'),
                    ('ORDER_READY', 'order.status_changed'),
                    ('ORDER_SHIPPED', 'order.shipped'), ('ORDER_SHIPPED', 'order.status_changed'),
                    ('ORDER_DELIVERED', 'order.delivered'), ('ORDER_DELIVERED', 'order.status_changed'),
                    ('REFUND_REQUESTED', 'refund.requested'), ('REFUND_SUCCEEDED', 'payment.refunded'),
                    ('REFUND_SUCCEEDED', 'order.refunded'), ('LATE_PAYMENT_REFUNDED', 'payment.refunded'))
                    as m (event_type, message) using (event_type)
                where (m.message <> 'refund.requested' or e.payload_json ->> 'by_hand' = 'true')
                    and (m.message <> 'order.refunded' or e.payload_json ->> 'in_full' = 'true')),
            sent as (
                select aggregate_id, sequence, event_type as message, count(*) as times from outbox group by 1, 2, 3)
            select format('order %s, fact %s: %s is there %s times, wanted %s', aggregate_id, sequence, message,
                coalesce(s.times, 0), coalesce(w.times, 0))
            from (select *, 1 as times from wanted) w full join sent s using (aggregate_id, sequence, message)
            where w.times is distinct from s.times",
    },
    Invariant {
        name: "deadline",
        explanation: "no order waits for its money more than 60 seconds past its deadline, unless a payment is under way",
        sql: "
            select format('order %s: %s, its time passed at %s', o.order_id, o.status, o.expires_at)
            from orders o
            where o.status in ('CREATED', 'PAYMENT_PENDING') and o.expires_at < now() - interval '60 seconds'
                and not exists (
                    select 1 from payment p
                    where p.order_id = o.order_id and p.status in ('INITIATED', 'AUTHORIZED', 'UNKNOWN'))",
    },
];

/// Rows that break an invariant, at most `limit` of each. On a connection of its own, without a limit of time.
pub(crate) async fn violations(access: &Access, limit: u32) -> Result<Vec<Violation>, Failure> {
    let mut connected = access.connect("ordo-audit").await?;
    let snapshot = connected.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await?;
    snapshot.batch_execute("set local jit = off; set local statement_timeout = 0").await?;
    let mut found = Vec::new();
    for Invariant { name, explanation, sql } in INVARIANTS {
        let rows = snapshot.query(&format!("select * from ({sql}) as broken (row) limit $1"), &[&i64::from(limit)]).await?;
        for row in &rows {
            found.push(Violation { invariant: name, explanation, row: row.try_get(0)? });
        }
    }
    snapshot.commit().await?;
    Ok(found)
}
