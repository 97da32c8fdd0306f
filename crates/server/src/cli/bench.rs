//! `ordo bench`: measures a server on this machine. Closed loop, or a constant rate without coordinated omission.

mod catalogue;
mod checkout;
mod connection;
mod grpc;
mod histogram;
mod load;
mod order;
mod pace;
mod read;
mod report;
mod target;
mod tickets;
mod work;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use checkout::Checkout;
use order::Order;
use read::Reads;
use target::Target;
use tickets::Tickets;
use work::Work;

/// More failures than this share of all orders, in percent, make the answer "no".
const FAILED_PERCENT_MAX: u64 = 1;

/// Exit code: more failed than may.
const NO: u8 = 1;
/// Exit code: wrong use.
const WRONG_USE: u8 = 2;
/// Exit code: the server is away.
const AWAY: u8 = 3;

/// What is measured, and how hard.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct BenchArgs {
    /// What to measure
    #[arg(value_enum, default_value = "place")]
    what: What,
    /// The server; only on this machine
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Connections, each with one order under way at a time
    #[arg(long, visible_alias = "concurrency", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    /// How long to measure
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// How many SKUs to choose from; 1 makes it a flash sale
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=99_999))]
    skus: u32,
    /// Lines an order, each another SKU
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    lines: u32,
    /// Orders or reads a second, whether or not the server keeps up; latency counts from when one was due [default: as fast as it goes]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,
    /// How long to load before measuring
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=600), value_name = "SECONDS")]
    warmup: u32,
    /// Confirm checkouts by gRPC at this address instead; only on this machine
    #[arg(long, value_name = "URL")]
    grpc_url: Option<String>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// What can be measured.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum What {
    /// Placing orders at `POST /api/v1/orders`
    Place,
    /// Buying tickets: `POST /orders`, then `POST /orders/{id}/confirm`; an answer counts when the order is confirmed
    Tickets,
    /// Guests who fill a cart with two things and check it out: five requests; an answer counts when the order is paid
    Checkout,
    /// Reading orders that are there: details, history, and lists by all that they can be found by
    Read,
}

impl What {
    /// What is counted.
    fn noun(self) -> &'static str {
        match self {
            Self::Place | Self::Tickets => "orders",
            Self::Checkout => "checkouts",
            Self::Read => "reads",
        }
    }
}

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
enum BenchError {
    /// The arguments cannot be.
    #[error("{0}")]
    WrongUse(String),
    /// Nobody answers.
    #[error("no server answers at {address}: start one with `ordo serve`, or name another with --url")]
    Away {
        /// Where.
        address: std::net::SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The catalogue cannot be made.
    #[error("the server refused to prepare the catalogue: {request} was answered {status}: {body}")]
    Refused {
        /// Method and path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// This machine does not allow it.
    #[error("cannot start")]
    Runtime(#[source] std::io::Error),
}

/// Measures, prints, and tells by the exit code: 0 done, 1 more than 1 % failed, 2 wrong use, 3 the server is away.
///
/// Makes a runtime of one thread, so that it leaves the other cores to the server: not to be called inside another.
pub(crate) fn run(args: &BenchArgs) -> ExitCode {
    match measure(args) {
        Ok(outcome) => {
            let report = if args.json { report::json(args, &outcome) } else { report::text(args, &outcome) };
            drop(writeln!(std::io::stdout(), "{report}"));
            ExitCode::from(verdict(&outcome))
        }
        Err(error) => {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            eprintln!("ordo bench: {error}{source}");
            ExitCode::from(match error {
                BenchError::WrongUse(_) => WRONG_USE,
                BenchError::Away { .. } => AWAY,
                BenchError::Refused { .. } | BenchError::Runtime(_) => NO,
            })
        }
    }
}

fn verdict(outcome: &load::Outcome) -> u8 {
    let answered = !outcome.statuses.is_empty();
    let asked = outcome.ok + outcome.failed;
    match (asked, answered) {
        (0, _) => NO,
        (_, false) => AWAY,
        (asked, true) if outcome.failed * 100 > asked * FAILED_PERCENT_MAX => NO,
        _ => 0,
    }
}

fn measure(args: &BenchArgs) -> Result<load::Outcome, BenchError> {
    let target = Target::parse(&args.url).map_err(BenchError::WrongUse)?;
    let grpc = args.grpc_url.as_deref().map(Target::parse).transpose().map_err(BenchError::WrongUse)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(BenchError::Runtime)?;
    let progress = std::io::stderr().is_terminal();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let sample = match args.what {
            What::Place | What::Checkout => {
                catalogue::prepare(&target, args.skus, args.connections, progress).await?;
                None
            }
            What::Tickets => None,
            What::Read => Some(read::sample(&target).await?),
        };
        let work = |connection| match (args.what, &sample) {
            (What::Read, Some(sample)) => Work::Read(Reads::of(&target, sample, connection)),
            (What::Checkout, _) => Work::Checkout(Checkout::of(&target, grpc.as_ref(), connection, args.skus)),
            (What::Tickets, _) => Work::Tickets(Tickets::template(&target)),
            _ => Work::Place(Order::template(&target, connection, args.skus, args.lines)),
        };
        Ok(load::run(&target, args, work, progress).await)
    })
}

#[cfg(test)]
mod tests;
