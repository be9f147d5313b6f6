//! `pressgate newsletter …`: who receives a newsletter, for the publisher's mail tool.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Failure;
use crate::{
    app::AppState,
    audit::{
        model::{Action, Actor, Entry},
        store as audit,
    },
    billing::catalog::newsletters::Newsletter,
    config::Config,
    newsletter::export::{Recipient, csv},
};

#[derive(Debug, Subcommand)]
pub(super) enum NewsletterCommand {
    /// Print everybody who receives a newsletter now. For a list that is for subscribers, those
    /// whose subscription runs.
    Export(Export),
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The newsletter's id in the catalog.
    list: String,
    /// Print CSV (the default).
    #[arg(long)]
    csv: bool,
    /// Print JSON, one object a line.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
}

pub(super) async fn run(
    command: NewsletterCommand,
    config: Config,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let NewsletterCommand::Export(Export { list, csv: _, json }) = command;
    let state = AppState::open_on_this_machine(config).await?;
    let done = export(&state, &list, json, out).await;
    state.databases.close().await;
    done
}

async fn export(
    state: &AppState,
    list: &str,
    json: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let newsletter = find(state, list)?;
    let newsletters = &state.newsletters;
    let format = if json { "json" } else { "csv" };
    let entry = Entry::new(newsletters.clock.now(), Actor::Command, Action::NewsletterExported)
        .on("newsletter", list)
        .after(json!({"format": format}));
    let mut tx = newsletters.db.write().await?;
    audit::append(&mut tx, &state.accounts.audit_key, &entry).await?;
    tx.commit().await?;
    let mut after = Some(String::new());
    while let Some(from) = after {
        let page = newsletters.recipients(&newsletter, &from).await?;
        if json {
            page.recipients.iter().try_for_each(|recipient| print(recipient, out))?;
        } else {
            out.write_all(&csv(&page.recipients, from.is_empty())?)?;
        }
        after = page.next;
    }
    Ok(out.flush()?)
}

fn print(recipient: &Recipient, out: &mut impl Write) -> Result<(), Failure> {
    Ok(writeln!(out, "{}", serde_json::to_string(recipient)?)?)
}

fn find(state: &AppState, list: &str) -> Result<Newsletter, Failure> {
    let catalog = state.catalogs.current();
    catalog.newsletter(list).cloned().ok_or_else(|| {
        let known: Vec<&str> = catalog.newsletters.iter().map(|it| it.id.as_str()).collect();
        format!("there is no newsletter `{list}`; there are: {}", known.join(", ")).into()
    })
}
