//! Bytes on a connection of their own, and what is looked at in every answer.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::doors::CANARY;
use super::row::{Expected, Form, Row};
use crate::support::{Reply, read_reply};

/// After this a test gives up.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// No refusal is longer: at most a hundred broken fields are told.
const REFUSAL_BYTES_MAX: usize = 20_000;

/// Sends these bytes and reads one answer; `None` when the connection ends without one.
pub(super) async fn send(address: SocketAddr, bytes: &[u8]) -> io::Result<Option<Reply>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut from, mut to) = stream.split();
    let mut answer = Vec::new();
    // Who is refused early is told while he still sends.
    let read = async {
        tokio::select! {
            reply = read_reply(&mut from, &mut answer) => reply,
            () = async { let _sent = to.write_all(bytes).await; std::future::pending().await } => unreachable!("it never ends"),
        }
    };
    match tokio::time::timeout(ANSWER_WITHIN, read).await {
        Ok(Ok(reply)) => Ok(Some(reply)),
        Ok(Err(_)) if answer.is_empty() => Ok(None),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {ANSWER_WITHIN:?}"))),
    }
}

/// Whether the answer is what the row expects, and what every answer must be.
pub(super) fn judge(row: &Row, reply: Option<&Reply>) -> Result<(), String> {
    answered(&row.expected, reply)
}

fn answered(expected: &Expected, reply: Option<&Reply>) -> Result<(), String> {
    let Some(reply) = reply else {
        return if matches!(expected, Expected::Library(_)) { Ok(()) } else { Err("the connection ended without an answer".to_owned()) };
    };
    let shown = || format!("{} {}", reply.status, &reply.text()[..reply.text().len().min(300)]);
    let check = |good: bool, what: &str| if good { Ok(()) } else { Err(format!("{what}: {}", shown())) };
    match expected {
        Expected::Library(statuses) => {
            check(statuses.contains(&reply.status), &format!("not of {statuses:?}"))?;
            // Where the library lets a head pass, the door says no in its own words.
            check(reply.text().is_empty() || reply.header("x-request-id").is_some(), "neither the library's nor the door's")?;
            check(!reply.text().to_ascii_lowercase().contains(CANARY), "tells back what was sent")
        }
        Expected::With(name, value, inner) => {
            let has = reply.header(name).is_some_and(|sent| sent.split(',').any(|part| part.trim() == *value));
            check(has, &format!("{name} does not say {value} but {:?}", reply.header(name)))?;
            answered(inner, Some(reply))
        }
        Expected::Fine(status) => {
            check(reply.status == *status, &format!("not {status}"))?;
            check(reply.header("x-request-id").is_some(), "no request id")
        }
        Expected::Refusal { form, status, code, at } => {
            check(reply.status == *status, &format!("not {status} {code}"))?;
            check(reply.header("x-request-id").is_some(), "no request id")?;
            check(reply.header("cache-control") == Some("no-store"), "may be cached")?;
            check(reply.text().len() < REFUSAL_BYTES_MAX, "too long")?;
            check(!reply.text().to_ascii_lowercase().contains(CANARY), "tells back what was sent")?;
            let at = at.as_ref().map(|(place, code)| (place.as_str(), *code));
            let told: Value = serde_json::from_str(reply.text()).map_err(|error| format!("{error}: {}", shown()))?;
            match form {
                Form::Details => details(reply, &told, code, at),
                Form::Tickets => tickets(reply, &told, code, at),
            }
            .map_err(|why| format!("{why}: {}", shown()))
        }
    }
}

fn details(reply: &Reply, told: &Value, code: &str, at: Option<(&str, &str)>) -> Result<(), String> {
    let check = |good: bool, what: String| if good { Ok(()) } else { Err(what) };
    check(reply.header("content-type") == Some("application/problem+json"), "no problem".to_owned())?;
    check(told["code"] == code, format!("not {code}"))?;
    check(told["status"] == reply.status, "another status in the body".to_owned())?;
    check(told["request_id"].as_str() == reply.header("x-request-id"), "another request id in the body".to_owned())?;
    for name in ["type", "title", "detail"] {
        check(told[name].as_str().is_some_and(|text| !text.is_empty()), format!("no {name}"))?;
    }
    let Some((place, code)) = at else { return Ok(()) };
    let errors = told["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let places: Vec<_> =
        errors.iter().map(|error| (error["pointer"].as_str().or(error["parameter"].as_str()), error["code"].as_str())).collect();
    check(places == [(Some(place), Some(code))], format!("not {code} at {place} alone"))
}

/// The words that the door has for what the others name more generally.
fn tickets(reply: &Reply, told: &Value, code: &str, at: Option<(&str, &str)>) -> Result<(), String> {
    let check = |good: bool, what: String| if good { Ok(()) } else { Err(what) };
    let word = match code {
        "VALIDATION_FAILED" | "INVALID_PARAMETER" => "validation_error".to_owned(),
        "NOT_FOUND" => "order_not_found".to_owned(),
        code => code.to_ascii_lowercase(),
    };
    check(reply.header("content-type") == Some("application/json"), "not this door's form".to_owned())?;
    check(told["error"] == *word, format!("not {word}"))?;
    check(told.as_object().is_some_and(|members| members.len() == 2), "other members than error and message".to_owned())?;
    let message = told["message"].as_str().unwrap_or_default();
    check(!message.is_empty(), "no message".to_owned())?;
    check(at.is_none_or(|(place, _)| message.contains(&format!(": {place} "))), format!("does not name {at:?}"))
}

/// Somebody else with a connection of his own, which must stay alive.
pub(super) struct Witness(TcpStream);

impl Witness {
    pub(super) async fn at(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("it listens"))
    }

    /// Is answered at once on the connection that he always had.
    pub(super) async fn asks(&mut self) {
        let began = tokio::time::Instant::now();
        self.0.write_all(b"GET /livez HTTP/1.1\r\nHost: shop.example\r\n\r\n").await.expect("the connection of others is alive");
        let reply = read_reply(&mut self.0, &mut Vec::new()).await.expect("others are answered");
        assert_eq!(reply.status, 200);
        let took = began.elapsed();
        assert!(took < ANSWER_WITHIN, "others waited {took:?}");
    }
}
