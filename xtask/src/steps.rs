//! Steps one after the other, each with its header and its duration; all of them together decide.

use crate::{Outcome, say};
use std::time::{Duration, Instant};

/// What has been done so far.
pub(crate) struct Steps {
    started: Instant,
    done: Vec<Step>,
}

struct Step {
    name: String,
    took: Duration,
    /// A remark, or why it failed.
    outcome: Result<String, String>,
}

impl Steps {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), done: Vec::new() }
    }

    /// Does one; `None` when it failed. The remark of the summary is what `remark` says about the result.
    pub(crate) fn take<T>(&mut self, name: &str, step: impl FnOnce() -> Outcome<T>, remark: impl FnOnce(&T) -> String) -> Option<T> {
        say::line(format!("\n==> {name}"));
        let started = Instant::now();
        let result = step();
        let took = started.elapsed();
        let outcome = match &result {
            Ok(result) => Ok(remark(result)),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = &outcome {
            say::line(why);
        }
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        say::line(format!("<== {name}: {word}, {:.1} s", took.as_secs_f64()));
        self.done.push(Step { name: name.to_owned(), took, outcome });
        result.ok()
    }

    /// Does one that has nothing to say.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> Outcome<()>) {
        self.take(name, step, |()| String::new());
    }

    /// Whether everything so far held.
    pub(crate) fn all_held(&self) -> bool {
        self.done.iter().all(|step| step.outcome.is_ok())
    }

    /// The table at the end; an error names the steps that failed.
    pub(crate) fn finish(&self) -> Outcome<()> {
        say::line(format!("\n{}", self.summary()));
        let failed: Vec<&str> = self.done.iter().filter(|step| step.outcome.is_err()).map(|step| step.name.as_str()).collect();
        if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", ")).into()) }
    }

    fn summary(&self) -> String {
        let line = |step: &Step| {
            let (word, remark) = match &step.outcome {
                Ok(remark) => ("ok", remark.as_str()),
                Err(why) => ("FAILED", why.lines().next().unwrap_or_default()),
            };
            format!("{word:<7} {:>7.1} s  {}  {remark}", step.took.as_secs_f64(), step.name).trim_end().to_owned()
        };
        let mut lines: Vec<String> = self.done.iter().map(line).collect();
        lines.push(format!("{:<7} {:>7.1} s  in all", "", self.started.elapsed().as_secs_f64()));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_step_fails_the_whole_and_the_later_ones_still_run() {
        let mut steps = Steps::new();
        let mut later = false;
        steps.run("first", || Err("broken\ndetails".into()));
        assert!(!steps.all_held());
        steps.run("second", || {
            later = true;
            Ok(())
        });
        assert!(later);
        assert_eq!(steps.finish().unwrap_err().to_string(), "failed: first");
        assert!(steps.summary().contains("first  broken\n"), "{}", steps.summary());
    }

    #[test]
    fn steps_that_hold_are_no_error() {
        let mut steps = Steps::new();
        assert_eq!(steps.take("count", || Ok(3), |count| format!("{count} tests")), Some(3));
        assert!(steps.all_held() && steps.finish().is_ok());
        assert!(steps.summary().contains("count  3 tests"));
    }
}
