-- The same when everybody wants one item: an order of one line, the same item in every order.
\set quantity random(1, 3)
\set customer random(1, 100000)
\set key random(1, 9000000000000000000)
begin;
select count(*) as known from idempotency_key where key = 'place:' || :key \gset
select price_minor as price from offer where sku = 'sku-100001' and active \gset
update stock set reserved = reserved + :quantity, updated_at = now() where sku = 'sku-100001' and on_hand - reserved >= :quantity returning reserved as reserved_now \gset
insert into orders (id, user_id, status, currency, subtotal_minor, tax_minor, shipping_minor, total_minor) values (uuid_v7(), :customer, 'created', 'EUR', :quantity::bigint * :price::bigint, 0, 490, :quantity::bigint * :price::bigint + 490) returning id as order_id, number as order_number \gset
insert into stock_ledger (sku, order_id, delta, reason) values ('sku-100001', :order_id::uuid, - :quantity::bigint, 'reserve');
insert into order_item (order_id, line, sku, quantity, unit_price_minor, total_minor, snapshot) values (:order_id::uuid, 1, 'sku-100001', :quantity::bigint, :price::bigint, :quantity::bigint * :price::bigint, '{"name": "An item of the catalogue", "currency": "EUR", "taxes": [], "attributes": {"size": "M", "colour": "blue"}}');
insert into order_event (order_id, sequence, type, payload) values (:order_id::uuid, 1, 'order.created', '{"lines": 1, "currency": "EUR", "channel": "web", "note": null}'), (:order_id::uuid, 2, 'stock.reserved', '{"lines": 1, "warehouse": "default"}');
insert into outbox (topic, key, payload) values ('order.created', :order_id::text, '{"specversion": "1.0", "type": "order.created", "source": "orders", "data": {"lines": 1, "currency": "EUR", "channel": "web", "status": "created", "payment": "pending"}}'), ('stock.reserved', :order_id::text, '{"specversion": "1.0", "type": "stock.reserved", "source": "orders", "data": {"lines": 1, "warehouse": "default"}}');
insert into idempotency_key (key, fingerprint, order_id) values ('place:' || :key, md5(:key::text), :order_id::uuid);
commit;
