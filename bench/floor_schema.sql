-- The floor works on the product's own tables: the same keys, indexes, checks and foreign keys, the same rows an order. What
-- differs is the way: a careful service written by hand, one transaction an order.
\ir ../crates/store-postgres/migrations/0001_core.sql

-- Numbers for orders and, as the leading digits of rising ids, for what belongs to them.
create sequence floor_serial;

insert into sku (sku_id, product_id, name, status, tax_class, version, created_at, updated_at)
select 'sku-' || n, 'product-' || n, 'An item of the catalogue', 'ACTIVE', 'standard', 1, now(), now() from generate_series(100001, 101000) n;
insert into offer (offer_id, sku_id, price, currency, priority, valid_from, status, created_at, updated_at)
select gen_random_uuid(), sku_id, 1999, 'USD', 0, now(), 'ACTIVE', now(), now() from sku;
insert into inventory_balance (sku_id, on_hand, reserved, version, updated_at) select sku_id, 1000000000, 0, 1, now() from sku;
