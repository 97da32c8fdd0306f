//! What the engine refuses, as problems: the one place that turns a kind of "no" into a status.

use axum::http::StatusCode;
use domain::Refusal;
use domain::refusal::RefusalKind;
use engine::Failure;
use engine::refused::told;

pub(crate) use engine::refused::price_changes;

use crate::problem::{self, Problem};

/// Why a command has no answer, for the caller. What only concerns the operator stays in the log.
pub(crate) fn problem_of(failure: Failure) -> Problem {
    match failure {
        Failure::Refused(refusal) => refused(&refusal),
        Failure::Overloaded => Problem::of(problem::OVERLOADED).detail("Too many requests are waiting. Nothing was done; try again."),
        Failure::Stopping => Problem::of(problem::OVERLOADED).detail("The service is stopping. Nothing was done; try again."),
        Failure::Unavailable(_) => {
            Problem::of(problem::STORE_UNAVAILABLE).detail("The store cannot be used now. Nothing was done; try again.")
        }
        Failure::Unsure => Problem::of(problem::STORE_UNAVAILABLE)
            .detail("It is not known whether this was carried out. Repeat it with the same Idempotency-Key."),
        Failure::Bug(_) => Problem::of(problem::INTERNAL),
    }
}

const fn status_of(kind: RefusalKind) -> (StatusCode, &'static str) {
    match kind {
        RefusalKind::NotFound => (StatusCode::NOT_FOUND, "There is no such resource"),
        RefusalKind::Conflict => (StatusCode::CONFLICT, "This is not possible as things stand"),
        RefusalKind::Changed => (StatusCode::PRECONDITION_FAILED, problem::VERSION_MISMATCH.title),
        RefusalKind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "The request breaks a rule"),
        RefusalKind::Forbidden => (StatusCode::FORBIDDEN, "The credentials do not allow this"),
    }
}

fn refused(refusal: &Refusal) -> Problem {
    let (status, title) = status_of(refusal.kind());
    let told = told(refusal);
    let mut problem = Problem::new(status, refusal.code(), title).detail(told.detail);
    for (name, fact) in told.facts {
        problem = problem.member(name, &fact);
    }
    match told.retry_after_s {
        Some(seconds) => problem.retry_after(seconds),
        None => problem,
    }
}
