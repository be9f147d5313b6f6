//! A database for each vector, copied from one that was brought up to date once.

use std::{
    fs,
    sync::atomic::{AtomicU32, Ordering},
};

use pressgate::app::Databases;

use crate::{
    app::{Place, config},
    support::{PostgresDatabase, administer},
};

static COPIES: AtomicU32 = AtomicU32::new(0);

/// An empty database with all its tables; nobody is connected to it.
pub(crate) async fn template(postgres: bool) -> Place {
    let place = if postgres { Place::postgres().await } else { Place::sqlite() };
    let databases = Databases::open(&config(&place.url(), &[])).await.unwrap();
    databases.migrate().await.unwrap();
    databases.close().await;
    place
}

/// One like it.
pub(crate) async fn copy(template: &Place) -> Place {
    match template {
        Place::Sqlite(from) => {
            let place = Place::sqlite();
            let Place::Sqlite(to) = &place else { unreachable!("it is one of SQLite's") };
            for file in fs::read_dir(from.path()).unwrap().map(Result::unwrap) {
                fs::copy(file.path(), to.path().join(file.file_name())).unwrap();
            }
            place
        }
        Place::Postgres(from) => {
            let name = format!("{}_{}", from.name, COPIES.fetch_add(1, Ordering::Relaxed));
            administer(&format!("CREATE DATABASE {name} TEMPLATE {}", from.name)).await;
            let (server, _) = from.url.rsplit_once('/').unwrap();
            let url = format!("{server}/{name}");
            Place::Postgres(PostgresDatabase { name, url })
        }
    }
}
