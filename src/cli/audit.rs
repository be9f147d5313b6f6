//! `pressgate audit …`: reading the audit log, and checking that nobody changed it.

use std::{io::Write, path::PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Subcommand;
use serde_json::json;
use time::Duration;

use super::Failure;
use crate::{
    app::{self, Databases},
    audit::{
        anchor::{AnchorError, Anchors},
        anchor_file::{AnchorMetrics, read_required},
        chain::ChainKey,
        model::Record,
        store::{self, LIST_MAX},
    },
    clock::{Clock, SystemClock},
    config::Config,
    db::Db,
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
    /// Anchor the log where it ends now, in `audit.anchor_file`, as the service does by itself.
    Anchor {
        /// Begin a new file in the place of one that is lost, or that belongs to a later state of the
        /// database than the one that was restored. The old file must have been moved away; the audit
        /// log says that another was begun.
        #[arg(long)]
        new_file: bool,
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
    match command {
        AuditCommand::Verify { anchors } => verify(&databases.main, config, &anchors, out).await?,
        AuditCommand::Anchor { new_file } => anchor(&databases.main, config, new_file, out).await?,
        AuditCommand::List { limit, json } => {
            let records = store::list(&mut databases.main.read().await?, None, limit).await?;
            if json {
                let entries: Vec<serde_json::Value> = records.iter().map(as_json).collect();
                let entries = json!({ "entries": entries });
                writeln!(out, "{}", serde_json::to_string_pretty(&entries)?)?;
            } else {
                records.iter().try_for_each(|record| writeln!(out, "{}", as_line(record)))?;
            }
        }
    }
    databases.close().await;
    Ok(())
}

/// The anchors of the file that the settings name, which must hold what it held.
pub(super) async fn anchors_of(db: &Db, config: &Config) -> Result<Anchors, AnchorError> {
    let Some(file) = &config.audit.anchor_file else { return Ok(Anchors::default()) };
    let every = Duration::try_from(config.audit.anchor_every).unwrap_or(Duration::MAX);
    let since = SystemClock::default().now().minus(every);
    read_required(&mut db.read().await?, file, &ChainKey::of(&config.master), since).await
}

async fn verify(
    db: &Db,
    config: &Config,
    more: &[PathBuf],
    out: &mut impl Write,
) -> Result<(), Failure> {
    let key = ChainKey::of(&config.master);
    let mut anchors = anchors_of(db, config).await?;
    more.iter().try_for_each(|file| anchors.read(file, &key))?;
    let head = store::verify_whole(&mut db.read().await?, &key, &anchors).await?;
    let plural = if head.seq == 1 { "entry" } else { "entries" };
    let hash = STANDARD.encode(&head.hash);
    writeln!(out, "{} {plural}, unbroken. The last one's hash: {hash}", head.seq)?;
    if config.audit.anchor_file.is_none() && more.is_empty() {
        return Ok(());
    }
    let newest = anchors.newest().map_or(0, |newest| newest.seq);
    writeln!(out, "{} anchors agree, the newest at entry {newest}.", anchors.count())?;
    if newest < head.seq {
        writeln!(out, "{} newer entries are not anchored yet.", head.seq - newest)?;
    }
    Ok(())
}

async fn anchor(
    db: &Db,
    config: &Config,
    is_new: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let now = SystemClock::default().now();
    let Some(file) = app::open_anchors(config, AnchorMetrics::default())? else {
        return Err("audit.anchor_file is not set".into());
    };
    if is_new {
        file.begin(db, now).await?;
    } else {
        file.record(db, now).await?;
    }
    let newest = anchors_of(db, config).await?.newest().map_or(0, |newest| newest.seq);
    writeln!(out, "The log is anchored at entry {newest}.")?;
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
