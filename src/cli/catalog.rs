//! `pressgate catalog …`: checking a catalog before it is used, and the versions that were.

use std::{io::Write, path::PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::Failure;
use crate::{
    app::Databases,
    billing::catalog::{
        source::Source,
        store::{self, Listed},
    },
    config::Config,
};

#[derive(Debug, Subcommand)]
pub(super) enum CatalogCommand {
    /// Look for mistakes in a file; prints all of them, each with its line, and what is not said in
    /// every language.
    Check {
        /// Which.
        file: PathBuf,
    },
    /// List the versions that were ever sold, the newest first; at most 100.
    Versions {
        /// Only those before this one.
        #[arg(long)]
        before: Option<i64>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(
    command: CatalogCommand,
    config: &Config,
    out: &mut impl Write,
) -> Result<(), Failure> {
    match command {
        CatalogCommand::Check { file } => {
            let source = Source::read(Some(&file))?;
            let (products, plans) = (&source.catalog().products, &source.catalog().plans);
            for gap in source.catalog().untranslated() {
                writeln!(out, "Note: {gap}")?;
            }
            writeln!(out, "Well: products {}, plans {}", products.len(), plans.len())?;
        }
        CatalogCommand::Versions { before, json } => {
            let databases = Databases::open(config).await?;
            let versions = store::list(&mut databases.main.read().await?, before).await?;
            databases.close().await;
            if json {
                let versions: Vec<serde_json::Value> = versions.iter().map(as_json).collect();
                let versions = json!({ "versions": versions });
                writeln!(out, "{}", serde_json::to_string_pretty(&versions)?)?;
            } else {
                for Listed { version, created_at, sha256 } in &versions {
                    writeln!(out, "{version} {created_at} {}", hex(sha256))?;
                }
            }
        }
    }
    Ok(())
}

fn as_json(listed: &Listed) -> serde_json::Value {
    let Listed { version, created_at, sha256 } = listed;
    json!({"version": version, "created_at": created_at, "sha256": hex(sha256)})
}

/// As `sha256sum` prints it, so that a file can be found again.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
