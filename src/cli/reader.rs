//! `pressgate reader …`: what staff do to readers, for scripts.

use std::io::Write;

use clap::Subcommand;
use serde_json::json;
use uuid::Uuid;

use super::{
    Failure,
    complaint::Complaint,
    subscription::{find_reader, line, lines_or, printed},
};
use crate::{
    app::AppState,
    audit::{
        model::{Action, Actor, Entry},
        store as audit,
    },
    config::Config,
    staff::{
        api::{FoundReaders, GivenBody, StaffSubscription, TimelineEntry},
        desk::DeskError,
        review::ReaderReview,
    },
};

#[derive(Debug, Subcommand)]
pub(super) enum ReaderCommand {
    /// Find readers: by an address or a part of it, also mistyped, or by an id.
    Find {
        /// What to look for; nothing for the latest.
        #[arg(default_value = "")]
        q: String,
        /// How many at most: 1 to 200.
        #[arg(long, default_value = "50")]
        limit: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a reader: who, subscriptions, what was given, what happened.
    Show {
        /// The reader's address or id.
        reader: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Log a reader out everywhere.
    SignOut {
        /// The reader's address or id.
        reader: String,
        /// Why, for the audit log.
        #[arg(long)]
        reason: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print everything that is held about a reader, as JSON.
    Export {
        /// The reader's address or id.
        reader: String,
        /// Print JSON, as always; complaints are JSON too.
        #[arg(long)]
        json: bool,
    },
    /// Erase a reader: the address, the password, every session. It cannot be undone.
    Erase {
        /// The reader's address or id.
        reader: String,
        /// Why, for the audit log.
        #[arg(long)]
        reason: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
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
    match command {
        ReaderCommand::Find { q, limit, json } => {
            let found = state.desk.list_readers(q.trim(), ("", &limit)).await;
            let found = found.map_err(|error| Complaint::of(error, json))?;
            let lines = found.entries.iter().map(|it| match &it.reader {
                Ok(reader) => format!("{}  {}", it.id, reader.email.typed()),
                Err(why) => format!("{}  unreadable: {why}", it.id),
            });
            let words = lines_or(lines.collect(), "No reader is called so, nor nearly so.");
            printed(json, &FoundReaders::from(found), || words)
        }
        ReaderCommand::Show { reader, json } => show(state, &reader, json).await,
        ReaderCommand::SignOut { reader, reason, json } => {
            let id = find_reader(state, &reader, json).await?;
            let entry = entry(state, (Action::ReaderSessionsEnded, id), reason.as_deref());
            let ended = state.accounts.end_sessions(id, Some(&entry)).await;
            ended.map_err(|error| Complaint::of(DeskError::from(error), json))?;
            printed(json, &json!({"id": id}), || format!("Logged the reader {id} out everywhere."))
        }
        ReaderCommand::Export { reader, json } => {
            let id = find_reader(state, &reader, json).await?;
            let export = state.accounts.export(id).await;
            let export = export.map_err(|error| Complaint::of(DeskError::from(error), json))?;
            append(state, &entry(state, (Action::ReaderExported, id), None)).await?;
            Ok(serde_json::to_string_pretty(&export)?)
        }
        ReaderCommand::Erase { reader, reason, json } => {
            let id = find_reader(state, &reader, json).await?;
            let entry = entry(state, (Action::ReaderErased, id), reason.as_deref());
            let erased = state.accounts.erase(id, Some(&entry)).await;
            erased.map_err(|error| Complaint::of(DeskError::from(error), json))?;
            printed(json, &json!({"id": id}), || format!("Erased the reader {id}."))
        }
    }
}

/// An entry of the audit log in the name of whoever has the machine.
fn entry(state: &AppState, (action, id): (Action, Uuid), reason: Option<&str>) -> Entry {
    let entry = Entry::new(state.accounts.clock.now(), Actor::Command, action).on("reader", id);
    match reason {
        Some(reason) => entry.after(json!({"reason": reason})),
        None => entry,
    }
}

async fn append(state: &AppState, entry: &Entry) -> Result<(), Failure> {
    let mut tx = state.accounts.db.write().await?;
    audit::append(&mut tx, &state.accounts.audit_key, entry).await?;
    Ok(tx.commit().await?)
}

async fn show(state: &AppState, reader: &str, json: bool) -> Result<String, Failure> {
    let id = find_reader(state, reader, json).await?;
    let review = state.desk.review_reader(id).await;
    let review = review.map_err(|error| Complaint::of(error, json))?;
    append(state, &entry(state, (Action::ReaderViewed, id), None)).await?;
    if !json {
        return Ok(in_words(&review));
    }
    let now = state.accounts.clock.now();
    let ReaderReview { reader, subscriptions, grants, invoices, balances, timeline, .. } = review;
    let subscriptions: Vec<_> = subscriptions.iter().map(StaffSubscription::from).collect();
    let given: Vec<_> = grants.into_iter().map(|grant| GivenBody::of(grant, now)).collect();
    let timeline: Vec<_> = timeline.into_iter().map(TimelineEntry::from).collect();
    Ok(serde_json::to_string_pretty(&json!({
        "reader": {
            "id": reader.id, "email": reader.email.typed(),
            "email_verified_at": reader.email_verified_at,
            "has_password": reader.password_hash.is_some(), "created_at": reader.created_at,
        },
        "subscriptions": subscriptions,
        "complimentary": given,
        "invoices": invoices,
        "balances": balances,
        "timeline": timeline,
    }))?)
}

fn in_words(review: &ReaderReview) -> String {
    let reader = &review.reader;
    let address = if reader.email_verified_at.is_some() { "confirmed" } else { "not confirmed" };
    let mut lines = vec![format!("{}  {}  {address}", reader.id, reader.email.typed())];
    lines.extend(review.subscriptions.iter().map(|it| format!("  {}", line(it, None))));
    let given = review.grants.iter();
    lines.extend(given.map(|it| format!("  given {} until {}: {}", it.product, it.ends_at, it.id)));
    let told = review.timeline.iter();
    lines.extend(told.map(|told| format!("  {}  {}  {}", told.at, told.actor, told.event)));
    lines.join("\n")
}
