-- After all parts of fill_orders.sql: balances become the sum of their ledger, numbers go on behind the highest.
update inventory_balance b
set on_hand = booked.on_hand, reserved = booked.reserved, version = b.version + 1, updated_at = now()
from (select sku_id, sum(on_hand_delta) as on_hand, sum(reserved_delta) as reserved from inventory_ledger group by sku_id) booked
where booked.sku_id = b.sku_id;
select setval(format('order_number_%s', extract(year from now() at time zone 'UTC'))::regclass, 1000000 + :orders);
vacuum analyze;
checkpoint;
