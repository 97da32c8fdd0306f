//! A wire between a store and its server that can be cut at any byte.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// After how many more bytes the wire is cut, once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cut {
    ToServer(usize),
    FromServer(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    FromServer,
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    cut: Arc<Mutex<Option<Cut>>>,
}

impl Proxy {
    pub(crate) async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let cut = Arc::new(Mutex::new(None));
        let shared = cut.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.expect("the server listens");
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let alive = watch::Sender::new(true);
                tokio::spawn(carry(from_client, to_server, Direction::ToServer, shared.clone(), alive.clone()));
                tokio::spawn(carry(from_server, to_client, Direction::FromServer, shared.clone(), alive));
            }
        });
        Self { port, cut }
    }

    /// Cuts the wire once, there.
    pub(crate) fn cut(&self, at: Cut) {
        *self.cut.lock().expect("no test panics while it holds this") = Some(at);
    }
}

/// Whether the wire is to be cut now, and how many of `n` bytes still pass.
fn passes(cut: &Mutex<Option<Cut>>, direction: Direction, n: usize) -> (usize, bool) {
    let mut cut = cut.lock().expect("no test panics while it holds this");
    let ((Some(Cut::ToServer(left)), Direction::ToServer) | (Some(Cut::FromServer(left)), Direction::FromServer)) = (*cut, direction)
    else {
        return (n, false);
    };
    if left <= n {
        *cut = None;
        return (left, true);
    }
    *cut = Some(match direction {
        Direction::ToServer => Cut::ToServer(left - n),
        Direction::FromServer => Cut::FromServer(left - n),
    });
    (n, false)
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    direction: Direction,
    cut: Arc<Mutex<Option<Cut>>>,
    alive: watch::Sender<bool>,
) {
    let mut ended = alive.subscribe();
    let mut bytes = [0; 4096];
    loop {
        let read = tokio::select! {
            read = from.read(&mut bytes) => read.unwrap_or(0),
            _ = ended.wait_for(|alive| !alive) => 0,
        };
        let (pass, now) = if read == 0 { (0, true) } else { passes(&cut, direction, read) };
        let written = to.write_all(&bytes[..pass]).await;
        if now || written.is_err() {
            // Both halves of both connections are dropped: everybody sees the end.
            alive.send_replace(false);
            return;
        }
    }
}
