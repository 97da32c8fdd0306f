//! The orders of a customer, or of everybody, the newest first.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use domain::command::OrderAnswer;
use domain::ids::Uuid;
use domain::time::Time;
use engine::port::{OrderFilter, Page as Asked};

use super::shape::OrderShape;
use super::word::Word;
use crate::access::Requester;
use crate::answer::json;
use crate::app::App;
use crate::input::query;
use crate::input::rules::{Rule as _, choice, identifier, text, time};
use crate::output::page::{Cursor, Page};
use crate::problem::Problem;

/// The name of the list, which its cursors are bound to.
const LIST: &str = "storefront orders";

/// How often more is read for one page: most orders whose money goes back may have another word than the one asked for.
const READS_MAX: usize = 5;

/// `GET /api/orders`
pub(super) async fn list(State(app): State<App>, requester: Requester, uri: Uri) -> Result<Response, Problem> {
    let (words, filter, limit, after) = query::read(uri.query(), |q| {
        let words = words(q);
        let filter = OrderFilter {
            user_id: q.optional_named(&["user_id", "userId"], identifier()).map(Into::into),
            statuses: Word::statuses(&words),
            from: q.optional("from", time()).map(Time),
            to: q.optional("to", time()).map(Time),
            ..OrderFilter::default()
        };
        (words, filter, q.limit(), q.cursor(LIST))
    })?;
    let mut picked = Picked::after(after.map(|cursor| (Time(cursor.created_at_ms), cursor.id)), limit);
    for _ in 0..READS_MAX {
        let asked = Asked { after: picked.last, limit: u32::from(limit) + 1 };
        let found = app.ask(app.engine.queries().orders(&requester.caller, &filter, asked)).await?;
        picked.pick(found, &words);
        if !picked.wants_more() {
            break;
        }
    }
    let next_cursor =
        picked.last.filter(|_| picked.has_more).map(|(created_at, id)| Cursor { created_at_ms: created_at.0, id }.encode(LIST));
    let items = picked.orders.iter().map(|answer| OrderShape::of(answer, &requester.caller)).collect();
    Ok(json(StatusCode::OK, &Page { items, next_cursor }))
}

/// `status=PENDING` or several, set apart by commas.
fn words(q: &mut query::Query) -> Vec<Word> {
    let sent = q.optional("status", text(1..=200)).unwrap_or_default();
    let mut words = Vec::new();
    for word in sent.split(',').filter(|word| !word.is_empty()) {
        match choice(Word::ALL).read_text(word) {
            Ok(word) => words.push(word),
            Err(broken) => q.broken("status", broken),
        }
    }
    words
}

/// The part of a list that was read and is shown.
pub(super) struct Picked {
    pub(super) orders: Vec<OrderAnswer>,
    limit: usize,
    /// The last one that was looked at, shown or not.
    pub(super) last: Option<(Time, Uuid)>,
    /// There are others behind it.
    pub(super) has_more: bool,
}

impl Picked {
    pub(super) fn after(last: Option<(Time, Uuid)>, limit: u16) -> Self {
        Self { orders: Vec::new(), limit: limit.into(), last, has_more: true }
    }

    pub(super) fn wants_more(&self) -> bool {
        self.has_more && self.orders.len() < self.limit
    }

    /// Takes those with one of the words from what was found: one more than a page has.
    pub(super) fn pick(&mut self, found: Vec<OrderAnswer>, words: &[Word]) {
        self.has_more = found.len() > self.limit;
        for answer in found.into_iter().take(self.limit) {
            if self.orders.len() == self.limit {
                self.has_more = true;
                return;
            }
            self.last = Some((answer.order.created_at, answer.order.order_id.0));
            if words.is_empty() || words.contains(&Word::of(&answer.order)) {
                self.orders.push(answer);
            }
        }
    }
}
