-- One order of two different items, as a careful service would place it: 12 round trips, one transaction. `\gset` fails
-- on no row, so an update that finds too little stock ends the run instead of counting as an order.
\set a random(1, 1000)
\set b 1 + (:a + random(0, 998)) % 1000
\set first 100000 + least(:a, :b)
\set second 100000 + greatest(:a, :b)
\set quantity random(1, 3)
\set customer random(1, 100000)
\set key random(1, 9000000000000000000)
begin;
select count(*) as known from idempotency_key where key = 'place:' || :key \gset
select max(price_minor) filter (where sku = 'sku-' || :first) as price_first, max(price_minor) filter (where sku = 'sku-' || :second) as price_second from offer where sku in ('sku-' || :first, 'sku-' || :second) and active \gset
\set subtotal :quantity * :price_first + :price_second
update stock set reserved = reserved + :quantity, updated_at = now() where sku = 'sku-' || :first and on_hand - reserved >= :quantity returning reserved as reserved_first \gset
update stock set reserved = reserved + 1, updated_at = now() where sku = 'sku-' || :second and on_hand - reserved >= 1 returning reserved as reserved_second \gset
insert into orders (id, user_id, status, currency, subtotal_minor, tax_minor, shipping_minor, total_minor) values (uuid_v7(), :customer, 'created', 'EUR', :subtotal, 0, 490, :subtotal + 490) returning id as order_id, number as order_number \gset
insert into stock_ledger (sku, order_id, delta, reason) values ('sku-' || :first, :order_id::uuid, - :quantity::bigint, 'reserve'), ('sku-' || :second, :order_id::uuid, -1, 'reserve');
insert into order_item (order_id, line, sku, quantity, unit_price_minor, total_minor, snapshot) values (:order_id::uuid, 1, 'sku-' || :first, :quantity::bigint, :price_first::bigint, :quantity::bigint * :price_first::bigint, '{"name": "An item of the catalogue", "currency": "EUR", "taxes": [], "attributes": {"size": "M", "colour": "blue"}}'), (:order_id::uuid, 2, 'sku-' || :second, 1, :price_second::bigint, :price_second::bigint, '{"name": "Another item of the catalogue", "currency": "EUR", "taxes": [], "attributes": {"size": "L", "colour": "red"}}');
insert into order_event (order_id, sequence, type, payload) values (:order_id::uuid, 1, 'order.created', '{"lines": 2, "currency": "EUR", "channel": "web", "note": null}'), (:order_id::uuid, 2, 'stock.reserved', '{"lines": 2, "warehouse": "default"}');
insert into outbox (topic, key, payload) values ('order.created', :order_id::text, '{"specversion": "1.0", "type": "order.created", "source": "orders", "data": {"lines": 2, "currency": "EUR", "channel": "web", "status": "created", "payment": "pending"}}'), ('stock.reserved', :order_id::text, '{"specversion": "1.0", "type": "stock.reserved", "source": "orders", "data": {"lines": 2, "warehouse": "default"}}');
insert into idempotency_key (key, fingerprint, order_id) values ('place:' || :key, md5(:key::text), :order_id::uuid);
commit;
