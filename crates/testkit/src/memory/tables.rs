//! The memory reading of the one list of tables, and the walks that load from it and save into it.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use domain::ids::{OrderId, OrderNumber};
use domain::tables::{ChangesFamily, CounterTable, Family, LogTable, NeedsFamily, RowTable, Shelf, Tables, ViewFamily, Visit, Write};
use engine::port::SaveError;

use super::faults::{Bug, Bugs};

/// The reading that keeps everything.
#[derive(Debug)]
pub enum MemoryFamily {}
impl Family for MemoryFamily {
    type Rows<T: RowTable> = BTreeMap<T::Key, T::Row>;
    type Counters<T: CounterTable> = BTreeMap<T::Key, T::Row>;
    type Log<T: LogTable> = Vec<T::Row>;
    /// The last serial of each year.
    type Numbers = BTreeMap<i32, i64>;
}

/// Everything that a memory store keeps.
pub type Memory = Tables<MemoryFamily>;

/// The reading between needs and view: what was asked for, and what of it was found.
#[derive(Debug)]
pub(super) enum FoundFamily {}
impl Family for FoundFamily {
    type Rows<T: RowTable> = BTreeMap<T::Key, Option<T::Row>>;
    type Counters<T: CounterTable> = BTreeMap<T::Key, Option<T::Row>>;
    type Log<T: LogTable> = ();
    type Numbers = ();
}

pub(super) type Found = Tables<FoundFamily>;

/// Notes what is asked for.
pub(super) struct Ask;
impl Visit<FoundFamily, NeedsFamily> for Ask {
    type Error = Infallible;
    fn rows<T: RowTable>(&mut self, found: &mut BTreeMap<T::Key, Option<T::Row>>, needs: &BTreeSet<T::Key>) -> Result<(), Infallible> {
        found.extend(needs.iter().map(|key| (key.clone(), None)));
        Ok(())
    }
    fn counters<T: CounterTable>(
        &mut self,
        found: &mut BTreeMap<T::Key, Option<T::Row>>,
        needs: &BTreeSet<T::Key>,
    ) -> Result<(), Infallible> {
        found.extend(needs.iter().map(|key| (key.clone(), None)));
        Ok(())
    }
    fn log<T: LogTable>(&mut self, (): &mut (), (): &()) -> Result<(), Infallible> {
        Ok(())
    }
    fn numbers(&mut self, (): &mut (), _: &BTreeMap<OrderId, i32>) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Finds what is asked for, in every table or in one of them, and counts the tables.
#[derive(Default)]
pub(super) struct Find {
    pub(super) only: Option<usize>,
    pub(super) tables: usize,
}

impl Find {
    fn find<K: Ord, R: Clone>(&mut self, found: &mut BTreeMap<K, Option<R>>, kept: &BTreeMap<K, R>) {
        if self.only.is_none_or(|only| self.tables == only) {
            for (key, row) in found {
                *row = kept.get(key).cloned();
            }
        }
        self.tables += 1;
    }
}

impl Visit<FoundFamily, MemoryFamily> for Find {
    type Error = Infallible;
    fn rows<T: RowTable>(
        &mut self,
        found: &mut BTreeMap<T::Key, Option<T::Row>>,
        kept: &BTreeMap<T::Key, T::Row>,
    ) -> Result<(), Infallible> {
        self.find(found, kept);
        Ok(())
    }
    fn counters<T: CounterTable>(
        &mut self,
        found: &mut BTreeMap<T::Key, Option<T::Row>>,
        kept: &BTreeMap<T::Key, T::Row>,
    ) -> Result<(), Infallible> {
        self.find(found, kept);
        Ok(())
    }
    fn log<T: LogTable>(&mut self, (): &mut (), _: &Vec<T::Row>) -> Result<(), Infallible> {
        Ok(())
    }
    fn numbers(&mut self, (): &mut (), _: &BTreeMap<i32, i64>) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Puts what was found where the commands see it.
pub(super) struct Show;
impl Visit<ViewFamily, FoundFamily> for Show {
    type Error = Infallible;
    fn rows<T: RowTable>(&mut self, seen: &mut Shelf<T>, found: &BTreeMap<T::Key, Option<T::Row>>) -> Result<(), Infallible> {
        for (key, row) in found {
            if let Some(row) = row {
                seen.found(key.clone(), row.clone());
            }
        }
        Ok(())
    }
    fn counters<T: CounterTable>(&mut self, seen: &mut Shelf<T>, found: &BTreeMap<T::Key, Option<T::Row>>) -> Result<(), Infallible> {
        for (key, row) in found {
            if let Some(row) = row {
                seen.found(key.clone(), row.clone());
            }
        }
        Ok(())
    }
    fn log<T: LogTable>(&mut self, (): &mut (), (): &()) -> Result<(), Infallible> {
        Ok(())
    }
    fn numbers(&mut self, _: &mut BTreeMap<OrderId, OrderNumber>, (): &()) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Compares every expected version with the one that is there.
pub(super) struct Expect<'a>(pub(super) &'a Bugs);
impl Visit<MemoryFamily, ChangesFamily> for Expect<'_> {
    type Error = SaveError;
    fn rows<T: RowTable>(
        &mut self,
        kept: &mut BTreeMap<T::Key, T::Row>,
        changes: &BTreeMap<T::Key, Write<T::Row>>,
    ) -> Result<(), SaveError> {
        let unguarded: &[Bug] = match T::NAME {
            "Keys" => &[Bug::NoKeyCheck],
            "Refunds" => &[Bug::NoVersionCheck, Bug::NoRefundCheck],
            _ => &[Bug::NoVersionCheck],
        };
        if unguarded.iter().any(|bug| self.0.has(*bug)) {
            return Ok(());
        }
        for (key, write) in changes {
            if kept.get(key).map_or(0, T::version) != write.expected {
                return Err(SaveError::Lost(Arc::from(format!("{} {key:?}", T::NAME))));
            }
        }
        Ok(())
    }
    fn counters<T: CounterTable>(&mut self, _: &mut BTreeMap<T::Key, T::Row>, _: &BTreeMap<T::Key, T::Delta>) -> Result<(), SaveError> {
        Ok(())
    }
    fn log<T: LogTable>(&mut self, _: &mut Vec<T::Row>, _: &Vec<T::Row>) -> Result<(), SaveError> {
        Ok(())
    }
    fn numbers(&mut self, _: &mut BTreeMap<i32, i64>, (): &()) -> Result<(), SaveError> {
        Ok(())
    }
}

/// Writes everything, or the logs alone: half a save.
#[derive(Clone, Copy)]
pub(super) enum Keep<'a> {
    Everything(&'a Bugs),
    Logs,
}

impl Visit<MemoryFamily, ChangesFamily> for Keep<'_> {
    type Error = Infallible;
    fn rows<T: RowTable>(
        &mut self,
        kept: &mut BTreeMap<T::Key, T::Row>,
        changes: &BTreeMap<T::Key, Write<T::Row>>,
    ) -> Result<(), Infallible> {
        if matches!(self, Self::Everything(_)) {
            kept.extend(changes.iter().map(|(key, write)| (key.clone(), write.row.clone())));
        }
        Ok(())
    }
    fn counters<T: CounterTable>(
        &mut self,
        kept: &mut BTreeMap<T::Key, T::Row>,
        changes: &BTreeMap<T::Key, T::Delta>,
    ) -> Result<(), Infallible> {
        if let Self::Everything(bugs) = self {
            for (key, delta) in changes {
                let before = kept.get(key).filter(|_| !bugs.has(Bug::CountersOverwrite));
                kept.insert(key.clone(), T::apply(before, delta));
            }
        }
        Ok(())
    }
    fn log<T: LogTable>(&mut self, kept: &mut Vec<T::Row>, changes: &Vec<T::Row>) -> Result<(), Infallible> {
        kept.extend(changes.iter().cloned());
        Ok(())
    }
    fn numbers(&mut self, _: &mut BTreeMap<i32, i64>, (): &()) -> Result<(), Infallible> {
        Ok(())
    }
}
