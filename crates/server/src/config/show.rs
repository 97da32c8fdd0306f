//! The effective configuration as TOML with its origins, secrets masked; and the table of keys for the documentation.

use std::fmt::{self, Write as _};

use super::keys::{Config, KEYS, Key};
use super::kinds::Kind;
use super::mask;
use super::problem::Origin;

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (top, in_tables): (Vec<&Key>, Vec<&Key>) = KEYS.iter().partition(|key| !key.path.contains('.'));
        for key in top {
            self.line(f, key, key.path)?;
        }
        let mut current = "";
        for key in in_tables {
            let (table, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
            if table != current {
                current = table;
                writeln!(f, "\n{}[{table}]", self.comment(key))?;
            }
            self.line(f, key, name)?;
        }
        Ok(())
    }
}

impl Config {
    fn line(&self, f: &mut fmt::Formatter<'_>, key: &Key, name: &str) -> fmt::Result {
        let origin = self.values.origin(key);
        match self.values.text(key) {
            Some(text) => writeln!(f, "{}{name} = {}  # {origin}", self.comment(key), shown(text, key.kind)),
            None if origin == Origin::Default => writeln!(f, "# {name} is not set"),
            None => writeln!(f, "# {name} is not set  # {origin}"),
        }
    }

    /// `inventory` is a text and a table, which TOML does not allow both: the one that nobody set becomes a comment,
    /// and the text when somebody set both.
    fn comment(&self, key: &Key) -> &'static str {
        let is_set = |table: &str| KEYS.iter().any(|key| in_table(key, table) && self.values.origin(key) != Origin::Default);
        let as_text = KEYS.iter().any(|child| in_table(child, key.path)) && is_set(key.path);
        let as_table = KEYS.iter().any(|text| in_table(key, text.path) && !is_set(text.path));
        if as_text || as_table { "# " } else { "" }
    }
}

fn in_table(key: &Key, table: &str) -> bool {
    key.path.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
}

/// As a TOML value.
fn shown(text: &str, kind: Kind) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    match kind {
        Kind::Secret => quoted(mask::STARS),
        Kind::Whole { .. } => text.to_owned(),
        Kind::List(_) => format!("[{}]", text.split(',').map(|item| quoted(&mask::url(item.trim()))).collect::<Vec<_>>().join(", ")),
        _ => quoted(&mask::url(text)),
    }
}

/// What stands above the table.
const DOCS_HEAD: &str = "# Configuration

A TOML file (`ordo.toml`, or `--config PATH`), each key overridden by its environment variable. An unknown key or `ORDO_` variable is an error that names
the nearest known one. Generated from the code: `ordo config --docs`.

| key | variable | default | meaning |
|---|---|---|---|
";

/// `docs/configuration.md`: a Markdown table of all keys.
pub(crate) fn docs() -> String {
    let mut table = DOCS_HEAD.to_owned();
    for key in KEYS.iter() {
        let default = key.default.map_or_else(|| "none".to_owned(), |default| format!("`{default}`"));
        let accepts = match key.kind {
            Kind::Whole { .. } | Kind::List(_) => format!(" Accepts {}.", key.kind.expected()),
            _ => String::new(),
        };
        writeln!(table, "| `{}` | `{}` | {default} | {}{accepts} |", key.path, key.variable(), key.about())
            .expect("a String takes everything");
    }
    table
}
