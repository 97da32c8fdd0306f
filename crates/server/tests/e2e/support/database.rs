//! A database of its own for each test, gone when the test is over.

use std::path::{Path, PathBuf};

use super::postgres::Place;

/// Where one test keeps its orders.
#[derive(Debug)]
pub(crate) enum Database {
    /// In a file in this folder.
    Sqlite(PathBuf),
    /// On the server that the tests were given.
    Postgres(Place),
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("ordo-e2e-{:016x}", rand::random::<u64>()));
        std::fs::create_dir_all(&folder).expect("the temporary folder takes new ones");
        Self::Sqlite(folder)
    }

    pub(crate) fn postgres() -> Self {
        let server = Place::given();
        let place = server.named(&format!("ordo_e2e_{:016x}", rand::random::<u64>()));
        server.run(&format!("create database {}", place.name())).unwrap_or_else(|error| panic!("{}: {error}", server.url()));
        Self::Postgres(place)
    }

    /// What `ORDO_DATABASE` is set to.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(_) => format!("sqlite:{}", self.file().display()),
            Self::Postgres(place) => place.url(),
        }
    }

    /// The file of SQLite.
    pub(crate) fn file(&self) -> PathBuf {
        match self {
            // The service makes the folder itself.
            Self::Sqlite(folder) => folder.join("data").join("ordo.db"),
            Self::Postgres(_) => panic!("only SQLite has a file"),
        }
    }

    /// The log beside the file of SQLite.
    pub(crate) fn log_file(&self) -> PathBuf {
        self.file().with_extension("db-wal")
    }

    /// The database on its server.
    pub(crate) fn place(&self) -> &Place {
        match self {
            Self::Postgres(place) => place,
            Self::Sqlite(_) => panic!("only PostgreSQL has a server"),
        }
    }

    /// Changes rows behind the back of the service.
    pub(crate) fn run_sql(&self, sql: &str) {
        self.place().run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let gone = match self {
            Self::Sqlite(folder) => std::fs::remove_dir_all(Path::new(folder)),
            Self::Postgres(place) => Place::given().run(&format!("drop database {} with (force)", place.name())),
        };
        if let Err(error) = gone {
            eprintln!("left behind: {}: {error}", self.url());
        }
    }
}
