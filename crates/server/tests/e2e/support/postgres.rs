//! As much of PostgreSQL's protocol as it takes to make a database, look into it and drop it: simple queries, no password.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

/// A database on the server that the tests were given.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    user: String,
    host: String,
    database: String,
}

impl Place {
    /// The server that `ORDO_TEST_POSTGRES` names.
    pub(crate) fn given() -> Self {
        let url = std::env::var("ORDO_TEST_POSTGRES").expect(
            "ORDO_TEST_POSTGRES must name a PostgreSQL server for these tests, such as postgres://postgres@127.0.0.1:5432/postgres",
        );
        let parts = url.split_once("://").and_then(|(_, rest)| {
            let (host, database) = rest.split_once('/')?;
            let (user, host) = host.split_once('@').unwrap_or(("postgres", host));
            Some(Self { user: user.to_owned(), host: host.to_owned(), database: database.to_owned() })
        });
        parts.unwrap_or_else(|| panic!("ORDO_TEST_POSTGRES must look like postgres://user@host:port/database, not {url}"))
    }

    /// Another database on the same server.
    pub(crate) fn named(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }

    /// The same database, reached at another address.
    pub(crate) fn at(&self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self.clone() }
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn name(&self) -> &str {
        &self.database
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://{}@{}/{}", self.user, self.host, self.database)
    }

    /// Runs `sql`; what goes wrong is an error with the server's words.
    pub(crate) fn run(&self, sql: &str) -> io::Result<()> {
        self.rows(sql).map(drop)
    }

    /// The first column of what `sql` finds, as text.
    pub(crate) fn rows(&self, sql: &str) -> io::Result<Vec<String>> {
        let mut stream = TcpStream::connect(&self.host)?;
        let mut hello = 196_608_u32.to_be_bytes().to_vec();
        hello.extend_from_slice(format!("user\0{}\0database\0{}\0\0", self.user, self.database).as_bytes());
        stream.write_all(&framed(&hello))?;
        until_ready(&mut stream)?;
        stream.write_all(b"Q")?;
        stream.write_all(&framed(&[sql.as_bytes(), b"\0"].concat()))?;
        until_ready(&mut stream)
    }
}

/// With its length in front, which counts itself.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len() + 4).expect("messages of tests are short");
    [&length.to_be_bytes(), message].concat()
}

/// Reads until the server waits for a query again: the first column of each row that came.
fn until_ready(stream: &mut TcpStream) -> io::Result<Vec<String>> {
    let mut trouble = None;
    let mut rows = Vec::new();
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let length = usize::try_from(u32::from_be_bytes(length)).expect("a length fits") - 4;
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        match kind {
            b'Z' => return trouble.map_or(Ok(rows), Err),
            b'D' => rows.push(first_column(&body)),
            b'R' if body != [0; 4] => return Err(io::Error::other("the tests' PostgreSQL must trust its user without a password")),
            b'E' => {
                let words = String::from_utf8_lossy(&body).replace('\0', " ");
                let fatal = words.contains("FATAL");
                trouble = Some(io::Error::other(words));
                if fatal {
                    return trouble.map_or(Ok(rows), Err);
                }
            }
            _ => {}
        }
    }
}

/// A row is the count of its columns, and for each its length and its text.
fn first_column(row: &[u8]) -> String {
    let length = row.get(2..6).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).map_or(-1, i32::from_be_bytes);
    let end = usize::try_from(length).map_or(6, |length| 6 + length);
    String::from_utf8_lossy(row.get(6..end).unwrap_or_default()).into_owned()
}
