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
        api::{FoundReaders, HappenedBody, ReaderWhole, TimelinePage},
        desk::DeskError,
        disclosures::Lookup,
        review::ReaderReview,
        timeline::Wanted,
    },
};

/// How much of what happened is shown.
const TOLD_MAX: &str = "200";

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
            let by = Lookup::by_operator(state.accounts.clock.now());
            let found = state.desk.list_readers(&by, q.trim(), ("", &limit)).await;
            let found = found.map_err(|error| Complaint::of(error, json))?;
            let lines = found.entries.iter().map(|it| match &it.reader {
                Ok(reader) => format!("{}  {}", it.id, reader.email.typed()),
                Err(why) => format!("{}  unreadable: {why}", it.id),
            });
            let words =
                lines_or(&lines.collect::<Vec<_>>(), "No reader is called so, nor nearly so.");
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
    let words = state.desk.words();
    let wanted = Wanted { limit: TOLD_MAX.to_owned(), ..Wanted::default() };
    let told = state.desk.timeline(&review.reader, &wanted).await;
    let told = told.map_err(|error| Complaint::of(error, json))?;
    let told = TimelinePage::of(told, &words, &state.desk.names()).timeline;
    if !json {
        return Ok(in_words(&review, &told));
    }
    let whole = ReaderWhole::of(review, state.accounts.clock.now(), &words);
    let mut whole = serde_json::to_value(whole)?;
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("timeline".to_owned(), serde_json::to_value(told)?);
    }
    Ok(serde_json::to_string_pretty(&whole)?)
}

fn in_words(review: &ReaderReview, told: &[HappenedBody]) -> String {
    let reader = &review.reader;
    let address = if reader.email_verified_at.is_some() { "confirmed" } else { "not confirmed" };
    let mut lines = vec![format!("{}  {}  {address}", reader.id, reader.email.typed())];
    lines.extend(review.subscriptions.iter().map(|it| format!("  {}", line(it, None))));
    let given = review.grants.iter();
    lines.extend(given.map(|it| format!("  given {} until {}: {}", it.product, it.ends_at, it.id)));
    lines.extend(told.iter().map(|it| format!("  {}  {}  {}", it.at, it.actor, it.text)));
    lines.join("\n")
}
