//! The product as a user runs it: its own process, over HTTP; its memory and its readiness seen from outside.

use crate::command::command;
use crate::guard::{Ending, Guard};
use crate::servers::free_port;
use crate::{Outcome, command, say};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// It has to be ready within a second; a machine in trouble may take longer, and is then told of it.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Between ready and the look at its memory.
const SETTLE: Duration = Duration::from_secs(1);

/// `ordo serve` on a fresh database.
pub(super) struct Serving {
    guard: Guard,
    address: SocketAddr,
    grpc: SocketAddr,
    ready: Duration,
}

/// What `ordo bench` shall do.
pub(super) struct Load {
    /// `place`, `tickets`, `checkout` or `read`.
    pub(super) what: &'static str,
    pub(super) connections: u32,
    pub(super) seconds: u32,
    pub(super) skus: u32,
    /// Orders or reads a second; without it, each connection goes as fast as it is answered.
    pub(super) rate: Option<f64>,
    /// How long it is loaded before; without it, the program's own two seconds.
    pub(super) warm_up: Option<u32>,
    /// Whether checkouts are confirmed by gRPC.
    pub(super) by_grpc: bool,
}

impl Load {
    /// As fast as it goes, with a thousand SKUs to choose from.
    pub(super) fn of(what: &'static str, connections: u32, seconds: u32) -> Self {
        Self { what, connections, seconds, skus: 1000, rate: None, warm_up: None, by_grpc: false }
    }
}

/// What was told of one kind of reading, or of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Kind {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

/// What it reached.
pub(super) struct Reached {
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) failed: f64,
    /// Of those that were due, in percent.
    pub(super) succeeded: f64,
    /// What the first that failed was told.
    pub(super) first_failure: Option<String>,
    /// What is told by itself.
    pub(super) kinds: Vec<(String, Kind)>,
}

impl Reached {
    /// What was told of a kind.
    pub(super) fn kind(&self, name: &str) -> Option<Kind> {
        self.kinds.iter().find(|(other, _)| other == name).map(|(_, kind)| *kind)
    }

    fn read(printed: &str) -> Outcome<Self> {
        let json = json(printed)?;
        let number = |name: &str| json[name].as_f64().ok_or_else(|| format!("no number {name} in {json}"));
        let (ok, failed) = (number("ok")?, number("failed")?);
        let kinds = json["kinds"].as_object().into_iter().flatten();
        Ok(Self {
            per_second: ["orders", "checkouts", "reads"]
                .iter()
                .find_map(|noun| number(&format!("{noun}_per_second")).ok())
                .ok_or_else(|| format!("nothing per second in {json}"))?,
            p50_ms: number("p50_ms")?,
            p99_ms: number("p99_ms")?,
            failed,
            first_failure: json["first_failure"].as_str().map(str::to_owned),
            succeeded: 100.0 * ok / (ok + failed + number("not_sent")?),
            kinds: kinds
                .filter_map(|(name, told)| {
                    Some((name.clone(), Kind { p50_ms: told["p50_ms"].as_f64()?, p99_ms: told["p99_ms"].as_f64()? }))
                })
                .collect(),
        })
    }
}

impl Serving {
    /// Starts it and waits until it says that it is ready. The folder is removed with it.
    pub(super) fn start(binary: &Path, database: &str, folder: Option<&Path>) -> Outcome<Self> {
        let (address, grpc) =
            (SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)), SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)));
        let log = std::path::absolute(Path::new(super::FOLDER).join("ordo.log"))?;
        let mut serve = ordo(binary);
        serve.arg("serve").env("ORDO_DATABASE", database).env("ORDO_LISTEN", address.to_string()).env("ORDO_GRPC_LISTEN", grpc.to_string());
        let started = Instant::now();
        let guard = Guard::spawn(&serve, &log, &Ending { signal: "TERM", folder })?;
        while started.elapsed() < READY_WITHIN {
            if is_ready(address) {
                return Ok(Self { guard, address, grpc, ready: started.elapsed() });
            }
            if !guard.alive() {
                return Err(format!("ordo serve ended:\n{}", guard.last_words()).into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(format!("ordo serve was not ready within {READY_WITHIN:?}:\n{}", guard.last_words()).into())
    }

    /// From the start of the process until it is ready.
    pub(super) fn ready_ms(&self) -> f64 {
        self.ready.as_secs_f64() * 1000.0
    }

    /// Once it has settled.
    pub(super) fn memory_idle_mb(&self) -> Outcome<f64> {
        std::thread::sleep(SETTLE);
        self.memory_mb("VmRSS")
    }

    /// The most it ever had.
    pub(super) fn memory_peak_mb(&self) -> Outcome<f64> {
        self.memory_mb("VmHWM")
    }

    /// Loads it and waits for the figures.
    pub(super) fn load(&self, binary: &Path, load: &Load) -> Outcome<Reached> {
        let mut bench = ordo(binary);
        bench.args(["bench", load.what, "--json", "--url", &format!("http://{}", self.address)]);
        bench.args(["--connections", &load.connections.to_string(), "--seconds", &load.seconds.to_string()]);
        bench.args(["--skus", &load.skus.to_string()]);
        if let Some(seconds) = load.warm_up {
            bench.args(["--warmup", &seconds.to_string()]);
        }
        if let Some(rate) = load.rate {
            bench.args(["--rate", &format!("{rate:.0}")]);
        }
        if load.by_grpc {
            bench.args(["--grpc-url", &format!("http://{}", self.grpc)]);
        }
        // With more failures than may be it ends with 1, and has its figures all the same.
        let output = bench.output()?;
        let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let reached = Reached::read(&printed).map_err(|error| format!("ordo bench {}: {}: {error}\n{said}", load.what, output.status))?;
        if let Some(first) = &reached.first_failure {
            say::line(format!("the first failure: {first}"));
        }
        say::line(format!(
            "ordo: {} {:.0}/s, p50 {:.2} ms, p99 {:.2} ms, {} failed ({} connections, {} items{}{})",
            load.what,
            reached.per_second,
            reached.p50_ms,
            reached.p99_ms,
            reached.failed,
            load.connections,
            load.skus,
            load.rate.map(|rate| format!(", {rate:.0}/s asked for")).unwrap_or_default(),
            if load.by_grpc { ", by gRPC" } else { "" }
        ));
        Ok(reached)
    }

    fn memory_mb(&self, field: &str) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.guard.pid()))?;
        memory_mb(&status, field).ok_or_else(|| format!("the system does not say {field}").into())
    }
}

/// The size without symbols, as a release ships it.
pub(super) fn stripped_mb(binary: &Path, folder: &Path) -> Outcome<f64> {
    let stripped = folder.join("ordo-stripped");
    command::run(command("strip").arg("-o").arg(&stripped).arg(binary))?;
    let kilobytes = u32::try_from(std::fs::metadata(&stripped)?.len() / 1024)?;
    std::fs::remove_file(stripped)?;
    Ok(f64::from(kilobytes) / 1024.0)
}

fn json(printed: &str) -> Outcome<Value> {
    let json = &printed[printed.find('{').unwrap_or_default()..];
    serde_json::from_str(json).map_err(|error| format!("{error}:\n{printed}").into())
}

/// The number of this name in printed JSON.
pub(super) fn number(printed: &str, name: &str) -> Outcome<f64> {
    let json = json(printed)?;
    json[name].as_f64().ok_or_else(|| format!("no number {name} in {json}").into())
}

/// Without what is set outside: a variable of ours that it does not know is an error to it.
fn ordo(binary: &Path) -> Command {
    let mut ordo = command(binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ORDO_") {
            ordo.env_remove(name);
        }
    }
    ordo
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer == b"HTTP/1.1 200")
}

/// `VmHWM:     36 kB`
fn memory_mb(status: &str, field: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kilobytes: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(f64::from(kilobytes) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn memory_is_read_in_megabytes() {
        let status = "Name:\tordo\nVmHWM:\t   36864 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(memory_mb(status, "VmHWM"), Some(36.0));
        assert_eq!(memory_mb(status, "VmRSS"), Some(1.0));
        assert_eq!(memory_mb(status, "VmSwap"), None);
    }

    #[test]
    fn a_number_is_found_behind_other_output_and_a_missing_one_is_an_error() {
        let printed = "seeding\n{\"orders_per_second\": 11408.5, \"failed\": 0}\n";
        assert!((number(printed, "orders_per_second").unwrap() - 11408.5).abs() < 0.01);
        assert!(number(printed, "p50_ms").unwrap_err().to_string().contains("p50_ms"));
        assert!(number("no json", "failed").is_err());
    }

    #[test]
    fn what_the_generator_prints_is_read_and_what_was_not_sent_has_not_succeeded() {
        let printed = r#"{"reads_per_second":9.5,"p50_ms":1.0,"p99_ms":2.5,"ok":90,"failed":5,"not_sent":5,"kinds":{"details":{"p50_ms":0.5,"p99_ms":1.5}}}"#;
        let reached = Reached::read(printed).unwrap();
        assert!((reached.succeeded - 90.0).abs() < 0.01 && (reached.per_second - 9.5).abs() < 0.01);
        assert_eq!(reached.kind("details"), Some(Kind { p50_ms: 0.5, p99_ms: 1.5 }));
        assert_eq!(reached.kind("history"), None);
        assert!(Reached::read("{}").is_err());
    }

    #[test]
    fn only_200_is_ready() {
        for (answer, expected) in [("HTTP/1.1 200 OK\r\n\r\n", true), ("HTTP/1.1 503 Service Unavailable\r\n\r\n", false)] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = listener.local_addr().unwrap();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 1024]).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            });
            assert_eq!(is_ready(address), expected, "{answer}");
            server.join().unwrap();
        }
    }
}
