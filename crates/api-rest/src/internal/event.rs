//! Events of other services: money that came or did not, carriers, refunds by hand. Each is heard once, for ever.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::command::{EventAnswer, OrderNews};
use domain::ids::{OrderId, RefundId};
use serde::Serialize;

use crate::access::Requester;
use crate::answer::replayable;
use crate::app::App;
use crate::input::fields::Fields;
use crate::input::rules::{Rule, choice, currency, identifier, money, text, uuid};
use crate::input::{document, fields};
use crate::problem::Problem;
use crate::refusals::problem_of;
use crate::request::{Body, PathId};

/// What is told, as a word.
#[derive(Clone, Copy)]
enum Word {
    PaymentConfirmed,
    PaymentFailed,
    Shipped,
    Delivered,
    RefundSucceeded,
    RefundFailed,
}

/// Every word; services that keep the facts of an order may tell them in the words of the history.
const WORDS: &[(&str, Word)] = &[
    ("payment.confirmed", Word::PaymentConfirmed),
    ("payment.failed", Word::PaymentFailed),
    ("shipment.shipped", Word::Shipped),
    ("shipment.delivered", Word::Delivered),
    ("refund.succeeded", Word::RefundSucceeded),
    ("refund.failed", Word::RefundFailed),
    ("PAYMENT_CONFIRMED", Word::PaymentConfirmed),
    ("PAYMENT_SUCCEEDED", Word::PaymentConfirmed),
    ("PAYMENT_FAILED", Word::PaymentFailed),
    ("SHIPMENT_SHIPPED", Word::Shipped),
    ("ORDER_SHIPPED", Word::Shipped),
    ("SHIPMENT_DELIVERED", Word::Delivered),
    ("ORDER_DELIVERED", Word::Delivered),
    ("REFUND_SUCCEEDED", Word::RefundSucceeded),
    ("REFUND_FAILED", Word::RefundFailed),
];

#[derive(Serialize)]
struct Heard {
    applied: bool,
}

/// `POST /internal/orders/{id}/events`
pub(super) async fn hear(State(app): State<App>, requester: Requester, PathId(order_id): PathId, body: Body) -> Result<Response, Problem> {
    let doc = document::parse(&body.0)?;
    let word = doc.get("event_type").and_then(|sent| choice(WORDS).read(sent).ok());
    let (event_id, news) = fields::read(&doc, |f| {
        f.required("event_type", choice(WORDS));
        let event_id = f.required("event_id", identifier());
        // Of a word that is not known, nothing is known about its payload.
        let news = match word {
            Some(word) if needs_payload(word) => f.required_object("payload", |f| news(word, order_id, f)),
            Some(word) => f.optional_object("payload", |f| news(word, order_id, f)).unwrap_or_else(|| bare(word)),
            None => {
                f.known("payload");
                OrderNews::Delivered
            }
        };
        (event_id, news)
    })?;
    let heard = app.engine.hear(OrderId(order_id), &event_id, news, requester.ask(None));
    let done = app.wait(heard).await.map_err(problem_of)?;
    let applied = match done.answer {
        EventAnswer::Applied => true,
        EventAnswer::Nothing => false,
        EventAnswer::AmountMismatch => {
            return Err(Problem::new(StatusCode::CONFLICT, "AMOUNT_MISMATCH", "This is not possible as things stand")
                .detail("The amount or its currency is not what is due. Nothing moved; an ops task was opened."));
        }
    };
    Ok(replayable(StatusCode::OK, done.is_replay, &Heard { applied }))
}

const fn needs_payload(word: Word) -> bool {
    match word {
        Word::PaymentConfirmed | Word::RefundSucceeded | Word::RefundFailed => true,
        Word::PaymentFailed | Word::Shipped | Word::Delivered => false,
    }
}

/// An event that says nothing more. Those that must are read with their payload.
fn bare(word: Word) -> OrderNews {
    match word {
        Word::Shipped => OrderNews::Shipped { carrier_code: None, tracking_number: None },
        Word::PaymentFailed => OrderNews::PaymentFailed { reason: NO_REASON.into() },
        Word::Delivered | Word::PaymentConfirmed | Word::RefundSucceeded | Word::RefundFailed => OrderNews::Delivered,
    }
}

/// Where the teller gives none.
const NO_REASON: &str = "payment_failed";

/// Other services may tell more than is asked for here.
fn news(word: Word, order_id: uuid::Uuid, f: &mut Fields<'_>) -> OrderNews {
    f.others_may_come();
    if f.optional("order_id", uuid()).is_some_and(|told| told != order_id) {
        f.refuse("order_id", "INVALID_VALUE", "Must be the order of the address.");
    }
    match word {
        Word::PaymentConfirmed => OrderNews::PaymentConfirmed {
            amount: f.required("amount", money()),
            currency: f.optional("currency", currency()),
            reference: f.optional("payment_id", identifier()).map(Into::into),
        },
        Word::PaymentFailed => {
            OrderNews::PaymentFailed { reason: f.optional("reason", text(1..=500)).map_or_else(|| NO_REASON.into(), Into::into) }
        }
        Word::Shipped => OrderNews::Shipped {
            carrier_code: f.optional("carrier_code", text(1..=100)).map(Into::into),
            tracking_number: f.optional("tracking_number", text(1..=100)).map(Into::into),
        },
        Word::Delivered => OrderNews::Delivered,
        Word::RefundSucceeded => OrderNews::RefundSucceeded { refund_id: RefundId(f.required("refund_id", uuid())) },
        Word::RefundFailed => OrderNews::RefundFailed {
            refund_id: RefundId(f.required("refund_id", uuid())),
            reason: f.optional("reason", text(1..=500)).map_or_else(|| "refund_failed".into(), Into::into),
        },
    }
}
