//! A session with the few moves that the cases make.

use std::sync::Arc;

use domain::ids::Uuid;
use domain::{Changes, Needs, View};
use engine::port::{Mark, SaveError, Session, Settled, Store};

/// A mark that nobody else has, whatever else runs on the same database.
pub(super) fn fresh_mark() -> Mark {
    Mark(Uuid::from_u128(rand::random()))
}

/// One session of a store.
pub(super) struct Hands {
    session: Box<dyn Session>,
}

impl Hands {
    pub(super) async fn of(store: &Arc<dyn Store>) -> Self {
        Self { session: store.session().await.expect("a store that works gives a session") }
    }

    pub(super) async fn load(&mut self, needs: &Needs) -> View {
        let mut seen = View::default();
        self.session.load(needs, &mut seen).await.expect("a store that works loads");
        seen.settle(needs);
        seen
    }

    pub(super) async fn try_save_as(&mut self, changes: &Changes, mark: Mark) -> Result<(), SaveError> {
        self.session.save(changes, mark).await
    }

    pub(super) async fn try_save(&mut self, changes: &Changes) -> Result<(), SaveError> {
        self.session.save(changes, fresh_mark()).await
    }

    pub(super) async fn save(&mut self, changes: &Changes) {
        let saved = self.try_save(changes).await;
        assert!(saved.is_ok(), "a legal save failed: {saved:?}\n{changes:#?}");
    }

    /// Somebody was first.
    pub(super) async fn loses(&mut self, changes: &Changes, why: &str) {
        let saved = self.try_save(changes).await;
        assert!(matches!(saved, Err(SaveError::Lost(_))), "{why}: not lost, but {saved:?}");
    }

    /// Refused, for now or for good.
    pub(super) async fn is_refused(&mut self, changes: &Changes, why: &str) {
        let saved = self.try_save(changes).await;
        assert!(matches!(saved, Err(SaveError::Lost(_) | SaveError::Rejected(_))), "{why}: not refused, but {saved:?}");
    }

    pub(super) async fn settle(&mut self, mark: Mark) -> Settled {
        self.session.settle(mark).await.expect("a store that works tells whether it saved")
    }
}
