//! Table `sku`: a SKU and its offers change together, under the SKU's version.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use domain::catalog::{Sku, SkuStatus};
use domain::ids::{ProductId, SkuId};
use domain::tables::{Shelf, Skus, Write};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::error::{Trouble, one_row};
use crate::offer;
use crate::value::Cells;

/// What [`sku_of`] reads.
macro_rules! columns {
    () => {
        "sku_id, product_id, name, status, tax_class, title, author, version, created_at, updated_at"
    };
}

pub(crate) use columns;

/// A SKU without its offers, from its [`columns`].
pub(crate) fn sku_of(row: &Row<'_>) -> Result<Sku> {
    let mut cells = Cells::of(row);
    Ok(Sku {
        sku_id: SkuId(cells.get()?),
        product_id: ProductId(cells.get()?),
        name: cells.get()?,
        status: cells.word(SkuStatus::ALL, SkuStatus::as_str)?,
        tax_class: cells.get()?,
        title: cells.get()?,
        author: cells.get()?,
        version: cells.get()?,
        created_at: cells.time()?,
        updated_at: cells.time()?,
        offers: Vec::new(),
    })
}

/// A SKU with its offers.
pub(crate) fn find(db: &Connection, sku_id: &SkuId) -> Result<Option<Arc<Sku>>> {
    let sku = db.prepare_cached(concat!("select ", columns!(), " from sku where sku_id = ?"))?.query_row([&sku_id.0], sku_of).optional()?;
    let Some(mut sku) = sku else { return Ok(None) };
    sku.offers = offer::of_sku(db, sku_id)?;
    Ok(Some(Arc::new(sku)))
}

/// How many SKUs are known at most. With offers and texts each takes about a kilobyte.
const KNOWN_MAX: usize = 10_000;

/// SKUs as one connection has loaded them, until anybody changes one: an order asks for several, and they seldom change.
///
/// It is exact, not merely recent. Within each load's snapshot SQLite tells whether another connection has committed anything; what
/// this connection commits itself is forgotten by name.
#[derive(Debug, Default)]
pub(crate) struct Known {
    version: Option<i64>,
    skus: HashMap<SkuId, Arc<Sku>>,
}

impl Known {
    /// Forgets everything if another connection has committed something. Within the transaction of a load.
    pub(crate) fn refresh(&mut self, db: &Connection) -> Result<()> {
        let version = db.prepare_cached("pragma data_version")?.query_row([], |row| row.get(0))?;
        if self.version.replace(version) != Some(version) {
            self.skus.clear();
        }
        Ok(())
    }

    /// Forgets what is about to be saved.
    pub(crate) fn forget(&mut self, writes: &BTreeMap<SkuId, Write<Arc<Sku>>>) {
        for sku_id in writes.keys() {
            self.skus.remove(sku_id);
        }
    }

    fn find(&mut self, db: &Connection, sku_id: &SkuId) -> Result<Option<Arc<Sku>>> {
        if let Some(sku) = self.skus.get(sku_id) {
            return Ok(Some(sku.clone()));
        }
        let found = find(db, sku_id)?;
        if let Some(sku) = &found {
            if self.skus.len() >= KNOWN_MAX {
                self.skus.clear();
            }
            self.skus.insert(sku_id.clone(), sku.clone());
        }
        Ok(found)
    }
}

/// Puts what is there of `keys` onto the shelf.
pub(crate) fn load(db: &Connection, known: &mut Known, keys: &BTreeSet<SkuId>, seen: &mut Shelf<Skus>) -> Result<()> {
    for sku_id in keys {
        if let Some(sku) = known.find(db, sku_id)? {
            seen.found(sku_id.clone(), sku);
        }
    }
    Ok(())
}

/// Writes SKUs with all their offers.
pub(crate) fn save(db: &Connection, writes: &BTreeMap<SkuId, Write<Arc<Sku>>>) -> Result<(), Trouble> {
    for (sku_id, Write { expected, row: sku }) in writes {
        if *expected == 0 {
            db.prepare_cached(concat!("insert into sku (", columns!(), ") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"))?.execute(params![
                sku_id.0,
                sku.product_id.0,
                sku.name,
                sku.status.as_str(),
                sku.tax_class,
                sku.title,
                sku.author,
                sku.version,
                sku.created_at.0,
                sku.updated_at.0
            ])?;
        } else {
            let changed = db
                .prepare_cached(
                    "update sku set product_id = ?, name = ?, status = ?, tax_class = ?, title = ?, author = ?, version = ?, updated_at = ?
                     where sku_id = ? and version = ?",
                )?
                .execute(params![
                    sku.product_id.0,
                    sku.name,
                    sku.status.as_str(),
                    sku.tax_class,
                    sku.title,
                    sku.author,
                    sku.version,
                    sku.updated_at.0,
                    sku_id.0,
                    expected
                ])?;
            one_row(changed, "sku")?;
        }
        for offer in &sku.offers {
            offer::save(db, offer)?;
        }
    }
    Ok(())
}
