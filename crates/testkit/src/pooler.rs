//! pgbouncer between a store and its server, set up as `docs/pgbouncer.ini` says; it can be killed and started again.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const DOCUMENTED: &str = include_str!("../../../docs/pgbouncer.ini");
/// Where the documented file says that PostgreSQL is.
const SERVER: &str = "host=127.0.0.1 port=5432";
/// It starts in some milliseconds; the machine may be busy.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// Runs the program until standard input ends: it cannot outlive the test, however that ends.
const WATCHDOG: &str = r#"
"$1" "$2" </dev/null >"$3" 2>&1 &
echo "$!"
while read -r _; do :; done
kill -s KILL "$!" 2>/dev/null
wait
"#;

/// A pooler that hands out connections by the transaction. Ends when it is dropped.
#[derive(Debug)]
pub struct Pooler {
    port: u16,
    folder: PathBuf,
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    watchdog: Child,
    pid: String,
}

impl Pooler {
    /// In front of the server at `host` and `port`, whose user `postgres` is trusted. `settings` win over the documented ones.
    pub fn before(host: &str, port: u16, settings: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("ordo-pooler-{:016x}", rand::random::<u64>()));
        std::fs::create_dir_all(&folder).expect("the temporary folder takes new ones");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free").port();
        let users = folder.join("users");
        std::fs::write(&users, "\"postgres\" \"\"\n").expect("the folder is ours");
        assert!(DOCUMENTED.contains(SERVER), "the documented file names another server");
        let mut ini = DOCUMENTED.replace(SERVER, &format!("host={host} port={port}"));
        let own = [("listen_port", free.to_string()), ("auth_type", "trust".into()), ("auth_file", users.display().to_string())];
        let given = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
        for (name, value) in own.into_iter().chain(given) {
            writeln!(ini, "{name} = {value}").expect("a String takes any text");
        }
        std::fs::write(folder.join("ini"), ini).expect("the folder is ours");
        let mut pooler = Self { port: free, folder, process: None };
        pooler.start();
        pooler
    }

    /// Where it listens on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// kill -9: every connection through it is gone, on both sides.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let killed = Command::new("kill").args(["-s", "KILL", &process.pid]).status().expect("there is a kill");
            assert!(killed.success(), "pgbouncer had ended by itself:\n{}", self.said());
            drop(process.watchdog.stdin.take());
            process.watchdog.wait().expect("it is our child");
        }
    }

    /// Starts it, after it was killed, where it was.
    pub fn start(&mut self) {
        let program = std::env::var_os("ORDO_TEST_PGBOUNCER").expect("ORDO_TEST_PGBOUNCER must name a pgbouncer of version 1.21 or newer");
        let mut watchdog = Command::new("bash");
        watchdog.args(["-c", WATCHDOG, "watchdog"]).arg(program).arg(self.folder.join("ini")).arg(self.folder.join("log"));
        let mut watchdog = watchdog.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("there is a bash");
        let mut pid = String::new();
        BufReader::new(watchdog.stdout.take().expect("it is piped")).read_line(&mut pid).expect("it is text");
        self.process = Some(Process { watchdog, pid: pid.trim().to_owned() });
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < READY_WITHIN, "pgbouncer does not listen:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it has written.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.watchdog.stdin.take());
            // Nobody is left to hear that the shell itself could not be waited for.
            let _ = process.watchdog.wait();
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("left behind: {}: {error}", self.folder.display());
        }
    }
}
