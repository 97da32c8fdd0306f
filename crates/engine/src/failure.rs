//! Why a command has no answer.

use std::sync::Arc;

use domain::Refusal;

use crate::port::Unavailable;

/// Why a command has no answer.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Failure {
    /// The answer is no.
    #[error(transparent)]
    Refused(Refusal),
    /// Too much waits already, or it waited for too long. Nothing was done; ask again later.
    #[error("too many requests are waiting")]
    Overloaded,
    /// The service is stopping. Nothing was done.
    #[error("the service is stopping")]
    Stopping,
    /// The store is away. Nothing was done.
    #[error("the store cannot be used now: {0}")]
    Unavailable(Arc<str>),
    /// Nobody knows whether it was done. Asked again with the same key, it is done once.
    #[error("it is not known whether the request was carried out; repeat it with the same key")]
    Unsure,
    /// A bug of ours.
    #[error("internal error: {0}")]
    Bug(Arc<str>),
}

impl Failure {
    /// For metrics and logs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Overloaded => "OVERLOADED",
            Self::Stopping => "STOPPING",
            Self::Unavailable(_) => "STORE_UNAVAILABLE",
            Self::Unsure => "UNSURE",
            Self::Bug(_) => "INTERNAL",
        }
    }
}

impl From<Unavailable> for Failure {
    fn from(away: Unavailable) -> Self {
        Self::Unavailable(away.0)
    }
}
