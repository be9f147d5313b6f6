//! `pressgate migrate`.

use std::io::Write;

use super::Failure;
use crate::{app::Databases, config::Config};

pub(super) async fn run(config: &Config, out: &mut impl Write) -> Result<(), Failure> {
    let databases = Databases::open(config).await?;
    let pending = databases.pending_migrations().await?;
    databases.migrate().await?;
    databases.close().await;
    match pending {
        0 => writeln!(out, "The database is up to date.")?,
        1 => writeln!(out, "Applied 1 migration.")?,
        count => writeln!(out, "Applied {count} migrations.")?,
    }
    Ok(())
}
