-- The core: catalogue, stock, orders, payments, facts, messages, keys.
-- Amounts are whole minor units of the row's currency. Times are UTC with milliseconds. Words are checked.
-- Keys are compared byte by byte (collate "C"), whatever language the database was made for.

create table sku (
    sku_id      text collate "C" primary key,
    product_id  text not null,
    name        varchar(255) not null,
    status      text not null check (status in ('ACTIVE', 'INACTIVE')),
    tax_class   text not null,
    title       text,
    author      text,
    version     bigint not null check (version > 0),
    created_at  timestamptz not null,
    updated_at  timestamptz not null
);
create index sku_product on sku (product_id, sku_id);

create table offer (
    offer_id    uuid primary key,
    sku_id      text collate "C" not null references sku (sku_id),
    price       bigint not null check (price >= 0),
    currency    varchar(3) not null,
    priority    integer not null,
    valid_from  timestamptz not null,
    valid_to    timestamptz check (valid_to > valid_from),
    status      text not null check (status in ('ACTIVE', 'PAUSED', 'ENDED')),
    created_at  timestamptz not null,
    updated_at  timestamptz not null
);
create index offer_sku on offer (sku_id);

create table inventory_balance (
    sku_id      text collate "C" primary key,
    on_hand     bigint not null check (on_hand >= 0),
    reserved    bigint not null check (reserved >= 0),
    version     bigint not null check (version > 0),
    updated_at  timestamptz not null,
    constraint inventory_balance_covers_reserved check (reserved <= on_hand)
) with (fillfactor = 70);

-- Never updated, never deleted: the balance is its sum.
create table inventory_ledger (
    ledger_key      text collate "C" primary key,
    sku_id          text collate "C" not null,
    operation       text not null check (operation in ('RESERVE', 'RELEASE', 'DEDUCT', 'RESTOCK', 'ADJUST')),
    qty             bigint not null check (qty <> 0),
    on_hand_delta   bigint not null,
    reserved_delta  bigint not null,
    ref_type        text not null,
    ref_id          text not null,
    created_at      timestamptz not null
);

-- What was reserved by hand or for another service; what orders reserve stands in their lines.
create table reservation (
    reservation_key text collate "C" primary key,
    sku_id          text collate "C" not null,
    ref_type        text not null,
    ref_id          text not null,
    qty             bigint not null check (qty >= 0),
    version         bigint not null check (version > 0),
    created_at      timestamptz not null,
    updated_at      timestamptz not null
);

create table orders (
    order_id                uuid primary key,
    order_number            varchar(50) not null unique,
    channel                 text not null check (channel in ('canonical', 'checkout', 'tickets', 'storefront')),
    user_id                 text,
    customer_email          text,
    cart_id                 text,
    cart_session_id         text,
    external_id             text,
    hold_id                 uuid,
    idempotency_key         text collate "C" unique,
    status                  text not null check (status in ('CREATED', 'PAYMENT_PENDING', 'PAID', 'READY_TO_SHIP', 'SHIPPED', 'DELIVERED', 'CANCELED', 'REFUND_PENDING', 'REFUNDED')),
    payment_status          text not null check (payment_status in ('pending', 'authorized', 'paid', 'captured', 'failed', 'partially_refunded', 'refunded')),
    payment_method          text,
    payment_id              uuid,
    stock_state             text not null check (stock_state in ('foreign', 'reserved', 'deducted', 'released', 'restocked')),
    currency                varchar(3) not null default 'USD',
    subtotal                bigint not null check (subtotal >= 0),
    discount_amount         bigint not null default 0 check (discount_amount >= 0),
    tax_amount              bigint not null default 0 check (tax_amount >= 0),
    shipping_fee            bigint not null default 0 check (shipping_fee >= 0),
    total_amount            bigint not null check (total_amount >= 0),
    shipping_address_id     text,
    shipping_address        jsonb,
    billing_address_id      text,
    billing_address         jsonb,
    notes                   text,
    metadata                jsonb not null default '{}',
    tracking_number         varchar(100),
    shipped_at              timestamptz,
    delivered_at            timestamptz,
    cancelled_at            timestamptz,
    cancellation_reason     text,
    expires_at              timestamptz,
    version                 bigint not null check (version > 0),
    created_at              timestamptz not null default now(),
    updated_at              timestamptz not null default now(),
    constraint orders_sum check (subtotal + tax_amount + shipping_fee - discount_amount = total_amount)
) with (fillfactor = 80);
create unique index orders_cart_session on orders (cart_session_id) where cart_session_id is not null;
create index orders_user on orders (user_id, created_at, order_id);
create index orders_status on orders (status, created_at, order_id);
create index orders_created on orders (created_at, order_id);
create index orders_email on orders (customer_email) where customer_email is not null;
create index orders_expiring on orders (expires_at) where expires_at is not null;

create table order_item (
    order_item_id       uuid primary key,
    order_id            uuid not null references orders (order_id) on delete cascade,
    line_no             integer not null,
    sku_id              text collate "C",
    product_id          text,
    product_name        varchar(255),
    session_id          uuid,
    ticket_type_id      uuid,
    qty                 integer not null check (qty > 0),
    unit_price          bigint not null check (unit_price >= 0),
    item_total_amount   bigint not null,
    price_snapshot_json json,
    shipped_qty         integer not null default 0,
    refunded_qty        integer not null default 0,
    created_at          timestamptz not null default now(),
    constraint order_item_sum check (item_total_amount = qty * unit_price),
    constraint order_item_subject check ((sku_id is null) <> (session_id is null)),
    constraint order_item_shipped check (shipped_qty between 0 and qty),
    constraint order_item_refunded check (refunded_qty between 0 and qty)
);
create index order_item_order on order_item (order_id);
create index order_item_product on order_item (product_id) where product_id is not null;

create table payment (
    payment_id      uuid primary key,
    order_id        uuid not null references orders (order_id) on delete cascade,
    provider        text not null,
    provider_ref    text,
    status          text not null check (status in ('INITIATED', 'AUTHORIZED', 'CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'FAILED', 'CANCELED', 'UNKNOWN')),
    amount          bigint not null check (amount >= 0),
    captured        bigint not null check (captured between 0 and amount),
    refunded        bigint not null check (refunded between 0 and captured),
    -- Money that came when the order was no longer waiting for it: it covers nothing and goes back.
    surplus         boolean not null default false,
    currency        varchar(3) not null,
    payment_method  text not null default 'card_stub',
    failure_reason  text,
    silences        integer not null default 0,
    next_check_at   timestamptz,
    version         bigint not null check (version > 0),
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now()
);
create index payment_order on payment (order_id);
create unique index payment_one_captured on payment (order_id) where status in ('CAPTURED', 'PARTIALLY_REFUNDED') and not surplus;
create index payment_due on payment (next_check_at) where next_check_at is not null;

-- Never updated, never deleted: the order's status is its fold, the order's version its count.
create table order_event (
    order_event_id  uuid primary key,
    order_id        uuid not null references orders (order_id) on delete cascade,
    sequence        bigint not null check (sequence > 0),
    event_type      text not null,
    from_status     text,
    to_status       text not null,
    payload_json    json not null,
    notes           text,
    changed_by      text,
    request_id      text,
    created_at      timestamptz not null default now(),
    constraint order_event_sequence unique (order_id, sequence)
);

create view order_status_history as
    select order_event_id as id, order_id, from_status, to_status, notes, changed_by, created_at
    from order_event
    where from_status is distinct from to_status;

create table outbox (
    id              uuid primary key,
    event_type      text not null,
    aggregate_id    uuid not null,
    sequence        bigint not null,
    payload         jsonb not null,
    published       boolean not null default false,
    created_at      timestamptz not null,
    published_at    timestamptz
);
create index outbox_unpublished on outbox (published, created_at);

-- One key, one effect. Text: caller, command and key, set apart by U+001F.
create table idempotency_key (
    scoped_key  text collate "C" primary key,
    fingerprint bytea not null check (length(fingerprint) = 32),
    answer      text not null,
    created_at  timestamptz not null
);

-- A unique name of each save: after a cut connection it tells whether the save happened. A settlement that finds no
-- mark takes it with saved = false: the save can then never happen, and asking again gives the same answer.
create table commit_mark (
    mark        uuid primary key,
    saved       boolean not null default true,
    saved_at    timestamptz not null default now()
);
create index commit_mark_saved_at on commit_mark (saved_at);

-- Fails when a guarded statement did not change every row it was given: the COMMIT behind it is already on its way.
create function ordo_expect(table_name text, changed bigint, expected bigint) returns void
language plpgsql as $$
begin
    if changed <> expected then
        raise exception 'changed % of % rows of %', changed, expected, table_name
            using errcode = 'OR001', table = table_name, constraint = table_name || '_version';
    end if;
end $$;

-- Draws order numbers, rising, from 1 in each UTC year. The year's sequence is made on first use; of two that make it at
-- once, one waits. Runs as its owner, so that the service's role needs no right to create.
create function draw_order_numbers(of_year integer, how_many integer) returns setof bigint
language plpgsql security definer as $$
declare
    sequence_name constant text := format('order_number_%s', of_year);
begin
    if to_regclass(sequence_name) is null then
        perform pg_advisory_xact_lock(hashtextextended('ordo.' || sequence_name, 0));
        execute format('create sequence if not exists %I', sequence_name);
    end if;
    return query execute format('select nextval(%L::regclass) from generate_series(1, $1)', sequence_name) using how_many;
end $$;
do $$
begin
    execute format('alter function draw_order_numbers(integer, integer) set search_path = %I, pg_temp', current_schema());
end $$;
