//! `pressgate keys …`.

use std::io::Write;

use clap::Subcommand;

use super::Failure;
use crate::{
    app::Databases,
    audit::{
        chain::ChainKey,
        model::{Action, Actor, Entry},
        store as audit,
    },
    auth::{keys::PUBLISHED_BEFORE, store},
    clock::{Clock, SystemClock},
    config::Config,
    ids::Ids,
};

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make new signing keys: published now, signing soon, the old ones believed until the last
    /// token that they signed has ended.
    Rotate,
}

pub(super) async fn run(
    command: KeysCommand,
    config: &Config,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let KeysCommand::Rotate = command;
    let databases = Databases::open(config).await?;
    let now = SystemClock::default().now();
    let life = config.meter.token.total;
    let mut tx = databases.main.write().await?;
    let made = store::rotate(&mut tx, &config.master, &Ids::system()?, now, life).await?;
    let entry = Entry::new(now, Actor::Command, Action::KeysRotated)
        .after(serde_json::json!({ "made": made }));
    audit::append(&mut tx, &ChainKey::of(&config.master), &entry).await?;
    tx.commit().await?;
    databases.close().await;
    let seconds = PUBLISHED_BEFORE.whole_seconds();
    writeln!(out, "New keys {}: published now, signing in {seconds} seconds.", made.join(", "))?;
    Ok(())
}
