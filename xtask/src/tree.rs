//! The text files of the repository, read once. A rule's fixture is the same thing built by hand.

use crate::{Outcome, command};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Path from the root, with `/`, to text.
pub(crate) struct Tree(BTreeMap<String, String>);

impl Tree {
    /// What git knows or would take in; outside a repository everything but `target`. Files that are not text are left out.
    pub(crate) fn read(root: &Path) -> Outcome<Self> {
        let listed = command::output(command::command("git").current_dir(root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]));
        let paths = match listed {
            Ok(listed) => listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect(),
            Err(_) => walk(root)?,
        };
        let text = |path: String| Some((path.clone(), std::fs::read_to_string(root.join(path)).ok()?));
        Ok(Self(paths.into_iter().filter_map(text).filter(|(_, text)| !text.contains('\0')).collect()))
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    /// Every file, in the order of the paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The Rust sources.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(path, _)| Path::new(path).extension().is_some_and(|extension| extension == "rs"))
    }

    /// One file.
    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

/// The lines before the test module: what runs in production.
pub(crate) fn product_lines(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().collect();
    let tests = (0..lines.len()).find(|&at| {
        let next = lines[at + 1..].iter().map(|line| line.trim()).find(|line| !line.starts_with("#["));
        lines[at].trim() == "#[cfg(test)]" && next.is_some_and(|next| next.contains("mod ") && next.ends_with('{'))
    });
    lines[..tests.unwrap_or(lines.len())].to_vec()
}

/// Goes to the root of the repository, so that every path can be said from there.
pub(crate) fn enter_root() -> Outcome<()> {
    let here = std::env::current_dir()?;
    let root = here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file());
    let root = root.ok_or_else(|| format!("{} is not inside the repository", here.display()))?;
    Ok(std::env::set_current_dir(root)?)
}

fn walk(root: &Path) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if path.is_symlink() || name == "target" || name == ".git" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(path) = path.strip_prefix(root) {
                found.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_end_what_is_product_but_a_declared_test_module_does_not() {
        assert_eq!(product_lines("a\n#[cfg(test)]\n#[expect(x)]\nmod tests {\nb\n}"), ["a"]);
        assert_eq!(product_lines("#[cfg(test)]\nmod tests;\na").len(), 3);
        assert_eq!(product_lines("#[cfg(test)]\nfn of() {}\na").len(), 3);
    }

    #[test]
    fn a_tree_without_git_is_walked() {
        let root = std::env::temp_dir().join(format!("xtask-walk-{}", std::process::id()));
        std::fs::create_dir_all(root.join("src")).unwrap();
        std::fs::create_dir_all(root.join("target")).unwrap();
        std::fs::write(root.join("src/lib.rs"), "//! x").unwrap();
        std::fs::write(root.join("target/x.rs"), "y").unwrap();
        assert_eq!(walk(&root).unwrap(), ["src/lib.rs"]);
        std::fs::remove_dir_all(root).unwrap();
    }
}
