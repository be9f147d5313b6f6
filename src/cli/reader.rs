//! `pressgate reader …`: what staff do to readers, for scripts.

use std::io::Write;

use clap::Subcommand;
use uuid::Uuid;

use super::Failure;
use crate::{
    app::AppState,
    audit::{
        model::{Action, Actor, Entry},
        store as audit,
    },
    config::Config,
    mail::address::Address,
    reader::store,
};

#[derive(Debug, Subcommand)]
pub(super) enum ReaderCommand {
    /// Print everything that is held about a reader, as JSON.
    Export {
        /// The reader's address or id.
        reader: String,
    },
    /// Erase a reader: the address, the password, every session. It cannot be undone.
    Erase {
        /// The reader's address or id.
        reader: String,
    },
}

pub(super) async fn run(
    command: ReaderCommand,
    config: Config,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let state = AppState::open_on_this_machine(config).await?;
    let said = take(command, &state).await;
    state.databases.close().await;
    writeln!(out, "{}", said?)?;
    Ok(())
}

async fn take(command: ReaderCommand, state: &AppState) -> Result<String, Failure> {
    let accounts = &state.accounts;
    let now = accounts.clock.now();
    let entry = |action, id: Uuid| Entry::new(now, Actor::Command, action).on("reader", id);
    match command {
        ReaderCommand::Export { reader } => {
            let id = find(&reader, state).await?;
            let export = accounts.export(id).await?;
            let mut tx = accounts.db.write().await?;
            let entry = entry(Action::ReaderExported, id);
            audit::append(&mut tx, &accounts.audit_key, &entry).await?;
            tx.commit().await?;
            Ok(serde_json::to_string_pretty(&export)?)
        }
        ReaderCommand::Erase { reader } => {
            let id = find(&reader, state).await?;
            accounts.erase(id, Some(&entry(Action::ReaderErased, id))).await?;
            Ok(format!("Erased the reader {id}."))
        }
    }
}

async fn find(reader: &str, state: &AppState) -> Result<Uuid, Failure> {
    let mut tx = state.databases.main.read().await?;
    let found = match reader.parse::<Uuid>() {
        Ok(id) => store::find(&mut tx, id).await?,
        Err(_) => store::find_by_email(&mut tx, &Address::parse(reader)?).await?,
    };
    found.map(|reader| reader.id).ok_or_else(|| "there is no such reader".into())
}
