//! ARCHITECTURE.md names every crate, and none that is not there.

use super::Violation;
use crate::tree::Tree;
use std::collections::BTreeSet;

const MAP: &str = "ARCHITECTURE.md";

/// Compares the folders under `crates/` with the `crates/NAME` of the map.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let Some(map) = tree.get(MAP) else {
        return vec![format!("{MAP}: missing")];
    };
    let there: BTreeSet<&str> = tree.files().filter_map(|(path, _)| path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")).collect();
    let named: BTreeSet<&str> = map
        .match_indices("crates/")
        .map(|(at, start)| {
            let rest = &map[at + start.len()..];
            &rest[..rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').unwrap_or(rest.len())]
        })
        .filter(|name| !name.is_empty())
        .collect();
    let missing = there.difference(&named).map(|name| format!("{MAP}: does not name crates/{name}"));
    let gone = named.difference(&there).map(|name| format!("{MAP}: names crates/{name}, which does not exist"));
    missing.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(map: &str) -> Vec<Violation> {
        check(&Tree::of(&[(MAP, map), ("crates/domain/Cargo.toml", ""), ("crates/api-rest/Cargo.toml", "")]))
    }

    #[test]
    fn a_crate_that_the_map_forgot_is_found() {
        assert_eq!(found("`crates/domain`"), ["ARCHITECTURE.md: does not name crates/api-rest"]);
    }

    #[test]
    fn a_crate_that_only_the_map_knows_is_found() {
        let found = found("crates/domain, crates/api-rest/, crates/api-grpc.");
        assert_eq!(found, ["ARCHITECTURE.md: names crates/api-grpc, which does not exist"]);
    }

    #[test]
    fn a_map_that_names_all_is_quiet_and_a_missing_one_is_not() {
        assert!(found("[domain](crates/domain/src/lib.rs) `crates/api-rest`; all under `crates/`").is_empty());
        assert_eq!(check(&Tree::of(&[])), ["ARCHITECTURE.md: missing"]);
    }
}
