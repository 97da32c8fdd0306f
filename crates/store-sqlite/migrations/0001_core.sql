-- The core: catalogue, stock, orders, payments, facts, messages, keys.
-- Amounts are whole minor units of the row's currency. Times are milliseconds since 1970 in UTC. Ids are the 16 bytes
-- of a UUID: half of the text, and version 7 still sorts by time. Words are checked.
--
-- A check of words is a chain of `or`: for `in` SQLite builds a B-tree of the words at every insert.
-- The foreign keys of lines and facts are checked when a transaction ends: a statement of several rows would else keep copies of the pages it touches.
-- Small rows are clustered by their key (`without rowid`: one B-tree instead of two), lines and facts by their order. Orders and messages are not: large
-- rows among keys leave room for few keys in a page.

create table sku (
    sku_id      text primary key not null,
    product_id  text not null,
    name        text not null check (length(name) <= 255),
    status      text not null check (status = 'ACTIVE' or status = 'INACTIVE'),
    tax_class   text not null,
    title       text,
    author      text,
    version     integer not null check (version > 0),
    created_at  integer not null,
    updated_at  integer not null
) strict, without rowid;
create index sku_product on sku (product_id);

create table offer (
    offer_id    blob primary key not null check (length(offer_id) = 16),
    sku_id      text not null references sku (sku_id),
    price       integer not null check (price >= 0),
    currency    text not null check (length(currency) = 3),
    priority    integer not null,
    valid_from  integer not null,
    valid_to    integer check (valid_to > valid_from),
    status      text not null check (status = 'ACTIVE' or status = 'PAUSED' or status = 'ENDED'),
    created_at  integer not null,
    updated_at  integer not null
) strict, without rowid;
-- In the order in which a SKU's offers are read.
create index offer_sku on offer (sku_id, created_at);

create table inventory_balance (
    sku_id      text primary key not null,
    on_hand     integer not null check (on_hand >= 0),
    reserved    integer not null check (reserved >= 0),
    version     integer not null check (version > 0),
    updated_at  integer not null,
    constraint inventory_balance_covers_reserved check (reserved <= on_hand)
) strict, without rowid;

-- Never updated, never deleted: the balance is its sum.
create table inventory_ledger (
    ledger_key      text primary key not null,
    sku_id          text not null,
    operation       text not null check (operation = 'RESERVE' or operation = 'RELEASE' or operation = 'DEDUCT' or operation = 'RESTOCK' or operation = 'ADJUST'),
    qty             integer not null check (qty <> 0),
    on_hand_delta   integer not null,
    reserved_delta  integer not null,
    ref_type        text not null,
    ref_id          text not null,
    created_at      integer not null
) strict, without rowid;

-- What was reserved by hand or for another service; what orders reserve stands in their lines.
create table reservation (
    reservation_key text primary key not null,
    sku_id          text not null,
    ref_type        text not null,
    ref_id          text not null,
    qty             integer not null check (qty >= 0),
    version         integer not null check (version > 0),
    created_at      integer not null,
    updated_at      integer not null
) strict, without rowid;

create table orders (
    order_id                blob primary key not null check (length(order_id) = 16),
    order_number            text not null check (length(order_number) <= 50),
    channel                 text not null check (channel = 'canonical' or channel = 'checkout' or channel = 'tickets' or channel = 'storefront'),
    user_id                 text,
    customer_email          text,
    cart_id                 text,
    cart_session_id         text,
    external_id             text,
    hold_id                 blob check (length(hold_id) = 16),
    idempotency_key         text,
    -- Set: the key that the order was placed with is kept here and not in `idempotency_key`; its answer is the order. Keys come at random, and
    -- each B-tree of them costs an order a page of the log.
    key_fingerprint         blob check (length(key_fingerprint) = 32),
    status                  text not null check (status = 'CREATED' or status = 'PAYMENT_PENDING' or status = 'PAID' or status = 'READY_TO_SHIP' or status = 'SHIPPED' or status = 'DELIVERED' or status = 'CANCELED' or status = 'REFUND_PENDING' or status = 'REFUNDED'),
    payment_status          text not null check (payment_status = 'pending' or payment_status = 'authorized' or payment_status = 'paid' or payment_status = 'captured' or payment_status = 'failed' or payment_status = 'partially_refunded' or payment_status = 'refunded'),
    payment_method          text,
    payment_id              blob check (length(payment_id) = 16),
    stock_state             text not null check (stock_state = 'foreign' or stock_state = 'reserved' or stock_state = 'deducted' or stock_state = 'released' or stock_state = 'restocked'),
    currency                text not null default 'USD' check (length(currency) = 3),
    subtotal                integer not null check (subtotal >= 0),
    discount_amount         integer not null default 0 check (discount_amount >= 0),
    tax_amount              integer not null default 0 check (tax_amount >= 0),
    shipping_fee            integer not null default 0 check (shipping_fee >= 0),
    total_amount            integer not null check (total_amount >= 0),
    shipping_address_id     text,
    shipping_address        text check (json_valid(shipping_address)),
    billing_address_id      text,
    billing_address         text check (json_valid(billing_address)),
    notes                   text,
    metadata                text not null default '{}' check (json_valid(metadata)),
    tracking_number         text check (length(tracking_number) <= 100),
    shipped_at              integer,
    delivered_at            integer,
    cancelled_at            integer,
    cancellation_reason     text,
    expires_at              integer,
    version                 integer not null check (version > 0),
    created_at              integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    updated_at              integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    constraint orders_key check (key_fingerprint is null or idempotency_key is not null),
    constraint orders_sum check (subtotal + tax_amount + shipping_fee - discount_amount = total_amount)
) strict;
create unique index orders_number on orders (order_number);
-- SQLite would keep an entry for every NULL.
create unique index orders_cart_session on orders (cart_session_id) where cart_session_id is not null;
create unique index orders_idempotency_key on orders (idempotency_key) where idempotency_key is not null;
-- Rising: SQLite fills a page only when entries come at its end, and reads an index backwards as well.
create index orders_user on orders (user_id, created_at, order_id) where user_id is not null;
create index orders_status on orders (status, created_at, order_id);
create index orders_created on orders (created_at, order_id);
create index orders_email on orders (customer_email) where customer_email is not null;
create index orders_expiring on orders (expires_at) where expires_at is not null;

-- The last number that was saved in each year.
create table order_number (
    year    integer primary key not null,
    last    integer not null check (last > 0)
) strict;

create table order_item (
    order_item_id       blob unique not null check (length(order_item_id) = 16),
    order_id            blob not null references orders (order_id) on delete cascade deferrable initially deferred,
    line_no             integer not null,
    sku_id              text,
    product_id          text,
    product_name        text check (length(product_name) <= 255),
    session_id          blob check (length(session_id) = 16),
    ticket_type_id      blob check (length(ticket_type_id) = 16),
    qty                 integer not null check (qty > 0),
    unit_price          integer not null check (unit_price >= 0),
    item_total_amount   integer not null,
    price_snapshot_json text,
    shipped_qty         integer not null default 0,
    refunded_qty        integer not null default 0,
    created_at          integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    primary key (order_id, line_no),
    constraint order_item_sum check (item_total_amount = qty * unit_price),
    constraint order_item_subject check ((sku_id is null) <> (session_id is null)),
    constraint order_item_shipped check (shipped_qty between 0 and qty),
    constraint order_item_refunded check (refunded_qty between 0 and qty)
) strict, without rowid;

create table payment (
    payment_id      blob primary key not null check (length(payment_id) = 16),
    order_id        blob not null references orders (order_id) on delete cascade,
    provider        text not null,
    provider_ref    text,
    status          text not null check (status = 'INITIATED' or status = 'AUTHORIZED' or status = 'CAPTURED' or status = 'PARTIALLY_REFUNDED' or status = 'REFUNDED' or status = 'FAILED' or status = 'CANCELED' or status = 'UNKNOWN'),
    amount          integer not null check (amount >= 0),
    captured        integer not null check (captured between 0 and amount),
    refunded        integer not null check (refunded between 0 and captured),
    -- Money that came when the order was no longer waiting for it: it covers nothing and goes back.
    surplus         integer not null default 0 check (surplus in (0, 1)),
    currency        text not null check (length(currency) = 3),
    payment_method  text not null default 'card_stub',
    failure_reason  text,
    silences        integer not null default 0,
    next_check_at   integer,
    version         integer not null check (version > 0),
    created_at      integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    updated_at      integer not null default (cast(unixepoch('subsec') * 1000 as integer))
) strict, without rowid;
create index payment_order on payment (order_id);
create unique index payment_one_captured on payment (order_id) where status in ('CAPTURED', 'PARTIALLY_REFUNDED') and not surplus;
create index payment_due on payment (next_check_at) where next_check_at is not null;

-- Never updated, never deleted: the order's status is its fold, the order's version its count.
create table order_event (
    order_event_id  blob unique not null check (length(order_event_id) = 16),
    order_id        blob not null references orders (order_id) on delete cascade deferrable initially deferred,
    sequence        integer not null check (sequence > 0),
    event_type      text not null,
    from_status     text,
    to_status       text not null,
    payload_json    text not null,
    notes           text,
    changed_by      text,
    request_id      text,
    created_at      integer not null default (cast(unixepoch('subsec') * 1000 as integer)),
    constraint order_event_sequence primary key (order_id, sequence)
) strict, without rowid;

create view order_status_history as
    select order_event_id as id, order_id, from_status, to_status, notes, changed_by, created_at
    from order_event
    where from_status is distinct from to_status;

create table outbox (
    id              blob primary key not null check (length(id) = 16),
    event_type      text not null,
    aggregate_id    blob not null check (length(aggregate_id) = 16),
    sequence        integer not null,
    payload         text not null,
    published       integer not null default 0 check (published = 0 or published = 1),
    created_at      integer not null,
    published_at    integer
) strict;
create index outbox_unpublished on outbox (published, created_at);

-- One key, one effect, but for those that placed an order: see `orders.key_fingerprint`. Text: caller, command and key, set apart by U+001F.
create table idempotency_key (
    scoped_key  text primary key not null,
    fingerprint blob not null check (length(fingerprint) = 32),
    answer      text not null,
    created_at  integer not null
) strict;

-- A unique name of each save: after a cut connection it tells whether the save happened. A settlement that finds no
-- mark takes it with saved = 0: the save can then never happen, and asking again gives the same answer.
create table commit_mark (
    mark        blob primary key not null check (length(mark) = 16),
    saved       integer not null default 1 check (saved = 0 or saved = 1),
    saved_at    integer not null default (cast(unixepoch('subsec') * 1000 as integer))
) strict, without rowid;
create index commit_mark_saved_at on commit_mark (saved_at);
