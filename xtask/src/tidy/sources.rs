//! How a source file looks: it says what it decides, is short enough to read, and is finished.

use super::Violation;
use crate::tree::{self, Tree};

/// Lines of a file without its tests; about 400 is the aim.
const LINES_MAX: usize = 600;
/// Lines of a file under `tests/`: cases in a row read easily.
const TEST_LINES_MAX: usize = 1200;

/// Marks of unfinished work. In parts, so that this file is not found.
const UNFINISHED: &[&str] =
    &[concat!("todo", "!"), concat!("unimplemented", "!"), concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[", "ignore")];

/// The first line says what the module decides.
pub(super) fn headed(tree: &Tree) -> Vec<Violation> {
    let silent = tree.rust().filter(|(_, text)| {
        let said = text.lines().next().and_then(|line| line.strip_prefix("//!"));
        said.is_none_or(|said| said.trim().is_empty())
    });
    silent.map(|(path, _)| format!("{path}:1: begins with `//!` and what the module decides")).collect()
}

/// A file that nobody reads to its end is two files.
pub(super) fn short(tree: &Tree) -> Vec<Violation> {
    let size = |path: &str, text: &str| {
        if is_test(path) { (text.lines().count(), TEST_LINES_MAX) } else { (tree::product_lines(text).len(), LINES_MAX) }
    };
    tree.rust()
        .map(|(path, text)| (path, size(path, text)))
        .filter(|(_, (lines, lines_max))| lines > lines_max)
        .map(|(path, (lines, lines_max))| format!("{path}: {lines} lines without tests, {lines_max} at most"))
        .collect()
}

/// What is not done is an issue, not a remark; a test that is not run is no test.
pub(super) fn finished(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.rust() {
        for (at, line) in text.lines().enumerate() {
            let marks = UNFINISHED.iter().filter(|mark| line.contains(*mark));
            violations.extend(marks.map(|mark| format!("{path}:{}: unfinished: {mark}", at + 1)));
        }
    }
    violations
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_say_what_it_decides_is_found() {
        let check = |text| headed(&Tree::of(&[("a.rs", text)])).len();
        assert_eq!(check("use x;\n//! late"), 1);
        assert_eq!(check("//!\n//! x"), 1);
        assert_eq!(check(""), 1);
        assert_eq!(check("//! Says it.\n"), 0);
        assert!(headed(&Tree::of(&[("a.sql", "select 1")])).is_empty());
    }

    #[test]
    fn a_file_too_long_is_found_and_its_tests_do_not_count() {
        let lines = |count: usize| "x\n".repeat(count);
        let check = |path, text: String| short(&Tree::of(&[(path, &text)])).len();
        assert_eq!(check("src/a.rs", lines(601)), 1);
        assert_eq!(check("src/a.rs", lines(600)), 0);
        assert_eq!(check("src/a.rs", lines(600) + "#[cfg(test)]\nmod tests {\n" + &lines(900)), 0);
        assert_eq!(check("crates/a/tests/b.rs", lines(1200)), 0);
        assert_eq!(check("crates/a/tests/b.rs", lines(1201)), 1);
    }

    #[test]
    fn each_mark_of_unfinished_work_is_found() {
        for mark in UNFINISHED {
            assert_eq!(finished(&Tree::of(&[("a.rs", &format!("//! x\n{mark}"))])).len(), 1, "{mark}");
        }
        assert!(finished(&Tree::of(&[("a.rs", "//! to do: nothing; ignored")])).is_empty());
    }
}
