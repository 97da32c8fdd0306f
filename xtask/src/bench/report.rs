//! Samples against their budget: medians, verdicts, a table to read and JSON to keep.

use crate::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// How far a figure may be off before `--check` fails.
const TOLERANCE: f64 = 0.1;

/// What was measured, one value a repetition.
#[derive(Default)]
pub(super) struct Samples(BTreeMap<String, Vec<f64>>);

impl Samples {
    /// One more value.
    pub(super) fn add(&mut self, name: &str, value: f64) {
        self.0.entry(name.to_owned()).or_default().push(value);
    }

    fn median(&self, name: &str) -> Option<f64> {
        let mut values = self.0.get(name)?.clone();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let upper = *values.get(middle)?;
        Some(if values.len() % 2 == 1 { upper } else { f64::midpoint(values[middle - 1], upper) })
    }
}

/// The rows of `bench/budget.toml`.
pub(super) struct Budget(Vec<Figure>);

#[derive(Clone)]
struct Figure {
    name: String,
    says: String,
    unit: String,
    at_least: Option<f64>,
    at_most: Option<f64>,
    goal: Option<f64>,
}

/// A figure with what was measured.
pub(super) struct Verdict {
    figure: Figure,
    median: f64,
}

impl Budget {
    /// Reads the file; a key that it does not know is an error.
    pub(super) fn parse(text: &str) -> Outcome<Self> {
        let budget: toml::Table = text.parse()?;
        let rows = budget.get("figure").and_then(toml::Value::as_array).ok_or("the budget has no [[figure]]")?;
        let figure = |row: &toml::Value| -> Outcome<Figure> {
            let row = row.as_table().ok_or("a figure is a table")?;
            let known = ["name", "says", "unit", "at_least", "at_most", "goal"];
            if let Some(unknown) = row.keys().find(|key| !known.contains(&key.as_str())) {
                return Err(format!("the budget knows no {unknown}").into());
            }
            let text = |key: &str| {
                let text = row.get(key).and_then(toml::Value::as_str).map(str::to_owned);
                text.ok_or_else(|| format!("a figure without {key}: {row}"))
            };
            let limit = |key: &str| match row.get(key) {
                None => Ok(None),
                Some(limit) => limit.as_float().map(Some).ok_or_else(|| format!("{key} = {limit}: write 1.0")),
            };
            Ok(Figure {
                name: text("name")?,
                says: text("says")?,
                unit: text("unit")?,
                at_least: limit("at_least")?,
                at_most: limit("at_most")?,
                goal: limit("goal")?,
            })
        };
        Ok(Self(rows.iter().map(figure).collect::<Outcome<_>>()?))
    }

    /// The figures that it knows.
    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|figure| figure.name.as_str())
    }

    /// What was measured, in the order of the budget.
    pub(super) fn hold(&self, samples: &Samples) -> Vec<Verdict> {
        let verdict = |figure: &Figure| Some(Verdict { figure: figure.clone(), median: samples.median(&figure.name)? });
        self.0.iter().filter_map(verdict).collect()
    }
}

impl Verdict {
    /// The figure's name.
    pub(super) fn name(&self) -> &str {
        &self.figure.name
    }

    /// Missed by more than what the machine's mood explains. Not a number counts as missed.
    pub(super) fn clearly_missed(&self) -> bool {
        !self.within(TOLERANCE)
    }

    fn within(&self, tolerance: f64) -> bool {
        self.figure.at_least.is_none_or(|limit| self.median >= limit * (1.0 - tolerance))
            && self.figure.at_most.is_none_or(|limit| self.median <= limit * (1.0 + tolerance))
            && self.median.is_finite()
    }

    fn word(&self) -> &'static str {
        let goal = self.figure.goal.is_some_and(|goal| self.median >= goal);
        match (self.figure.at_least.or(self.figure.at_most), self.within(0.0)) {
            _ if self.clearly_missed() => "**missed**",
            (None, _) => "",
            (Some(_), true) if goal => "goal reached",
            (Some(_), true) => "kept",
            (Some(_), false) => "missed, by less than a tenth",
        }
    }

    fn limit(&self) -> String {
        let goal = self.figure.goal.map(|goal| format!(" (goal {goal})")).unwrap_or_default();
        match (self.figure.at_least, self.figure.at_most) {
            (Some(limit), _) => format!("≥ {limit}{goal}"),
            (None, Some(limit)) => format!("≤ {limit}{goal}"),
            (None, None) => String::new(),
        }
    }
}

/// A markdown table.
pub(super) fn table(verdicts: &[Verdict]) -> String {
    let mut table = String::from("| figure | median | budget | |\n|---|---:|---|---|\n");
    for verdict in verdicts {
        let Figure { says, unit, .. } = &verdict.figure;
        let median = match verdict.median {
            median if median.abs() >= 100.0 => format!("{median:.0} {unit}"),
            median => format!("{median:.2} {unit}"),
        };
        let row = format!("| {says} | {} | {} | {} |", median.trim(), verdict.limit(), verdict.word());
        writeln!(table, "{row}").expect("a string takes everything");
    }
    table
}

/// Keeps the run as `run-N.json`, and as `latest.json`.
pub(super) fn write(folder: &Path, about: &Value, samples: &Samples, verdicts: &[Verdict]) -> Outcome<PathBuf> {
    let medians: BTreeMap<&str, f64> = verdicts.iter().map(|verdict| (verdict.name(), verdict.median)).collect();
    let missed: Vec<&str> = verdicts.iter().filter(|verdict| !verdict.within(0.0)).map(Verdict::name).collect();
    let report = json!({"about": about, "samples": samples.0, "medians": medians, "missed": missed});
    let report = serde_json::to_string_pretty(&report)? + "\n";
    let free = (1..100_000).map(|run| folder.join(format!("run-{run}.json"))).find(|path| !path.exists());
    let path = free.ok_or("target/bench is full of runs")?;
    std::fs::write(&path, &report)?;
    std::fs::write(folder.join("latest.json"), report)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(limits: &str, values: &[f64]) -> Verdict {
        let budget = format!("[[figure]]\nname = 'a'\nsays = 'A'\nunit = 'x'\n{limits}");
        let mut samples = Samples::default();
        for value in values {
            samples.add("a", *value);
        }
        Budget::parse(&budget).unwrap().hold(&samples).remove(0)
    }

    #[test]
    fn a_limit_missed_by_more_than_a_tenth_is_clearly_missed() {
        for (limits, value, missed, word) in [
            ("at_least = 2.5", 2.5, false, "kept"),
            ("at_least = 2.5\ngoal = 4.0", 4.5, false, "goal reached"),
            ("at_least = 2.5", 2.3, false, "missed, by less than a tenth"),
            ("at_least = 2.5", 2.2, true, "**missed**"),
            ("at_most = 25.0", 25.0, false, "kept"),
            ("at_most = 25.0", 27.0, false, "missed, by less than a tenth"),
            ("at_most = 25.0", 28.0, true, "**missed**"),
            ("at_most = 0.0", 1.0, true, "**missed**"),
            ("at_least = 2.5", f64::NAN, true, "**missed**"),
            ("", 7.0, false, ""),
        ] {
            let verdict = hold(limits, &[value]);
            assert_eq!((verdict.clearly_missed(), verdict.word()), (missed, word), "{limits} {value}");
        }
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        for (values, expected) in [(&[9.0, 1.0, 2.0][..], "2.00 x"), (&[1.0, 2.0], "1.50 x"), (&[120.4], "120 x")] {
            let table = table(&[hold("", values)]);
            assert!(table.contains(&format!("| A | {expected} |")), "{table}");
        }
    }

    #[test]
    fn a_figure_that_was_not_measured_has_no_row() {
        let budget = Budget::parse("[[figure]]\nname = 'a'\nsays = 'A'\nunit = ''").unwrap();
        assert!(budget.hold(&Samples::default()).is_empty());
    }

    #[test]
    fn a_budget_with_a_wrong_key_is_refused() {
        let row = "[[figure]]\nname = 'a'\nsays = 'A'\nunit = ''\n";
        assert!(Budget::parse(&format!("{row}at_last = 1.0")).is_err());
        assert!(Budget::parse(&format!("{row}at_least = 'much'")).is_err());
        assert!(Budget::parse("[[figure]]\nname = 'a'").is_err());
    }
}
