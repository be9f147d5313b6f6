//! `pressgate audit …`: reading the audit log, and checking that nobody changed it.

use std::{io::Write, path::PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Subcommand;
use serde_json::json;

use super::Failure;
use crate::{
    app::Databases,
    audit::{
        anchor::Anchors,
        chain::ChainKey,
        model::Record,
        store::{self, LIST_MAX},
    },
    config::Config,
    db::Tx,
};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Check every entry, and that none is missing. Keep what it prints: it shows later that the
    /// log was not put back to an older copy.
    Verify {
        /// A file of anchors to check the log against, besides `audit.anchor_file`; for instance one of
        /// another instance. May be given more than once.
        #[arg(long, value_name = "FILE")]
        anchors: Vec<PathBuf>,
    },
    /// Show the last entries, the youngest first.
    List {
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=LIST_MAX))]
        limit: i64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(
    command: AuditCommand,
    config: &Config,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let databases = Databases::open(config).await?;
    let mut tx = databases.main.read().await?;
    match command {
        AuditCommand::Verify { anchors } => {
            let files = config.audit.anchor_file.iter().filter(|file| file.exists());
            let files: Vec<&PathBuf> = files.chain(&anchors).collect();
            verify(&mut tx, &ChainKey::of(&config.master), &files, out).await?;
        }
        AuditCommand::List { limit, json } => {
            let records = store::list(&mut tx, None, limit).await?;
            if json {
                let entries: Vec<serde_json::Value> = records.iter().map(as_json).collect();
                let entries = json!({ "entries": entries });
                writeln!(out, "{}", serde_json::to_string_pretty(&entries)?)?;
            } else {
                records.iter().try_for_each(|record| writeln!(out, "{}", as_line(record)))?;
            }
        }
    }
    drop(tx);
    databases.close().await;
    Ok(())
}

async fn verify(
    tx: &mut Tx,
    key: &ChainKey,
    files: &[&PathBuf],
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut anchors = Anchors::default();
    files.iter().try_for_each(|file| anchors.read(file, key))?;
    let head = store::verify_whole(tx, key, &anchors).await?;
    let plural = if head.seq == 1 { "entry" } else { "entries" };
    writeln!(
        out,
        "{} {plural}, unbroken. The last one's hash: {}",
        head.seq,
        STANDARD.encode(&head.hash)
    )?;
    if !files.is_empty() {
        let newest = anchors.newest().unwrap_or(0);
        writeln!(out, "{} anchors agree, the newest at entry {newest}.", anchors.count())?;
    }
    Ok(())
}

fn as_json(record: &Record) -> serde_json::Value {
    // What was stored as JSON is shown as JSON.
    let value = |text: &Option<String>| {
        text.as_deref().map(|text| {
            serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::from(text))
        })
    };
    json!({
        "seq": record.seq, "at": record.at,
        "actor": {"kind": record.actor_kind, "id": record.actor_id},
        "action": record.action,
        "target": {"kind": record.target_kind, "id": record.target_id},
        "request_id": record.request_id, "ip": record.ip,
        "before": value(&record.before), "after": value(&record.after),
    })
}

fn as_line(record: &Record) -> String {
    let text = |field: &Option<String>| field.as_deref().map(|text| format!(" {text}"));
    let mut line = format!("{} {} {}", record.seq, record.at, record.actor_kind);
    line.extend(text(&record.actor_id));
    line.extend([format!(" {}", record.action)]);
    line.extend([&record.target_kind, &record.target_id, &record.ip].into_iter().filter_map(text));
    line.extend(text(&record.before).map(|before| format!(" from{before}")));
    line.extend(text(&record.after).map(|after| format!(" to{after}")));
    line
}
