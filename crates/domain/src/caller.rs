//! Who asks. Part of every command's context and of every query.

use std::sync::Arc;

use crate::ids::UserId;

/// What a caller may be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Sees and changes his own orders.
    Customer,
    /// Reads everything, cancels.
    Support,
    /// Another service of the house.
    Service,
    /// Everything.
    Admin,
}

/// Who asks, and as what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// For a customer: his user id. For keys: the key's owner.
    pub id: Arc<str>,
    /// What the caller may do.
    pub role: Role,
}

impl Caller {
    /// The caller while `auth = off`: one administrator for everybody.
    pub fn local_admin() -> Self {
        Self { id: "local".into(), role: Role::Admin }
    }

    /// The service itself: its workers.
    pub fn system() -> Self {
        Self { id: "system".into(), role: Role::Service }
    }

    /// The owner whose things alone this caller sees; `None`: everybody's.
    pub fn only_own(&self) -> Option<&str> {
        match self.role {
            Role::Customer => Some(&self.id),
            Role::Support | Role::Service | Role::Admin => None,
        }
    }

    /// Whether this caller sees what belongs to `owner`.
    pub fn sees(&self, owner: Option<&UserId>) -> bool {
        self.only_own().is_none_or(|own| owner.is_some_and(|owner| owner.as_str() == own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_sees_only_what_is_his() {
        let ada = Caller { id: "ada".into(), role: Role::Customer };
        assert!(ada.sees(Some(&"ada".into())));
        assert!(!ada.sees(Some(&"bob".into())));
        assert!(!ada.sees(None));
        for role in [Role::Support, Role::Service, Role::Admin] {
            assert!(Caller { id: "x".into(), role }.sees(Some(&"bob".into())));
        }
    }
}
