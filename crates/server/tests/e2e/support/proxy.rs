//! The network between the service and its database, which can fail: cut, or silent.

use std::net::SocketAddr;

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
    mode: watch::Sender<Mode>,
}

impl Proxy {
    /// A way to `target`, in the given mode.
    pub(crate) async fn to(target: &str, mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it was just bound");
        let (mode, watched) = watch::channel(mode);
        let target = target.to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *watched.borrow() != Mode::Cut {
                    tokio::spawn(carry(client, target.clone(), watched.clone()));
                }
            }
        });
        Self { address, mode }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

/// One connection, until either side or the network ends it.
async fn carry(mut client: TcpStream, target: String, mut mode: watch::Receiver<Mode>) {
    if !flows(&mut mode).await {
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let _delays = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_reads, client_writes) = client.split();
    let (server_reads, server_writes) = server.split();
    tokio::select! {
        () = flow(client_reads, server_writes, mode.clone()) => {}
        () = flow(server_reads, client_writes, mode) => {}
    }
}

async fn flow(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut mode: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 16 * 1024];
    while flows(&mut mode).await {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            _ = mode.changed() => continue,
        };
        let Ok(count @ 1..) = read else { return };
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
