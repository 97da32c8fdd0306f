//! `domain` decides the same from the same: no clock, no I/O, nothing unordered, nothing rounded, nothing that the wire sees.

use super::Violation;
use crate::tree::{self, Tree};

/// A word, and why not.
const BANNED: &[(&str, &str)] = &[
    ("std::time", "time is handed in"),
    ("SystemTime", "time is handed in"),
    ("Instant::now", "time is handed in"),
    ("tokio", "a decision waits for nobody"),
    ("async fn", "a decision waits for nobody"),
    ("HashMap", "what is iterated is ordered: BTreeMap"),
    ("HashSet", "what is iterated is ordered: BTreeSet"),
    ("f32", "money and quantities are whole numbers"),
    ("f64", "money and quantities are whole numbers"),
    ("serde", "the wire is the door's"),
];

/// Looks at the product part of every source of `domain`, comments left out.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| path.starts_with("crates/domain/src/")) {
        for (at, line) in tree::product_lines(text).into_iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let found = BANNED.iter().filter(|(word, _)| has_word(code, word));
            violations.extend(found.map(|(word, why)| format!("{path}:{}: no {word} in domain: {why}", at + 1)));
        }
    }
    violations
}

fn has_word(code: &str, word: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices(word)
        .any(|(at, _)| !code[..at].chars().next_back().is_some_and(part) && !code[at + word.len()..].chars().next().is_some_and(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> usize {
        check(&Tree::of(&[("crates/domain/src/money.rs", line)])).len()
    }

    #[test]
    fn each_impure_word_is_found() {
        for (word, _) in BANNED {
            assert_eq!(found(&format!("let x = {word};")), 1, "{word}");
        }
        assert_eq!(found("use std::collections::HashMap;"), 1);
        assert_eq!(found("let rate = 1 as f64;"), 1);
    }

    #[test]
    fn comments_longer_words_tests_and_other_crates_are_free() {
        assert_eq!(found("//! Never an f64, never a HashMap."), 0);
        assert_eq!(found("let buf32 = MyHashMapping;"), 0);
        assert_eq!(found("#[cfg(test)]\nmod tests {\nuse std::collections::HashSet;\n}"), 0);
        assert!(check(&Tree::of(&[("crates/engine/src/queue.rs", "use tokio::x;")])).is_empty());
    }
}
