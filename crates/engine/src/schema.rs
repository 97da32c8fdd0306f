//! Which migrations a database still needs, and whether this binary may serve it at all. Pure; the stores do the rest.

use std::fmt::Write as _;

/// One step of the schema, forward only.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// 1, 2, 3 … without gaps.
    pub number: i32,
    /// What it is called.
    pub name: &'static str,
    /// What it does.
    pub sql: &'static str,
    /// The lowest [`Known::number`] that can serve the schema after this step. A step that only adds keeps the last one's.
    pub min_binary: i32,
}

/// A step that a database says it has taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applied {
    /// Its number.
    pub number: i32,
    /// The checksum of its SQL.
    pub checksum: String,
    /// The lowest binary that can serve it.
    pub min_binary: i32,
}

/// The steps that this binary knows.
#[derive(Clone, Copy, Debug)]
pub struct Known(pub &'static [Migration]);

/// Why a database cannot be served.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SchemaError {
    /// The schema has moved on.
    #[error("the database needs an ordo that knows schema {min_binary}; this one knows {known}: start a newer ordo")]
    BinaryTooOld {
        /// What the schema asks for.
        min_binary: i32,
        /// What this binary knows.
        known: i32,
    },
    /// A step was changed after it was taken.
    #[error("migration {number} of the database is not the one that this ordo knows: restore the original file, never edit a migration")]
    Changed {
        /// Which one.
        number: i32,
    },
    /// A step is missing between two that were taken.
    #[error("migration {number} is missing in the database although later ones were applied")]
    Hole {
        /// Which one.
        number: i32,
    },
    /// The database is of a version that the schema cannot be made on.
    #[error("{needed} or newer is needed, and this is {found}")]
    ServerTooOld {
        /// Whose, and the oldest.
        needed: &'static str,
        /// What it says of itself.
        found: String,
    },
}

impl Known {
    /// The highest step.
    pub fn number(self) -> i32 {
        self.0.last().map_or(0, |migration| migration.number)
    }

    /// The steps that a database still needs, after those that it has taken.
    pub fn missing(self, applied: &[Applied]) -> Result<&'static [Migration], SchemaError> {
        let min_binary = applied.iter().map(|step| step.min_binary).max().unwrap_or(0);
        if min_binary > self.number() {
            return Err(SchemaError::BinaryTooOld { min_binary, known: self.number() });
        }
        let taken = self.0.iter().take_while(|known| applied.iter().any(|step| step.number == known.number)).count();
        let (taken, missing) = self.0.split_at(taken);
        for known in taken {
            if applied.iter().any(|step| step.number == known.number && step.checksum != checksum(known.sql)) {
                return Err(SchemaError::Changed { number: known.number });
            }
        }
        match missing.first() {
            Some(hole) if applied.iter().any(|step| step.number > hole.number) => Err(SchemaError::Hole { number: hole.number }),
            _ => Ok(missing),
        }
    }
}

/// The checksum that is stored with a step.
pub fn checksum(sql: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(sql.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes every character");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known(&[
        Migration { number: 1, name: "first", sql: "a", min_binary: 1 },
        Migration { number: 2, name: "second", sql: "b", min_binary: 1 },
    ]);

    fn applied(number: i32, sql: &str, min_binary: i32) -> Applied {
        Applied { number, checksum: checksum(sql), min_binary }
    }

    #[test]
    fn a_schema_is_served_unless_it_asks_for_a_newer_binary() {
        let missing = |applied: &[Applied]| KNOWN.missing(applied).map(|steps| steps.iter().map(|step| step.number).collect::<Vec<_>>());
        assert_eq!(missing(&[]), Ok(vec![1, 2]));
        assert_eq!(missing(&[applied(1, "a", 1)]), Ok(vec![2]));
        assert_eq!(missing(&[applied(1, "a", 1), applied(2, "b", 1)]), Ok(vec![]));
        // One version newer, and it says that this binary can still serve it.
        assert_eq!(missing(&[applied(1, "a", 1), applied(2, "b", 1), applied(3, "c", 2)]), Ok(vec![]));
        assert_eq!(
            missing(&[applied(1, "a", 1), applied(2, "b", 1), applied(3, "c", 3)]),
            Err(SchemaError::BinaryTooOld { min_binary: 3, known: 2 })
        );
        assert_eq!(missing(&[applied(1, "x", 1)]), Err(SchemaError::Changed { number: 1 }));
        assert_eq!(missing(&[applied(2, "b", 1)]), Err(SchemaError::Hole { number: 1 }));
    }
}
