//! `pressgate notices …`: whether subscribers were told what they had to be told, in time.

use std::io::Write;

use clap::Subcommand;
use serde_json::json;
use time::Duration;

use super::Failure;
use crate::{
    app::Databases,
    billing::notice::{
        record,
        store::{LISTED_MAX, Notice},
    },
    clock::{Clock, SystemClock},
    config::Config,
};

#[derive(Debug, Subcommand)]
pub(super) enum NoticesCommand {
    /// List the notices that did not go out in time, the latest first.
    Missed {
        /// Since so many days.
        #[arg(long, default_value_t = 366, value_parser = clap::value_parser!(i64).range(1..=4_000))]
        days: i64,
        /// How many at most.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=LISTED_MAX))]
        limit: i64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(
    command: NoticesCommand,
    config: &Config,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let NoticesCommand::Missed { days, limit, json } = command;
    let databases = Databases::open(config).await?;
    let now = SystemClock::default().now();
    let mut tx = databases.main.read().await?;
    let missed = record::missed(&mut tx, now.minus(Duration::days(days)), now, limit).await?;
    drop(tx);
    databases.close().await;
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "missed": missed }))?)?;
    } else if missed.is_empty() {
        writeln!(out, "None.")?;
    } else {
        missed.iter().try_for_each(|notice| writeln!(out, "{}", as_line(notice)))?;
    }
    Ok(())
}

fn as_line(notice: &Notice) -> String {
    let Notice { subscription, kind, about, due_to, jurisdiction, .. } = notice;
    let sent = match notice.sent_at {
        Some(at) => format!("sent {at}"),
        None => "not sent".to_owned(),
    };
    format!("{subscription} {kind} of {about} ({jurisdiction}): due {due_to}, {sent}")
}
