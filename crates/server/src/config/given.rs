//! What was given: the values of file and environment by key, each with its origin. Knows names and forms, not meanings.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::keys::{self, KEYS, Key};
use super::kinds::{Kind, Setting};
use super::mask;
use super::problem::{Origin, Problem};

/// What every variable of ours begins with.
const PREFIX: &str = "ORDO_";

/// Variables with our prefix that mean something to the tests, and nothing here.
const NOT_OURS: &[&str] = &["ORDO_TEST_", "ORDO_PG_BIN"];

/// Keys one may look for that are set elsewhere.
const ELSEWHERE: &[(&str, &str)] = &[("webhooks", "webhook endpoints are managed by the API, not by the configuration")];

/// The longest value that an error repeats, in characters.
const FOUND_CHARACTERS_MAX: usize = 100;

/// A value as text (whole numbers in decimal, lists with commas between), or `None` where an empty variable unsets the key.
#[derive(Clone, Debug)]
struct Given {
    text: Option<Hidden>,
    origin: Origin,
}

/// A text that may be a secret, so that nothing that holds it shows it.
#[derive(Clone)]
struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(mask::STARS)
    }
}

/// The values that were given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values(BTreeMap<&'static str, Given>);

impl Values {
    /// Adds what the file says.
    pub(crate) fn add_file(&mut self, path: &Path, problems: &mut Vec<Problem>) {
        match std::fs::read_to_string(path) {
            Ok(text) => self.add_text(path, &text, problems),
            Err(error) => problems.push(Problem::Unreadable { path: path.to_owned(), reason: error.to_string() }),
        }
    }

    fn add_text(&mut self, path: &Path, text: &str, problems: &mut Vec<Problem>) {
        let origin = |at: usize| Origin::File { path: path.to_owned(), line: 1 + text.get(..at).unwrap_or(text).matches('\n').count() };
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            self.add_table("", table.get_ref(), &origin, problems);
        }
        problems.extend(errors.into_iter().map(|error| Problem::Syntax {
            origin: origin(error.span().map_or(0, |span| span.start)),
            reason: error.message().lines().collect::<Vec<_>>().join(", "),
        }));
    }

    fn add_table(&mut self, prefix: &str, table: &DeTable<'_>, origin: &dyn Fn(usize) -> Origin, problems: &mut Vec<Problem>) {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in entries {
            let path = format!("{prefix}{}", name.get_ref());
            let at = origin(name.span().start);
            let inner = format!("{path}.");
            let is_table = KEYS.iter().any(|key| key.path.starts_with(&inner));
            match (value.get_ref(), keys::find(&path)) {
                (DeValue::Table(table), key) if is_table || (key.is_none() && !table.is_empty()) => {
                    self.add_table(&inner, table, origin, problems);
                }
                (value, Some(key)) => match text_of(value, key.kind) {
                    Some(text) => {
                        self.0.insert(key.path, Given { text: Some(Hidden(text)), origin: at });
                    }
                    None => problems.push(wrong(key, at, shown_value(value, key.kind), None)),
                },
                (value, None) if is_table => problems.push(Problem::Value {
                    key: path,
                    origin: at,
                    found: shown_value(value, Kind::Secret),
                    expected: format!("a table, like [{}]", inner.trim_end_matches('.')),
                    why: None,
                }),
                (_, None) => problems.push(unknown_key(path, at)),
            }
        }
    }

    /// Lays the variables of the environment over what is there.
    pub(crate) fn add_environment(&mut self, environment: impl Iterator<Item = (String, String)>, problems: &mut Vec<Problem>) {
        let ours = |name: &str| name.starts_with(PREFIX) && !NOT_OURS.iter().any(|other| name.starts_with(other));
        let sorted: BTreeMap<_, _> = environment.filter(|(name, _)| ours(name)).collect();
        for (variable, text) in sorted {
            let Some(key) = KEYS.iter().find(|key| key.variable() == variable) else {
                problems.push(unknown_variable(variable));
                continue;
            };
            let unset = text.is_empty() && key.default.is_none();
            let text = (!unset).then_some(Hidden(text));
            self.0.insert(key.path, Given { text, origin: Origin::Environment { variable } });
        }
    }

    /// The typed value of the key at `path`; `None` when it is wrong, which `problems` then tells.
    pub(crate) fn read<T: Setting>(&self, path: &str, problems: &mut Vec<Problem>) -> Option<T> {
        let key = keys::find(path).expect("fields and keys come from one list");
        let Some(text) = self.text(key) else { return T::absent() };
        match T::read(text, &key.kind) {
            Ok(value) => Some(value),
            Err(why) => {
                problems.push(wrong(key, self.origin(key), shown_text(text, key.kind), why));
                None
            }
        }
    }

    /// The effective text of a key.
    pub(crate) fn text(&self, key: &Key) -> Option<&str> {
        match self.0.get(key.path) {
            Some(given) => given.text.as_ref().map(|text| text.0.as_str()),
            None => key.default,
        }
    }

    /// Where the effective value of a key comes from.
    pub(crate) fn origin(&self, key: &Key) -> Origin {
        self.0.get(key.path).map_or(Origin::Default, |given| given.origin.clone())
    }
}

/// The canonical text of a value of the file; `None` when the kind is written otherwise.
fn text_of(value: &DeValue<'_>, kind: Kind) -> Option<String> {
    match (value, kind) {
        (DeValue::Integer(integer), Kind::Whole { .. }) => {
            i128::from_str_radix(integer.as_str(), integer.radix()).ok().map(|number| number.to_string())
        }
        (_, Kind::Whole { .. }) => None,
        (DeValue::Array(items), Kind::List(item)) => {
            let items: Option<Vec<_>> =
                items.iter().map(|value| text_of(value.get_ref(), *item).filter(|text| !text.contains(','))).collect();
            items.map(|items| items.join(","))
        }
        (DeValue::String(text), _) => Some(text.to_string()),
        _ => None,
    }
}

fn wrong(key: &Key, origin: Origin, found: String, why: Option<String>) -> Problem {
    Problem::Value { key: key.path.into(), origin, found, expected: key.kind.expected(), why }
}

fn shown_text(text: &str, kind: Kind) -> String {
    if text.is_empty() {
        return "nothing".into();
    }
    if kind == Kind::Secret {
        return mask::STARS.into();
    }
    if matches!(kind, Kind::Whole { .. }) && text.parse::<i128>().is_ok() {
        return text.into();
    }
    let masked = mask::url(text);
    let short: String = masked.chars().take(FOUND_CHARACTERS_MAX).collect();
    format!("{short:?}{}", if short.len() < masked.len() { "…" } else { "" })
}

fn shown_value(value: &DeValue<'_>, kind: Kind) -> String {
    match value {
        DeValue::String(text) if kind == Kind::Secret || text.is_empty() => "a text".into(),
        DeValue::String(text) => format!("the text {}", shown_text(text, Kind::Text)),
        DeValue::Integer(_) | DeValue::Float(_) if kind == Kind::Secret => "a number without quotes".into(),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date or time".into(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

fn unknown_key(name: String, origin: Origin) -> Problem {
    match ELSEWHERE.iter().find(|(elsewhere, _)| name == *elsewhere || name.starts_with(&format!("{elsewhere}."))) {
        Some((_, where_to)) => Problem::Together(format!("{origin}: `{name}`: {where_to}")),
        None => Problem::UnknownKey { nearest: nearest(&name, |key| key.path.to_owned()).path, name, origin },
    }
}

fn unknown_variable(name: String) -> Problem {
    match ELSEWHERE.iter().find(|(elsewhere, _)| name.strip_prefix(PREFIX).is_some_and(|rest| rest.eq_ignore_ascii_case(elsewhere))) {
        Some((_, where_to)) => Problem::Together(format!("{name}: {where_to}")),
        None => Problem::UnknownVariable { nearest: nearest(&name, Key::variable).variable(), name },
    }
}

/// The key whose name is the fewest edits away.
fn nearest(name: &str, name_of: impl Fn(&Key) -> String) -> &'static Key {
    KEYS.iter().min_by_key(|key| strsim::damerau_levenshtein(&name_of(key), name)).expect("there are keys")
}
