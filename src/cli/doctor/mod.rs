//! `pressgate doctor`: whether everything is as it should be, and what to do where it is not.
//!
//! `report` is what is printed; `installation` looks into the database, `work` at what is late there,
//! `machine` at disks, files and clock, `peers` at what the service talks to.

mod installation;
mod machine;
mod peers;
mod report;
mod work;

use std::{io::Write, path::PathBuf, time::Duration};

use clap::Args;
use tokio::time::timeout;

use self::report::Check;
pub(super) use self::report::Unwell;
use super::Failure;
use crate::{
    app::Databases,
    clock::{Clock, SystemClock},
    config::Config,
    db::StoreError,
};

/// Longest wait for a database that does not answer.
const OPEN_MAX: Duration = Duration::from_secs(15);

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print JSON: `{"status", "checks": [{"name", "severity", "message"}]}`.
    #[arg(long)]
    json: bool,
    /// Exit with 2 where there are warnings and no error. (With an error it is 1, else 0.)
    #[arg(long)]
    strict: bool,
}

pub(super) async fn run(
    args: DoctorArgs,
    config: &Config,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let (mut checks, mail, mut databases) =
        tokio::join!(peers::service(config), peers::mail_server(config), databases(config));
    checks.append(&mut databases);
    checks.push(machine::open_files(config));
    checks.extend(machine::disk_space(config));
    checks.push(mail);
    checks.push(peers::gateway(config));
    report::print(&checks, args.json, out)?;
    Ok(report::verdict(&checks, args.strict)?)
}

async fn databases(config: &Config) -> Vec<Check> {
    // To open a file that is missing would make an empty one.
    let missing = Databases::missing_files(config);
    if !missing.is_empty() {
        let unwell = |file: &PathBuf| {
            Check::error(
                "database",
                format!(
                    "the database file {} is missing: restore it, or run `pressgate migrate` for an \
                     empty one",
                    file.display()
                ),
            )
        };
        return missing.iter().map(unwell).collect();
    }
    let databases = match timeout(OPEN_MAX, Databases::open_as_they_are(config)).await {
        Ok(Ok(databases)) => databases,
        Ok(Err(error)) => return vec![unusable(&error)],
        Err(_) => {
            let seconds = OPEN_MAX.as_secs();
            return vec![Check::error(
                "database",
                format!("the database gave no answer within {seconds} s: see database.url"),
            )];
        }
    };
    let mut checks = Vec::new();
    if let Err(error) = examine(&databases, config, &mut checks).await {
        checks.push(unusable(&error));
    }
    // A database that is silent must not hold up the report.
    let _ = timeout(OPEN_MAX, databases.close()).await;
    checks
}

fn unusable(error: &StoreError) -> Check {
    Check::error("database", format!("the database cannot be used: {error}"))
}

async fn examine(
    databases: &Databases,
    config: &Config,
    checks: &mut Vec<Check>,
) -> Result<(), StoreError> {
    checks.extend(installation::permissions(config));
    let (schema, is_known) = installation::schema(databases).await?;
    checks.push(schema);
    if !is_known {
        return Ok(());
    }
    let now = SystemClock::default().now();
    let db = &databases.main;
    checks.push(machine::clock(db).await?);
    checks.extend(installation::signing_keys(&mut db.read().await?, config, now).await);
    checks.extend(installation::audit_log(db, config).await?);
    checks.push(installation::dead_mails(&mut db.read().await?).await?);
    checks.extend(work::lag(&mut db.read().await?, config, now).await?);
    checks.push(installation::notices(&mut db.read().await?, now).await?);
    checks.extend(installation::ledger(&mut db.snapshot().await?).await?);
    checks.extend(installation::numbers(&mut db.snapshot().await?).await?);
    Ok(())
}
