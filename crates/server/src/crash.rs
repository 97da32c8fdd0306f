//! Ends the process in the middle of its work, where a test wants it: when a step comes for the n-th time since a file is there.
//!
//! In builds with debug assertions only; a release knows none of it.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use engine::Step;

/// The step and which time, from 1: `Saved:2`. `Saving+300us:1` is in the middle of a save, so much later.
const AT: &str = "ORDO_TEST_CRASH_AT";
/// Steps count while this file is there.
const WHILE: &str = "ORDO_TEST_CRASH_WHILE";

/// Where in a save, in microseconds. It goes on meanwhile.
const INTO_A_SAVE: [u64; 4] = [100, 300, 1000, 3000];

struct Plan {
    step: String,
    time: u32,
    while_there: PathBuf,
    passed: AtomicU32,
}

static PLAN: OnceLock<Plan> = OnceLock::new();

/// What the engine is to call at each step.
pub(crate) fn at_step() -> fn(Step) {
    match plan() {
        Some(plan) => {
            PLAN.get_or_init(|| plan);
            pass
        }
        None => |_| (),
    }
}

fn plan() -> Option<Plan> {
    let (at, while_there) = (std::env::var(AT).ok()?, std::env::var(WHILE).ok()?);
    let (step, time) = at.split_once(':')?;
    Some(Plan { step: step.to_owned(), time: time.parse().ok()?, while_there: while_there.into(), passed: AtomicU32::new(0) })
}

fn pass(step: Step) {
    let Some(plan) = PLAN.get().filter(|plan| plan.while_there.exists()) else { return };
    let is_it = |name: String| plan.step == name && plan.passed.fetch_add(1, Ordering::SeqCst) + 1 == plan.time;
    if is_it(format!("{step:?}")) {
        end();
    }
    for into in INTO_A_SAVE {
        if step == Step::Saving && is_it(format!("{step:?}+{into}us")) {
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_micros(into));
                end();
            });
        }
    }
}

/// At once, as by kill -9: nothing is flushed, closed or told.
fn end() -> ! {
    std::process::abort()
}
