-- Orders :from to :to of :orders, as the service would have written them over the last half year: 96 % wait for their payment,
-- 2 % are paid, 2 % are canceled. Run by a superuser on the product's own tables, after `ordo bench place` has made the catalogue.
set session_replication_role = replica;
set synchronous_commit = off;

create function pg_temp.moment(n bigint, orders bigint) returns bigint language sql immutable as $$
    select 1000 * extract(epoch from date_trunc('day', now()) - interval '180 days')::bigint + n * greatest(1, 15400000000 / orders)
$$;
-- Rising like those of the service: the milliseconds first.
create function pg_temp.id(moment bigint, n bigint, part integer) returns uuid language sql immutable as $$
    select (lpad(to_hex(moment), 12, '0') || '7' || lpad(to_hex(part), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid
$$;
create function pg_temp.sku(n bigint, line integer) returns text language sql immutable as $$
    select 'bench-' || lpad((1 + (n * 7919 + line * 500) % 1000)::text, 5, '0')
$$;

create temporary table filled as
select n, m.moment, pg_temp.id(m.moment, n, 0) as order_id, pg_temp.id(m.moment, n, 16) as payment_id,
    to_timestamp(m.moment / 1000.0) as created_at,
    'ORD-' || extract(year from to_timestamp(m.moment / 1000.0) at time zone 'UTC') || '-' || (1000000 + n) as number,
    '00000000-0000-4000-8000-' || lpad(((n * 7919) % greatest(1, :orders / 10))::text, 12, '0') as user_id,
    'local' || chr(31) || 'place_order' || chr(31) || md5(n::text)::uuid as key,
    case n % 50 when 1 then 'PAID' when 2 then 'CANCELED' else 'CREATED' end as status
from generate_series(:from::bigint, :to::bigint) n cross join lateral (select pg_temp.moment(n, :orders) as moment) m;

insert into orders (order_id, order_number, channel, user_id, customer_email, idempotency_key, status, payment_status, payment_method,
    payment_id, stock_state, currency, subtotal, total_amount, shipping_address_id, metadata, cancelled_at, cancellation_reason,
    expires_at, version, created_at, updated_at)
select order_id, number, 'canonical', user_id, right(user_id, 12) || '@example.com', key, status,
    case status when 'PAID' then 'paid' else 'pending' end, 'card_stub', case status when 'PAID' then payment_id end,
    case status when 'PAID' then 'deducted' when 'CANCELED' then 'released' else 'reserved' end, 'USD', 2000, 2000, 'addr-1', '{}',
    case status when 'CANCELED' then created_at end, case status when 'CANCELED' then 'user_requested' end,
    case status when 'CREATED' then now() + interval '1 year' end,
    case status when 'PAID' then 5 when 'CANCELED' then 4 else 2 end, created_at, created_at
from filled order by n;

insert into order_item (order_item_id, order_id, line_no, sku_id, product_id, product_name, qty, unit_price, item_total_amount,
    price_snapshot_json, created_at)
select pg_temp.id(moment, n, line), order_id, line, pg_temp.sku(n, line), 'product-' || pg_temp.sku(n, line),
    'Article ' || pg_temp.sku(n, line), 1, 1000, 1000,
    '{"offer_id":"01a1f8ab-ccb0-7000-99bf-6174c498085b","unit_price":10.00,"captured_at":"2026-11-20T11:16:13.020Z","title":null,"author":null}',
    created_at
from filled cross join generate_series(1, 2) line order by n, line;

insert into payment (payment_id, order_id, provider, provider_ref, status, amount, captured, refunded, currency, payment_method, version,
    created_at, updated_at)
select payment_id, order_id, 'stub', 'stub_' || payment_id, 'CAPTURED', 2000, 2000, 0, 'USD', 'card_stub', 2, created_at, created_at
from filled where status = 'PAID' order by n;

insert into inventory_ledger (ledger_key, sku_id, operation, qty, on_hand_delta, reserved_delta, ref_type, ref_id, created_at)
select order_id || '/' || operation || '/' || pg_temp.sku(n, line), pg_temp.sku(n, line), operation, 1, on_hand, reserved, 'order',
    order_id::text, created_at
from filled cross join generate_series(1, 2) line
    join (values ('CREATED', 'RESERVE', 0, 1), ('PAID', 'RESERVE', 0, 1), ('CANCELED', 'RESERVE', 0, 1), ('PAID', 'DEDUCT', -1, -1),
        ('CANCELED', 'RELEASE', 0, -1)) as booked (status, operation, on_hand, reserved) using (status)
order by n, line;

create temporary table told as
select filled.*, sequence, event_type, from_status, to_status
from filled
    join (values ('CREATED', 1, 'ORDER_CREATED', null, 'CREATED'), ('CREATED', 2, 'INVENTORY_RESERVED', 'CREATED', 'CREATED'),
        ('PAID', 1, 'ORDER_CREATED', null, 'CREATED'), ('PAID', 2, 'INVENTORY_RESERVED', 'CREATED', 'CREATED'),
        ('PAID', 3, 'PAYMENT_REQUESTED', 'CREATED', 'PAYMENT_PENDING'), ('PAID', 4, 'PAYMENT_SUCCEEDED', 'PAYMENT_PENDING', 'PAID'),
        ('PAID', 5, 'INVENTORY_DEDUCTED', 'PAID', 'PAID'),
        ('CANCELED', 1, 'ORDER_CREATED', null, 'CREATED'), ('CANCELED', 2, 'INVENTORY_RESERVED', 'CREATED', 'CREATED'),
        ('CANCELED', 3, 'ORDER_CANCELED', 'CREATED', 'CANCELED'), ('CANCELED', 4, 'INVENTORY_RELEASED', 'CANCELED', 'CANCELED'))
        as fact (status, sequence, event_type, from_status, to_status) using (status);

insert into order_event (order_event_id, order_id, sequence, event_type, from_status, to_status, payload_json, changed_by, request_id,
    created_at)
select pg_temp.id(moment, n, 32 + sequence), order_id, sequence, event_type, from_status, to_status,
    case event_type
        when 'ORDER_CREATED' then '{"total_amount":20.00,"currency":"USD","items":2}'
        when 'ORDER_CANCELED' then '{"reason":"user_requested"}'
        when 'PAYMENT_REQUESTED' then '{"payment_id":"' || payment_id || '","amount":20.00,"currency":"USD"}'
        when 'PAYMENT_SUCCEEDED' then '{"payment_id":"' || payment_id || '","amount":20.00,"currency":"USD"}'
        else '{}' end::json,
    'local', 'b7c1d2e3f4a5b6c7-00000001', created_at
from told order by n, sequence;

-- Published, as all but the newest are.
insert into outbox (id, event_type, aggregate_id, sequence, payload, published, created_at, published_at)
select pg_temp.id(moment, n, 64 + 2 * sequence + place), message, order_id, sequence,
    case message
        when 'order.status_changed' then format('{"order_id":"%s","order_number":"%s","from_status":"CREATED","to_status":"%s","payment_status":"pending"}', order_id, number, to_status)
        when 'payment.requested' then format('{"order_id":"%s","payment_id":"%s","amount":20.00,"currency":"USD","payment_method":"card_stub"}', order_id, payment_id)
        else format('{"order_id":"%s","order_number":"%s","channel":"canonical","status":"%s","payment_status":"pending","user_id":"%s","customer_email":null,"hold_id":null,"external_id":null,"currency":"USD","subtotal_amount":20.00,"discount_amount":0.00,"tax_amount":0.00,"shipping_fee":0.00,"total_amount":20.00,"items":[{"order_item_id":"%s","sku_id":"bench-00001","product_id":"product-bench-00001","name":"Article bench-00001","quantity":1,"unit_price":10.00,"item_total_amount":10.00},{"order_item_id":"%s","sku_id":"bench-00002","product_id":"product-bench-00002","name":"Article bench-00002","quantity":1,"unit_price":10.00,"item_total_amount":10.00}],"created_at":"2026-11-20T11:16:13.020Z"}', order_id, number, to_status, user_id, pg_temp.id(moment, n, 1), pg_temp.id(moment, n, 2))
    end::jsonb,
    true, created_at, created_at
from told
    join (values ('ORDER_CREATED', 0, 'order.created'), ('ORDER_CREATED', 1, 'order.status_changed'),
        ('PAYMENT_REQUESTED', 0, 'payment.requested'), ('PAYMENT_REQUESTED', 1, 'order.status_changed'),
        ('PAYMENT_SUCCEEDED', 0, 'order.confirmed'), ('PAYMENT_SUCCEEDED', 1, 'order.status_changed'),
        ('ORDER_CANCELED', 0, 'order.cancelled'), ('ORDER_CANCELED', 1, 'order.status_changed'))
        as message (event_type, place, message) using (event_type)
order by n, sequence, place;

insert into idempotency_key (scoped_key, fingerprint, answer, created_at)
select key, sha256(key::bytea), order_id::text, created_at from filled order by n;

drop table filled, told;
