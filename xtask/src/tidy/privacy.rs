//! Nothing of one machine, and nothing secret, comes into the repository.

use super::Violation;
use crate::tree::Tree;

/// In parts, so that this file is not found.
const PRIVATE: &[(&str, &str)] = &[
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("/Us", "ers/"), "a path of one machine"),
    (concat!("shared/", "design"), "a path outside the repository"),
    (concat!("shared/", "seeds"), "a path outside the repository"),
    (concat!("shared/", "research"), "a path outside the repository"),
    (concat!("shared/", "tools"), "a path outside the repository"),
    (concat!("PRIVATE", " KEY-----"), "a secret"),
    (concat!("sk_", "live_"), "a secret"),
    (concat!("AK", "IA"), "a secret"),
];

/// Looks at every text file.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.files() {
        for (at, line) in text.lines().enumerate() {
            let found = PRIVATE.iter().filter(|(pattern, _)| line.contains(pattern));
            violations.extend(found.map(|(pattern, what)| format!("{path}:{}: {what}: {pattern}", at + 1)));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_private_pattern_is_found_in_any_text_file() {
        for (pattern, _) in PRIVATE {
            let text = format!("fine\nsee {pattern}x");
            assert_eq!(check(&Tree::of(&[("docs/a.md", &text)])).len(), 1, "{pattern}");
        }
    }

    #[test]
    fn paths_of_the_repository_are_free() {
        let text = "crates/domain/src/lib.rs, /v1/orders, ./ordo-data, /var/lib/ordo, homework, network/";
        assert!(check(&Tree::of(&[("README.md", text)])).is_empty());
    }
}
