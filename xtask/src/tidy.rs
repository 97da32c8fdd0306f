//! Rules about the tree that no compiler knows. Each is a function from the tree to its violations, and has a red fixture.

mod crates;
mod migrations;
mod privacy;
mod prose;
mod pure;
mod requirements;
mod sources;

use crate::tree::Tree;
use crate::{Outcome, command, say};
use std::path::Path;

/// Where, and what is wrong there.
type Violation = String;

/// Tries every rule on the repository.
pub(crate) fn run() -> Outcome<()> {
    let tree = Tree::read(Path::new("."))?;
    let metadata = command::output(command::cargo().args(["metadata", "--format-version=1", "--no-deps", "--offline"]))?;
    let crates = crates::parse(&metadata)?;
    let violations = [
        crates::edges(&crates),
        crates::names(&crates),
        crates::lints(&tree),
        sources::headed(&tree),
        sources::short(&tree),
        sources::finished(&tree),
        pure::check(&tree),
        prose::check(&tree),
        privacy::check(&tree),
        migrations::check(&tree),
        requirements::check(&tree),
    ]
    .concat();
    for violation in &violations {
        say::line(violation);
    }
    let files = tree.files().count();
    match violations.len() {
        0 => {
            say::line(format!("tidy: {files} files, {} crates, {}, nothing to say", crates.len(), requirements::count(&tree)));
            Ok(())
        }
        found => Err(format!("tidy: {found} violations in {files} files").into()),
    }
}
