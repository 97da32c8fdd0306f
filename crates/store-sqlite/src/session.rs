//! One writer's way into the file: load, save, settle. It blocks its thread; the engine gives every writer one.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Changes, Needs, View};
use engine::port::{Mark, SaveError, Session, Settled, Unavailable};
use rusqlite::{Connection, ErrorCode, ffi};

use crate::error::{Trouble, unavailable_sql};
use crate::key::Placed;
use crate::log::Log;
use crate::number::Numbers;
use crate::sku::Known;
use crate::transaction::{Kind, Transaction};
use crate::{Shared, cart, checkout, event, hold, key, mark, number, order, outbox, payment, refund, reservation, sku, stock, task};

/// A session. All of them share one connection, which is opened again after an error that may have harmed it.
#[derive(Debug)]
pub(crate) struct SqliteSession {
    shared: Arc<Shared>,
    /// The last commit that it may have seen or made.
    seen: u64,
}

impl SqliteSession {
    /// Sees to it that the connection is open.
    pub(crate) fn open(shared: Arc<Shared>) -> Result<Self, Unavailable> {
        shared.writing.turn().connected()?;
        Ok(Self { shared, seen: 0 })
    }
}

fn load(db: &Connection, known: &mut Known, numbers: &Numbers, needs: &Needs, seen: &mut View) -> rusqlite::Result<()> {
    // One snapshot: an order and its lines are of the same moment.
    let snapshot = Transaction::begin(db, Kind::Read)?;
    known.refresh(db)?;
    key::load(db, &needs.keys, &mut seen.keys)?;
    sku::load(db, known, &needs.skus, &mut seen.skus)?;
    cart::load(db, &needs.carts, &mut seen.carts)?;
    checkout::load(db, &needs.checkouts, &mut seen.checkouts)?;
    order::load(db, &needs.orders, &mut seen.orders)?;
    payment::load(db, &needs.payments, &mut seen.payments)?;
    refund::load(db, &needs.refunds, &mut seen.refunds)?;
    task::load(db, &needs.tasks, &mut seen.tasks)?;
    reservation::load(db, &needs.reservations, &mut seen.reservations)?;
    hold::load(db, &needs.holds, &mut seen.holds)?;
    stock::load(db, &needs.stock, &mut seen.stock)?;
    numbers.draw(db, &needs.numbers, &mut seen.numbers)?;
    snapshot.commit()
}

fn save(db: &Connection, log: &Log, changes: &Changes, mark: Mark) -> Result<(), SaveError> {
    let transaction = Transaction::begin(db, Kind::Write).map_err(Trouble::Sql).map_err(Trouble::into_save_error)?;
    write(db, changes, mark).map_err(Trouble::into_save_error)?;
    log.begins();
    let committed = transaction.commit();
    log.ended();
    committed.map_err(|error| commit_error(db, error))
}

fn write(db: &Connection, changes: &Changes, name: Mark) -> Result<(), Trouble> {
    let Changes {
        keys,
        skus,
        carts,
        checkouts,
        orders,
        payments,
        refunds,
        reservations,
        holds,
        tasks,
        numbers: (),
        ledger,
        facts,
        outbox: messages,
        stock: deltas,
    } = changes;
    mark::insert(db, name)?;
    let placed = Placed::of(keys, orders);
    key::save(db, keys, &placed)?;
    sku::save(db, skus)?;
    cart::save(db, carts)?;
    checkout::save(db, checkouts)?;
    order::save(db, orders, &placed)?;
    number::save(db, orders)?;
    payment::save(db, payments)?;
    refund::save(db, refunds)?;
    task::save(db, tasks)?;
    reservation::save(db, reservations)?;
    hold::save(db, holds)?;
    stock::append(db, ledger)?;
    event::append(db, facts)?;
    outbox::append(db, messages)?;
    // Every movement of stock has its ledger row: the latest one's time is the balance's.
    let now = ledger.iter().map(|entry| entry.created_at).max().unwrap_or_default();
    stock::save(db, deltas, now)
}

/// What a failed COMMIT means.
///
/// SQLite checks the deferred foreign keys first and writes the frame that makes a transaction count last. When a key was missing, or not all
/// frames could be written, nothing was saved, for certain; after anything else only the mark can tell.
fn commit_error(db: &Connection, error: rusqlite::Error) -> SaveError {
    let unwritten = match error.sqlite_error() {
        Some(ffi::Error { code: ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::ConstraintViolation, .. }) => true,
        Some(ffi::Error { extended_code, .. }) => *extended_code == ffi::SQLITE_IOERR_WRITE,
        None => false,
    };
    // SQLite may have rolled back by itself.
    let undone = db.is_autocommit() || db.execute_batch("rollback").is_ok();
    if unwritten && undone { Trouble::Sql(error).into_save_error() } else { SaveError::Unknown(error.to_string().into()) }
}

#[async_trait]
impl Session for SqliteSession {
    async fn load(&mut self, needs: &Needs, seen: &mut View) -> Result<(), Unavailable> {
        let mut desk = self.shared.writing.turn();
        let (db, known) = desk.connected()?;
        let loaded = load(db, known, &self.shared.numbers, needs, seen);
        self.seen = self.shared.log.seen();
        loaded.map_err(|error| {
            desk.close();
            unavailable_sql(&error)
        })
    }

    async fn save(&mut self, changes: &Changes, mark: Mark) -> Result<(), SaveError> {
        let mut desk = self.shared.writing.turn();
        let saved = desk.connected().map_err(SaveError::Unavailable).and_then(|(db, known)| {
            known.forget(&changes.skus);
            save(db, &self.shared.log, changes, mark)
        });
        if matches!(saved, Err(SaveError::Unavailable(_) | SaveError::Unknown(_))) {
            desk.close();
        }
        self.seen = self.shared.log.seen();
        saved
    }

    async fn durable(&mut self) -> Result<(), Unavailable> {
        self.shared.log.durable(self.seen)
    }

    async fn settle(&mut self, mark: Mark) -> Result<Settled, Unavailable> {
        let log = &self.shared.log;
        let mut desk = self.shared.writing.turn();
        desk.close();
        let (db, _) = desk.connected()?;
        log.begins();
        let settled = mark::settle(db, mark);
        log.ended();
        let settled = settled.map_err(|error| {
            desk.close();
            unavailable_sql(&error)
        })?;
        self.seen = log.seen();
        drop(desk);
        // Else the save might be settled twice: as saved, and after a crash as not.
        log.durable(self.seen)?;
        Ok(settled)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use domain::event::{Fact, OrderEvent};
    use domain::ids::{OrderEventId, OrderId, Uuid};
    use domain::order::Status;
    use domain::stock::{LedgerEntry, Operation, StockRef};
    use domain::time::Time;
    use engine::port::Schema as _;

    use super::*;
    use crate::SqliteStore;

    /// A movement, as good as any row.
    fn movement(n: u128) -> Changes {
        let mut changes = Changes::default();
        changes.ledger.push(LedgerEntry {
            key: n.to_string().into(),
            sku_id: "a".into(),
            operation: Operation::Restock,
            qty: 1,
            on_hand_delta: 1,
            reserved_delta: 0,
            reference: StockRef { kind: "delivery".into(), id: "PO-77".repeat(100).into() },
            created_at: Time(0),
        });
        changes
    }

    async fn session(path: &Path) -> SqliteSession {
        let store = SqliteStore::open(path).unwrap();
        store.migrate().await.unwrap();
        SqliteSession::open(store.shared).unwrap()
    }

    #[tokio::test]
    async fn a_fact_of_no_order_is_refused_by_the_commit_and_nothing_is_kept() {
        let folder = std::env::temp_dir().join(format!("ordo-session-{:016x}", rand::random::<u64>()));
        let path = folder.join("ordo.db");
        let mut session = session(&path).await;
        let mut changes = movement(1);
        changes.facts.push(Arc::new(OrderEvent {
            order_event_id: OrderEventId(Uuid::from_u128(1)),
            order_id: OrderId(Uuid::from_u128(2)),
            sequence: 1,
            fact: Fact::InventoryReserved,
            from: None,
            to: Status::Created,
            notes: None,
            changed_by: "test".into(),
            request_id: "test".into(),
            created_at: Time(0),
        }));
        let refused = session.save(&changes, Mark(Uuid::from_u128(1))).await;
        assert!(matches!(&refused, Err(SaveError::Rejected(why)) if why.contains("FOREIGN KEY")), "{refused:?}");
        session.save(&movement(1), Mark(Uuid::from_u128(2))).await.unwrap();
        let _ = std::fs::remove_dir_all(folder);
    }

    #[tokio::test]
    async fn a_full_database_is_unavailable_until_there_is_room() {
        let folder = std::env::temp_dir().join(format!("ordo-full-{:016x}", rand::random::<u64>()));
        let mut session = session(&folder.join("ordo.db")).await;
        {
            let mut desk = session.shared.writing.turn();
            let (db, _) = desk.connected().unwrap();
            let pages: u32 = db.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
            db.pragma_update_and_check(None, "max_page_count", pages + 2, |_| Ok(())).unwrap();
        }
        let mut n = 0;
        let refused = loop {
            n += 1;
            if let Err(refused) = session.save(&movement(n), Mark(Uuid::from_u128(n))).await {
                break refused;
            }
        };
        assert!(matches!(&refused, SaveError::Unavailable(why) if why.to_string().contains("disk of the database is full")), "{refused:?}");
        // The next connection has no limit: there is room again.
        session.save(&movement(n), Mark(Uuid::from_u128(n))).await.unwrap();
        let _ = std::fs::remove_dir_all(folder);
    }

    #[test]
    fn only_a_commit_that_was_not_written_is_known_not_to_have_happened() {
        let db = Connection::open_in_memory().unwrap();
        let error = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        // A file that another process keeps locked is away; nobody was faster.
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_BUSY] {
            assert!(matches!(commit_error(&db, error(code)), SaveError::Unavailable(_)), "{code}");
        }
        for code in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR, ffi::SQLITE_NOMEM, ffi::SQLITE_CORRUPT] {
            assert!(matches!(commit_error(&db, error(code)), SaveError::Unknown(_)), "{code}");
        }
    }

    #[tokio::test]
    async fn a_price_that_anybody_changed_is_loaded_again() {
        let folder = std::env::temp_dir().join(format!("ordo-known-{:016x}", rand::random::<u64>()));
        let path = folder.join("ordo.db");
        let (mut one, mut same) = (session(&path).await, session(&path).await);
        let mut needs = Needs::default();
        needs.skus.insert("a".into());
        // By its own connection, by another one, by one that knows nothing of us, and by a save that was lost.
        for (version, by) in (0_i64..).zip(["one", "same", "other", "lost", "one"]) {
            let mut seen = View::default();
            one.load(&needs, &mut seen).await.unwrap();
            seen.settle(&needs);
            let found = seen.skus.get(&"a".into()).unwrap();
            assert_eq!(found.map_or(0, |sku| sku.version), version, "before {by}");
            let cx = testkit::builders::context(&testkit::StepClock::default());
            let changes = {
                use domain::command::Command as _;
                let named = domain::command::PutSku { name: by.into(), ..testkit::builders::sku("a") };
                named.decide(&seen, &cx).unwrap().changes
            };
            let mark = || Mark(Uuid::from_u128(rand::random()));
            match by {
                "one" => one.save(&changes, mark()).await.unwrap(),
                "same" => same.save(&changes, mark()).await.unwrap(),
                "lost" => {
                    same.save(&changes, mark()).await.unwrap();
                    one.save(&changes, mark()).await.unwrap_err();
                }
                _ => {
                    let raised = Connection::open(&path).unwrap().execute("update sku set version = version + 1", []).unwrap();
                    assert_eq!(raised, 1);
                }
            }
        }
        let _ = std::fs::remove_dir_all(folder);
    }
}
