//! A database of its own for each test, gone when the test is over.

use std::collections::BTreeMap;
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

    /// Every row of every table as text, in an order that does not depend on when it was written.
    pub(crate) fn contents(&self) -> BTreeMap<String, Vec<String>> {
        match self {
            Self::Postgres(place) => {
                let rows = |sql: &str| place.rows(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
                let tables = rows("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace");
                tables.into_iter().map(|table| (table.clone(), rows(&format!("select t::text from \"{table}\" t order by 1")))).collect()
            }
            Self::Sqlite(_) => self.contents_of_the_file().unwrap_or_else(|error| panic!("{}: {error}", self.url())),
        }
    }

    fn contents_of_the_file(&self) -> rusqlite::Result<BTreeMap<String, Vec<String>>> {
        let file = rusqlite::Connection::open_with_flags(self.file(), rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut tables = file.prepare("select name from sqlite_schema where type = 'table'")?;
        let names: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut contents = BTreeMap::new();
        for table in names {
            let mut all = file.prepare(&format!("select * from \"{table}\""))?;
            let columns = all.column_count();
            let text = |row: &rusqlite::Row<'_>| {
                let values: Result<Vec<_>, _> = (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column)).collect();
                values.map(|values| format!("{values:?}"))
            };
            let mut rows: Vec<String> = all.query_map([], text)?.collect::<Result<_, _>>()?;
            rows.sort_unstable();
            contents.insert(table, rows);
        }
        Ok(contents)
    }

    /// Changes rows behind the back of the service.
    pub(crate) fn run_sql(&self, sql: &str) {
        let done = match self {
            Self::Postgres(place) => place.run(sql).map_err(|error| error.to_string()),
            Self::Sqlite(_) => {
                let run = |db: rusqlite::Connection| db.execute_batch(sql);
                rusqlite::Connection::open(self.file()).and_then(run).map_err(|error| error.to_string())
            }
        };
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
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
