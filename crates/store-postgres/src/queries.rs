//! Everything that is read beside commands: from a small pool, committed rows only.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use deadpool_postgres::{Object, Transaction};
use domain::Caller;
use domain::cart::{Cart, CartOwner};
use domain::catalog::Sku;
use domain::checkout::Checkout;
use domain::command::OrderAnswer;
use domain::hold::Hold;
use domain::ids::{CartId, CartItemId, HoldId, OfferId, OrderId, PaymentId, ProductId, RefundId, SessionId, SkuId, TaskId, Uuid};
use domain::key::{KeyRow, ScopedKey};
use domain::payment::Payment;
use domain::refund::Refund;
use domain::stock::Balance;
use domain::task::Task;
use domain::time::Time;
use engine::port::{OrderFilter, OutboxStanding, Page, Queries, RecordedEvent, Unavailable, Violation};
use tokio::try_join;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, IsolationLevel, Row};

use crate::error::Failure;
use crate::opening::Opening;
use crate::order_list::OrderList;
use crate::types::{Fields, Moment};
use crate::{
    PostgresStore, audit, cart, checkout, event, hold, key, line, mark, migrate, offer, order, outbox, payment, refund, shipment, sku,
    stock, task,
};

type Values<'v> = [&'v (dyn ToSql + Sync)];

impl PostgresStore {
    /// Does `work` on a connection of the pool; once more if that turned out to be gone: reads may be repeated.
    async fn read<T, F>(&self, work: impl Fn(Object) -> F + Send + Sync) -> Result<T, Unavailable>
    where
        T: Send,
        F: Future<Output = Result<T, Failure>> + Send,
    {
        match self.read_once(&work).await {
            Err(failure) if failure.is_of_the_connection() => {
                // The server was restarted, most likely: the others are gone too.
                self.pool.retain(|_, _| false);
                Ok(self.read_once(&work).await?)
            }
            read => Ok(read?),
        }
    }

    async fn read_once<T, F>(&self, work: &(impl Fn(Object) -> F + Send + Sync)) -> Result<T, Failure>
    where
        T: Send,
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let client = self.pool.get().await.map_err(Failure::from_pool)?;
        let limit = self.access.options.flight();
        tokio::time::timeout(limit, work(client)).await.map_err(|_| Failure::Silent(limit))?
    }

    async fn rows(&self, sql: &str, values: &Values<'_>) -> Result<Vec<Row>, Unavailable> {
        self.read(move |client| async move {
            let statement = client.prepare_cached(sql).await?;
            Ok(self.with_settings(&client, |opening| &opening.snapshot, client.query(&statement, values)).await?)
        })
        .await
    }

    /// Writes beside the sessions: a statement that may be repeated. How many rows it took.
    async fn write_once(&self, sql: &str, values: &Values<'_>) -> Result<u64, Unavailable> {
        self.read(move |client| async move {
            let statement = client.prepare_cached(sql).await?;
            Ok(self.with_settings(&client, |opening| &opening.write, client.execute(&statement, values)).await?)
        })
        .await
    }

    /// Does `work`, one statement; behind a pooler in a transaction that brings its settings.
    async fn with_settings<T>(
        &self,
        client: &Client,
        begin: impl Fn(&Opening) -> &str,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let Some(opening) = self.access.reads_by_pooler() else { return work.await };
        let ((), done, ()) = try_join!(biased; client.batch_execute(begin(opening)), work, client.batch_execute("commit"))?;
        Ok(done)
    }

    /// What several statements see alike. Ends when it is dropped, wherever its reader was left.
    async fn snapshot<'c>(&self, client: &'c mut Object) -> Result<Transaction<'c>, Failure> {
        let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await?;
        if let Some(opening) = self.access.reads_by_pooler() {
            snapshot.batch_execute(&opening.settings).await?;
        }
        Ok(snapshot)
    }

    async fn row(&self, sql: &str, values: &Values<'_>) -> Result<Option<Row>, Unavailable> {
        Ok(self.rows(sql, values).await?.pop())
    }

    /// SKUs by `sql`, with their offers, in the order of `sql`.
    async fn skus_by(&self, sql: &str, values: &Values<'_>) -> Result<Vec<Arc<Sku>>, Unavailable> {
        self.read(move |mut client| async move {
            let snapshot = self.snapshot(&mut client).await?;
            let skus = snapshot.query(&snapshot.prepare_cached(sql).await?, values).await?;
            let ids = skus.iter().map(|row| row.try_get(0)).collect::<Result<Vec<&str>, _>>()?;
            let offers = snapshot.query(&snapshot.prepare_cached(offer::LOAD).await?, &[&ids]).await?;
            Ok(sku::with_offers(&skus, &offers)?.into_iter().map(Arc::new).collect())
        })
        .await
    }

    /// Orders by `sql`, with their lines and latest payments, in the order of `sql`.
    async fn orders_by(&self, sql: &str, values: &Values<'_>) -> Result<Vec<OrderAnswer>, Unavailable> {
        self.read(move |mut client| async move {
            let snapshot = self.snapshot(&mut client).await?;
            let orders = snapshot.query(&snapshot.prepare_cached(sql).await?, values).await?;
            if orders.is_empty() {
                return Ok(Vec::new());
            }
            let orders = orders.iter().map(order::read).collect::<Result<Vec<_>, _>>()?;
            let ids = orders.iter().map(|order| order.order_id.0).collect::<Vec<_>>();
            let payment_ids = orders.iter().filter_map(|order| Some(order.payment_id?.0)).collect::<Vec<_>>();
            let of = async |sql: &str, ids: &Vec<Uuid>| snapshot.query(&snapshot.prepare_cached(sql).await?, &[ids]).await;
            let (lines, payments, shipments, refunds) =
                try_join!(of(line::LOAD, &ids), of(payment::LOAD, &payment_ids), of(shipment::LOAD, &ids), of(refund::OF_ORDERS, &ids))?;
            let payments = payments.iter().map(|row| payment::read(row).map(|payment| (payment.payment_id, Arc::new(payment))));
            let payments = payments.collect::<Result<HashMap<_, _>, _>>()?;
            let mut refunds_of = HashMap::<OrderId, Vec<Arc<Refund>>>::new();
            for row in &refunds {
                let refund = refund::read(row)?;
                refunds_of.entry(refund.order_id).or_default().push(Arc::new(refund));
            }
            let answer = |order: domain::order::Order| {
                let payment = order.payment_id.and_then(|id| payments.get(&id).cloned());
                let refunds = refunds_of.remove(&order.order_id).unwrap_or_default();
                let refund_ids = refunds.iter().map(|refund| refund.refund_id).collect();
                OrderAnswer::now(Arc::new(domain::order::Order { refunds: refund_ids, ..order }), payment, refunds)
            };
            Ok(order::whole(orders, &lines, &shipments, &[])?.into_iter().map(answer).collect())
        })
        .await
    }
}

#[async_trait]
impl Queries for PostgresStore {
    async fn order(&self, caller: &Caller, order_id: OrderId) -> Result<Option<OrderAnswer>, Unavailable> {
        Ok(self.orders_by(order::OF_CALLER, &[&order_id.0, &caller.only_own()]).await?.pop())
    }

    async fn orders(&self, caller: &Caller, filter: &OrderFilter, page: Page<(Time, Uuid)>) -> Result<Vec<OrderAnswer>, Unavailable> {
        let list = OrderList::of(caller, filter, page);
        self.orders_by(&list.sql, &list.values()).await
    }

    async fn order_events(&self, caller: &Caller, order_id: OrderId, page: Page<i64>) -> Result<Option<Vec<RecordedEvent>>, Unavailable> {
        if self.row(order::IS_OF_CALLER, &[&order_id.0, &caller.only_own()]).await?.is_none() {
            return Ok(None);
        }
        let events = self.rows(event::HISTORY, &[&order_id.0, &page.after.unwrap_or(0), &i64::from(page.limit)]).await?;
        Ok(Some(events.iter().map(event::read).collect::<Result<_, _>>()?))
    }

    async fn payment(&self, caller: &Caller, payment_id: PaymentId) -> Result<Option<Arc<Payment>>, Unavailable> {
        let row = self.row(payment::OF_CALLER, &[&payment_id.0, &caller.only_own()]).await?;
        Ok(row.as_ref().map(payment::read).transpose()?.map(Arc::new))
    }

    async fn sku(&self, sku_id: &SkuId) -> Result<Option<Arc<Sku>>, Unavailable> {
        Ok(self.skus_by(sku::LOAD, &[&[sku_id.as_str()].as_slice()]).await?.pop())
    }

    async fn skus(&self, product_id: Option<&ProductId>, page: Page<SkuId>) -> Result<Vec<Arc<Sku>>, Unavailable> {
        let after = page.after.as_ref().map(SkuId::as_str);
        self.skus_by(sku::PAGE, &[&product_id.map(ProductId::as_str), &after, &i64::from(page.limit)]).await
    }

    async fn sku_of_offer(&self, offer_id: OfferId) -> Result<Option<SkuId>, Unavailable> {
        let row = self.row(offer::WHOSE, &[&offer_id.0]).await?;
        Ok(row.map(|row| row.try_get::<_, &str>(0).map(SkuId::from)).transpose().map_err(Failure::from)?)
    }

    async fn cart(&self, owner: &CartOwner) -> Result<Option<Arc<Cart>>, Unavailable> {
        let owner = [owner.to_string()];
        let cart = self.read(|mut client| {
            let owner = &owner;
            async move {
                let snapshot = self.snapshot(&mut client).await?;
                let of = async |sql: &str| snapshot.query(&snapshot.prepare_cached(sql).await?, &[&owner.as_slice()]).await;
                let (cart, lines) = try_join!(of(cart::LOAD), of(cart::LINES_LOAD))?;
                cart::whole(&cart, &lines)
            }
        });
        Ok(cart.await?.pop().map(Arc::new))
    }

    async fn owner_of_cart(&self, cart_id: CartId) -> Result<Option<CartOwner>, Unavailable> {
        let row = self.row(cart::WHOSE, &[&cart_id.0]).await?;
        Ok(row.map(|row| Fields::of(&row).owner()).transpose()?)
    }

    async fn owner_of_cart_item(&self, cart_item_id: CartItemId) -> Result<Option<(CartOwner, SkuId)>, Unavailable> {
        let row = self.row(cart::WHOSE_ITEM, &[&cart_item_id.0]).await?;
        let whose = |row: &Row| {
            let mut row = Fields::of(row);
            Ok::<_, Failure>((row.owner()?, SkuId(row.text()?)))
        };
        Ok(row.as_ref().map(whose).transpose()?)
    }

    async fn carts_to_abandon(&self, now: Time, limit: u32) -> Result<Vec<CartOwner>, Unavailable> {
        let rows = self.rows(cart::EXPIRED, &[&Moment(now), &i64::from(limit)]).await?;
        Ok(rows.iter().map(|row| Fields::of(row).owner()).collect::<Result<_, _>>()?)
    }

    async fn forget_carts(&self, now: Time, limit: u32) -> Result<u64, Unavailable> {
        self.write_once(cart::FORGET, &[&Moment(now), &i64::from(limit)]).await
    }

    async fn checkout(&self, session_id: &SessionId) -> Result<Option<Arc<Checkout>>, Unavailable> {
        let row = self.row(checkout::LOAD, &[&[session_id.as_str()].as_slice()]).await?;
        Ok(row.as_ref().map(checkout::read).transpose()?.map(Arc::new))
    }

    async fn checkouts_to_end(&self, now: Time, limit: u32) -> Result<Vec<SessionId>, Unavailable> {
        let rows = self.rows(checkout::EXPIRED, &[&Moment(now), &i64::from(limit)]).await?;
        Ok(rows.iter().map(|row| Fields::of(row).text().map(SessionId)).collect::<Result<_, _>>()?)
    }

    async fn forget_checkouts(&self, now: Time, limit: u32) -> Result<u64, Unavailable> {
        self.write_once(checkout::FORGET, &[&Moment(now), &i64::from(limit)]).await
    }

    async fn hold(&self, hold_id: HoldId) -> Result<Option<Arc<Hold>>, Unavailable> {
        let row = self.row(hold::LOAD, &[&[hold_id.0].as_slice()]).await?;
        Ok(row.as_ref().map(hold::read).transpose()?.map(Arc::new))
    }

    async fn holds_to_expire(&self, now: Time, limit: u32) -> Result<Vec<HoldId>, Unavailable> {
        let rows = self.rows(hold::EXPIRED, &[&Moment(now), &i64::from(limit)]).await?;
        rows.iter().map(|row| Ok(HoldId(Fields::of(row).take()?))).collect()
    }

    async fn forget_holds(&self, ended_before: Time, limit: u32) -> Result<u64, Unavailable> {
        self.write_once(hold::FORGET, &[&Moment(ended_before), &i64::from(limit)]).await
    }

    async fn skus_named(&self, sku_ids: &[SkuId]) -> Result<Vec<Arc<Sku>>, Unavailable> {
        let ids: Vec<&str> = sku_ids.iter().map(SkuId::as_str).collect();
        self.skus_by(sku::LOAD, &[&ids]).await
    }

    async fn balance(&self, sku_id: &SkuId) -> Result<Option<Balance>, Unavailable> {
        let row = self.row(stock::LOAD, &[&[sku_id.as_str()].as_slice()]).await?;
        Ok(row.as_ref().map(stock::read).transpose()?.map(|(_, balance)| balance))
    }

    async fn key(&self, key: &ScopedKey) -> Result<Option<Arc<KeyRow>>, Unavailable> {
        let row = self.row(key::LOAD, &[&[&*key.0].as_slice()]).await?;
        Ok(row.as_ref().map(key::read).transpose()?.map(Arc::new))
    }

    async fn orders_to_expire(&self, now: Time, limit: u32) -> Result<Vec<OrderId>, Unavailable> {
        let rows = self.rows(order::OVERDUE, &[&Moment(now), &i64::from(limit)]).await?;
        Ok(rows.iter().map(|row| row.try_get(0).map(OrderId)).collect::<Result<_, _>>().map_err(Failure::from)?)
    }

    async fn payments_to_ask(&self, now: Time, limit: u32) -> Result<Vec<PaymentId>, Unavailable> {
        let rows = self.rows(payment::DUE, &[&Moment(now), &i64::from(limit)]).await?;
        Ok(rows.iter().map(|row| row.try_get(0).map(PaymentId)).collect::<Result<_, _>>().map_err(Failure::from)?)
    }

    async fn refund(&self, caller: &Caller, refund_id: RefundId) -> Result<Option<Arc<Refund>>, Unavailable> {
        let row = self.row(refund::OF_CALLER, &[&refund_id.0, &caller.only_own()]).await?;
        Ok(row.as_ref().map(refund::read).transpose()?.map(Arc::new))
    }

    async fn refunds_to_ask(&self, now: Time, limit: u32) -> Result<Vec<RefundId>, Unavailable> {
        let rows = self.rows(refund::DUE, &[&Moment(now), &i64::from(limit)]).await?;
        Ok(rows.iter().map(|row| row.try_get(0).map(RefundId)).collect::<Result<_, _>>().map_err(Failure::from)?)
    }

    async fn open_tasks(&self, page: Page<(Time, TaskId)>) -> Result<Vec<Arc<Task>>, Unavailable> {
        let after = page.after.map(|(created_at, task_id)| (Moment(created_at), task_id.0));
        let (created_at, task_id) = (after.map(|after| after.0), after.map(|after| after.1));
        let rows = self.rows(task::OPEN, &[&created_at, &task_id, &i64::from(page.limit)]).await?;
        Ok(rows.iter().map(|row| task::read(row).map(Arc::new)).collect::<Result<_, _>>()?)
    }

    async fn outbox(&self) -> Result<OutboxStanding, Unavailable> {
        let row = self.row(outbox::STANDING, &[]).await?;
        Ok(row.as_ref().map(outbox::standing).transpose()?.unwrap_or_default())
    }

    async fn audit(&self, limit: u32) -> Result<Vec<Violation>, Unavailable> {
        Ok(audit::violations(&self.access, limit).await?)
    }

    async fn forget_marks(&self, before: Time) -> Result<u64, Unavailable> {
        self.write_once(mark::FORGET, &[&Moment(before)]).await
    }

    async fn ready(&self) -> Result<(), Unavailable> {
        let missing = self.read(move |client| async move { Ok(migrate::missing(&client).await?) }).await?.map_err(Unavailable::new)?;
        match missing {
            [] => Ok(()),
            [first, ..] => Err(Unavailable::new(format_args!(
                "{} migrations are missing, the first is {} ({}): run `ordo migrate`",
                missing.len(),
                first.number,
                first.name
            ))),
        }
    }
}
