//! `ordo` as a process: a server that is watched by its log, and commands that end by themselves.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::{Database, Http, until};

/// For a debug build on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(20);
const END_WITHIN: Duration = Duration::from_secs(30);
/// Lines of the log that a failed test shows.
const LINES_SHOWN: usize = 40;

/// How a server is to be started.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    database: String,
    variables: Vec<(&'static str, String)>,
    /// Shell words that go before the program.
    before: Option<&'static str>,
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) http: Http,
    /// Where it listens for gRPC.
    pub(crate) grpc: SocketAddr,
    setup: Setup,
    child: Child,
    log: Log,
}

/// What was written to standard error, and where the server says it listens.
#[derive(Clone, Debug)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    address: watch::Receiver<Option<(SocketAddr, SocketAddr)>>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ordo {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Setup {
    pub(crate) fn on(database: &Database) -> Self {
        Self::at(database.url())
    }

    /// With any text as the database.
    pub(crate) fn at(database: impl Into<String>) -> Self {
        Self { database: database.into(), variables: Vec::new(), before: None }
    }

    pub(crate) fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// A full disk is an error for the process, not its end.
    pub(crate) fn deaf_to_file_limits(mut self) -> Self {
        self.before = Some("trap '' XFSZ; exec \"$@\"");
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_ordo");
        let mut command = match self.before {
            Some(words) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", words, "sh", program]);
                shell
            }
            None => Command::new(program),
        };
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ORDO_")) {
            command.env_remove(name);
        }
        // An `ordo.toml` that lies where the tests are run is not theirs.
        command.current_dir(std::env::temp_dir());
        command.env("ORDO_DATABASE", &self.database);
        command.env("ORDO_LISTEN", "127.0.0.1:0").env("ORDO_GRPC_LISTEN", "127.0.0.1:0");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// A command that ends by itself.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ordo {
        let output = tokio::time::timeout(END_WITHIN, self.command(arguments).output()).await;
        let output =
            output.unwrap_or_else(|_| panic!("ordo {arguments:?} did not end within {END_WITHIN:?}")).expect("the binary was built");
        let text = |bytes| String::from_utf8(bytes).expect("ordo writes UTF-8");
        Ordo { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// A server that is ready for orders.
    pub(crate) async fn start(self) -> Server {
        let server = self.start_unready().await;
        server.is_ready(READY_WITHIN).await;
        server
    }

    /// A server that listens.
    pub(crate) async fn start_unready(self) -> Server {
        let mut command = self.command(&["serve"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary was built");
        let log = Log::of(child.stderr.take().expect("it is piped"));
        let mut address = log.address.clone();
        let told = tokio::time::timeout(READY_WITHIN, address.wait_for(Option::is_some)).await;
        let Ok(Ok(told)) = told else { panic!("the server does not listen:\n{}", log.tail()) };
        let (http, grpc) = told.expect("it was waited for");
        drop(told);
        Server { http: Http::to(http), grpc, setup: self, child, log }
    }
}

impl Server {
    pub(crate) async fn on(database: &Database) -> Self {
        Setup::on(database).start().await
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn is_ready(&self, within: Duration) {
        until("/readyz says 200", within, async || {
            let reply = self.http.get("/readyz").try_send().await;
            reply.ok().filter(|reply| reply.status == 200)
        })
        .await;
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Whether a line of its log holds this text.
    pub(crate) fn has_logged(&self, text: &str) -> bool {
        self.log.lines().iter().any(|line| line.contains(text))
    }

    /// The lines of its log that hold this text.
    pub(crate) fn logged(&self, text: &str) -> Vec<Value> {
        let lines = self.log.lines();
        lines.iter().filter(|line| line.contains(text)).filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Every line of its log so far.
    pub(crate) fn log_lines(&self) -> Vec<String> {
        self.log.lines().clone()
    }

    /// How much memory it has, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is listed");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// kill -9. What it can start again with comes back.
    pub(crate) async fn kill(mut self) -> Setup {
        self.child.kill().await.expect("it is our child");
        self.setup.clone()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_some()
    }

    /// SIGTERM: how it ended and how long that took.
    pub(crate) async fn terminate(&mut self) -> (Option<i32>, Duration) {
        let asked = Instant::now();
        signal(self.pid(), "TERM");
        (self.ended().await, asked.elapsed())
    }

    /// The exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let ended = tokio::time::timeout(END_WITHIN, self.child.wait()).await;
        let ended = ended.unwrap_or_else(|_| panic!("the server did not end within {END_WITHIN:?}"));
        ended.expect("it is our child").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the end of the log of the server at {}:\n{}", self.http.address(), self.log.tail());
        }
    }
}

impl Log {
    fn of(stderr: tokio::process::ChildStderr) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (tell, address) = watch::channel(None);
        let log = Self { lines: lines.clone(), address };
        tokio::spawn(async move {
            let mut reader = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = reader.next_line().await {
                let told: Option<Value> = serde_json::from_str(&line).ok();
                if let Some(told) = told.filter(|told| told["message"] == "ready") {
                    let address = |name: &str| told[name].as_str()?.parse().ok();
                    tell.send_replace(address("address").zip(address("grpc_address")));
                }
                lines.lock().expect("nothing panics while it holds the lines").push(line);
            }
        });
        log
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().expect("nothing panics while it holds the lines")
    }

    fn tail(&self) -> String {
        let lines = self.lines();
        lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
    }
}

/// Sends a signal to a process that a test has started.
pub(crate) fn signal(pid: u32, name: &str) {
    let sent = std::process::Command::new("kill").args(["-s", name, &pid.to_string()]).status().expect("there is a kill");
    assert!(sent.success(), "SIG{name} could not be sent to {pid}");
}
