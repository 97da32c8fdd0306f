//! Migrations are numbered without a gap, and both databases know the same numbers: a schema version means one thing.

use super::Violation;
use crate::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};

/// Looks at `crates/store-*/migrations/*.sql`.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut stores: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (path, _) in tree.files() {
        let Some((store, file)) = path.strip_prefix("crates/store-").and_then(|path| path.split_once("/migrations/")) else {
            continue;
        };
        let Some(name) = file.strip_suffix(".sql") else {
            continue;
        };
        match number(name) {
            Some(number) if stores.entry(store).or_default().insert(number) => {}
            Some(_) => violations.push(format!("{path}: this number is taken")),
            None => violations.push(format!("{path}: a migration is named NNNN_words.sql")),
        }
    }
    for (store, numbers) in &stores {
        let gap = (1..=numbers.len()).find(|number| !numbers.contains(number));
        violations.extend(gap.map(|gap| format!("crates/store-{store}/migrations: {gap:04} is missing")));
    }
    let all: BTreeSet<usize> = stores.values().flatten().copied().collect();
    for (store, numbers) in &stores {
        let missing = all.difference(numbers).map(|number| format!("{number:04}")).collect::<Vec<_>>().join(", ");
        if !missing.is_empty() {
            violations.push(format!("crates/store-{store}/migrations: another store has {missing}"));
        }
    }
    violations
}

fn number(name: &str) -> Option<usize> {
    let (digits, words) = name.split_once('_')?;
    let worded = words.starts_with(|first: char| first.is_ascii_lowercase())
        && words.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if digits.len() == 4 && worded { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[&str]) -> Vec<Violation> {
        let files: Vec<(String, &str)> = files.iter().map(|file| (format!("crates/store-{file}"), "select 1")).collect();
        check(&Tree::of(&files.iter().map(|(path, text)| (path.as_str(), *text)).collect::<Vec<_>>()))
    }

    #[test]
    fn a_gap_is_found() {
        let found = found(&["a/migrations/0001_first.sql", "a/migrations/0003_third.sql"]);
        assert_eq!(found, ["crates/store-a/migrations: 0002 is missing"]);
    }

    #[test]
    fn a_wrong_name_is_found() {
        for name in ["1_first.sql", "0001-first.sql", "0001_First.sql", "0001_.sql", "first.sql"] {
            assert_eq!(found(&[&format!("a/migrations/{name}")]).len(), 1, "{name}");
        }
    }

    #[test]
    fn a_number_twice_is_found() {
        assert_eq!(found(&["a/migrations/0001_one.sql", "a/migrations/0001_uno.sql"]).len(), 1);
    }

    #[test]
    fn a_migration_that_only_one_store_has_is_found() {
        let files = ["a/migrations/0001_x.sql", "b/migrations/0001_x.sql", "b/migrations/0002_y.sql"];
        assert_eq!(found(&files), ["crates/store-a/migrations: another store has 0002"]);
    }

    #[test]
    fn equal_lists_without_a_gap_are_quiet() {
        let files = ["a/migrations/0001_x.sql", "a/migrations/0002_y.sql", "b/migrations/0001_x.sql", "b/migrations/0002_z9.sql"];
        assert!(found(&files).is_empty());
        assert!(found(&["a/src/lib.rs", "a/migrations/README.md"]).is_empty());
    }
}
