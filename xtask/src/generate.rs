//! Files that are written by the program they describe. `--check` compares, so that they cannot go stale.

use crate::{Outcome, command, say};

/// A file, and the arguments of `ordo` that print it.
const GENERATED: &[(&str, &[&str])] = &[("docs/lifecycle.md", &["lifecycle"]), ("docs/configuration.md", &["config", "--docs"])];

/// `gen` writes, `gen --check` compares.
pub(crate) fn run(arguments: &[&str]) -> Outcome<()> {
    let check = match arguments {
        [] => false,
        ["--check"] => true,
        other => return Err(format!("gen: {other:?}: only --check is known").into()),
    };
    let mut stale = Vec::new();
    for (path, printed_by) in GENERATED {
        let wanted =
            command::output(command::cargo().args(["run", "--quiet", "--package", "server", "--bin", "ordo", "--"]).args(*printed_by))?;
        let found = std::fs::read_to_string(path).unwrap_or_default();
        match compare(path, &found, &wanted) {
            None => say::line(format!("{path}: as generated")),
            Some(difference) if check => stale.push(difference),
            Some(_) => {
                std::fs::write(path, wanted)?;
                say::line(format!("{path}: written"));
            }
        }
    }
    if stale.is_empty() { Ok(()) } else { Err(format!("{}\nrun `cargo xtask gen`", stale.join("\n")).into()) }
}

/// The first line that differs.
fn compare(path: &str, found: &str, wanted: &str) -> Option<String> {
    if found == wanted {
        return None;
    }
    let same = found.lines().zip(wanted.lines()).take_while(|(found, wanted)| found == wanted).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("(ends)").to_owned();
    Some(format!("{path}:{}: stale\n  has       {}\n  generated {}", same + 1, line(found), line(wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_stale_line_is_named_and_equal_files_are_quiet() {
        assert_eq!(compare("a.md", "x\ny\n", "x\ny\n"), None);
        let difference = compare("a.md", "x\ny\n", "x\nz\n").unwrap();
        assert!(difference.starts_with("a.md:2: stale") && difference.contains("generated z"), "{difference}");
        assert!(compare("a.md", "", "x\n").is_some());
        assert!(compare("a.md", "x", "x\n").is_some(), "the last newline counts too");
    }
}
