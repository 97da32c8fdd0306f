//! The network between the service and its database, which can fail: cut, or silent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the network does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// It carries what is sent.
    Open,
    /// Connections break; new ones do so at once.
    Cut,
    /// Connections stay, and nothing arrives.
    Silent,
}

/// A way to one server.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    statements: Arc<AtomicU64>,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    /// A way to `target`, in the given mode.
    pub(crate) async fn to(target: &str, mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it was just bound");
        let (mode, watched) = watch::channel(mode);
        let statements = Arc::new(AtomicU64::new(0));
        let counted = statements.clone();
        let target = target.to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *watched.borrow() != Mode::Cut {
                    tokio::spawn(carry(client, target.clone(), watched.clone(), counted.clone()));
                }
            }
        });
        Self { address, statements, mode }
    }

    /// How many statements have been sent through it, prepared ones and others.
    pub(crate) fn statements(&self) -> u64 {
        self.statements.load(Ordering::SeqCst)
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

/// One connection, until either side or the network ends it.
async fn carry(mut client: TcpStream, target: String, mut mode: watch::Receiver<Mode>, statements: Arc<AtomicU64>) {
    if !flows(&mut mode).await {
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let _delays = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_reads, client_writes) = client.split();
    let (server_reads, server_writes) = server.split();
    let mut messages = Messages::default();
    let count = |bytes: &[u8]| {
        statements.fetch_add(messages.statements(bytes), Ordering::SeqCst);
    };
    tokio::select! {
        () = flow(client_reads, server_writes, mode.clone(), count) => {}
        () = flow(server_reads, client_writes, mode, |_| ()) => {}
    }
}

/// What a client of PostgreSQL sends: after the first message, each has a letter and the length of what follows.
#[derive(Default)]
struct Messages {
    is_begun: bool,
    head: Vec<u8>,
    /// Of the message that has begun.
    left: usize,
}

impl Messages {
    /// How many of the messages that begin in `bytes` execute a statement.
    fn statements(&mut self, bytes: &[u8]) -> u64 {
        let mut count = 0;
        let mut bytes = bytes;
        while !bytes.is_empty() {
            if self.left > 0 {
                let skipped = self.left.min(bytes.len());
                self.left -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            let letters = usize::from(self.is_begun);
            if let Some(length) = self.head.get(letters..letters + 4).and_then(|length| <[u8; 4]>::try_from(length).ok()) {
                // `E` executes what was prepared, `Q` what it says.
                count += u64::from(self.is_begun && matches!(self.head[0], b'E' | b'Q'));
                self.left = usize::try_from(u32::from_be_bytes(length)).expect("a message fits into memory") - 4;
                self.is_begun = true;
                self.head.clear();
            }
        }
        count
    }
}

async fn flow(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut mode: watch::Receiver<Mode>, mut carried: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 16 * 1024];
    while flows(&mut mode).await {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            _ = mode.changed() => continue,
        };
        let Ok(count @ 1..) = read else { return };
        carried(&buffer[..count]);
        // What was read while the network failed does not arrive either.
        if !flows(&mut mode).await || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// Waits while the network is silent; whether it then carries anything.
async fn flows(mode: &mut watch::Receiver<Mode>) -> bool {
    mode.wait_for(|mode| *mode != Mode::Silent).await.is_ok_and(|mode| *mode == Mode::Open)
}
