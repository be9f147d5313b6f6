//! `pressgate doctor`: whether everything is as it should be, and what to do where it is not.

use std::{io::Write, path::PathBuf};

use time::Duration;

use super::{
    Failure,
    probe::{self, Answer},
};
use crate::{
    app::{self, Databases},
    audit::{anchor::Anchors, chain::ChainKey, store as audit},
    auth::{
        keys::{OLD_AFTER, Purpose, SigningKey},
        store as keys,
    },
    billing::{ledger::proof, notice::record},
    clock::{Clock, SystemClock, Timestamp},
    config::Config,
    db::Tx,
    http::open_files,
    mail::outbox,
    numbers::proof as figures,
};

/// How far back notices are looked at.
const NOTICES_SINCE: Duration = Duration::days(30);

/// What was found of one thing.
enum Finding {
    /// As it should be.
    Well(String),
    /// Could be better, but endangers nothing by itself.
    Warning(String),
    /// Not so, and what to do about it.
    Unwell(String),
}

pub(super) async fn run(config: &Config, out: &mut impl Write) -> Result<(), Failure> {
    let mut findings = vec![the_service(config).await];
    findings.append(&mut the_databases(config).await?);
    let mut unwell = 0;
    for finding in findings {
        match finding {
            Finding::Well(what) => writeln!(out, "well    {what}")?,
            Finding::Warning(what) => writeln!(out, "warning {what}")?,
            Finding::Unwell(what) => {
                unwell += 1;
                writeln!(out, "UNWELL  {what}")?;
            }
        }
    }
    match unwell {
        0 => Ok(()),
        1 => Err("one thing is not as it should be".into()),
        n => Err(format!("{n} things are not as they should be").into()),
    }
}

/// What the service says that listens where these settings have it listen.
async fn the_service(config: &Config) -> Finding {
    match probe::ask(config.server.listen).await {
        Ok(Answer::Ready) => Finding::Well("the service that runs is ready".into()),
        Ok(Answer::NotReady(why)) => {
            Finding::Unwell(format!("the service that runs is not ready: {why}"))
        }
        Err(_) => {
            let listen = config.server.listen;
            Finding::Well(format!("no service runs at {listen} that could be asked"))
        }
    }
}

async fn the_databases(config: &Config) -> Result<Vec<Finding>, Failure> {
    // To open a file that is missing would make an empty one.
    let missing = Databases::missing_files(config);
    if !missing.is_empty() {
        let unwell = |file: &PathBuf| {
            Finding::Unwell(format!(
                "the database file {} is missing: restore it, or run `pressgate migrate` for an \
                 empty one",
                file.display()
            ))
        };
        return Ok(missing.iter().map(unwell).collect());
    }
    let databases = Databases::open_as_they_are(config).await?;
    let findings = examine(&databases, config).await;
    databases.close().await;
    findings
}

async fn examine(databases: &Databases, config: &Config) -> Result<Vec<Finding>, Failure> {
    let mut findings = permissions(config)?;
    let pending = databases.pending_migrations().await?;
    if pending > 0 {
        let what = format!("the database lacks {pending} migrations: run `pressgate migrate`");
        findings.push(Finding::Unwell(what));
        return Ok(findings);
    }
    let now = SystemClock::default().now();
    let mut tx = databases.main.read().await?;
    findings.push(Finding::Well("the database answers and is up to date".into()));
    findings.extend(match keys::list(&mut tx, &config.master, now).await {
        Ok(keys) => Purpose::ALL.map(|purpose| age_of(purpose, &keys, now)).into(),
        Err(error) => vec![Finding::Unwell(format!("signing keys: {error}"))],
    });
    findings.push(open_files(config));
    findings.push(audit_log(&mut tx, config).await);
    if !config.is_sandbox() && config.audit.anchor_file.is_none() {
        let what = "the audit log is not anchored: set audit.anchor_file";
        findings.push(Finding::Warning(what.into()));
    }
    findings.push(match outbox::list_dead(&mut tx).await?.len() {
        0 => Finding::Well("no mail was given up".into()),
        n => Finding::Unwell(format!(
            "{n} or more mails were given up: see `GET /v1/staff/mails/dead`"
        )),
    });
    findings.push(notices(&mut tx, now).await?);
    drop(tx);
    findings.extend(books(&mut databases.main.snapshot().await?).await?);
    findings.extend(figures(&mut databases.main.snapshot().await?).await?);
    Ok(findings)
}

fn permissions(config: &Config) -> Result<Vec<Finding>, Failure> {
    let exposed = app::exposed(config)?;
    if exposed.is_empty() {
        return Ok(vec![Finding::Well("files are open to the service's account alone".into())]);
    }
    let finding = |it: app::Exposed| {
        let what = format!("{}: {}", it.what, it.remedy);
        if it.is_serious { Finding::Unwell(what) } else { Finding::Warning(what) }
    };
    Ok(exposed.into_iter().map(finding).collect())
}

/// What the service may open is known to itself alone; what this command may is mostly the same.
fn open_files(config: &Config) -> Finding {
    let (wanted, most) = (config.server.connections_max, open_files::most());
    match open_files::connections(most, wanted, config.database.limits.connections_max) {
        Ok(connections) if connections == wanted => Finding::Well(format!(
            "{most} files may be open, enough for {wanted} connections (server.connections_max)"
        )),
        Ok(connections) => Finding::Warning(format!(
            "{most} files may be open, enough for {connections} of {wanted} connections \
             (server.connections_max): raise the limit (`LimitNOFILE=` of systemd, `--ulimit nofile=` \
             of a container), or lower the setting"
        )),
        Err(error) => Finding::Unwell(error.to_string()),
    }
}

async fn books(tx: &mut Tx) -> Result<Vec<Finding>, Failure> {
    let faults = proof::prove(tx).await?;
    if faults.is_empty() {
        return Ok(vec![Finding::Well("invoices, balances and the ledger agree".into())]);
    }
    Ok(faults.iter().map(|fault| Finding::Unwell(format!("the books: {fault}"))).collect())
}

async fn figures(tx: &mut Tx) -> Result<Vec<Finding>, Failure> {
    let differences = figures::differences(tx).await?;
    if differences.is_empty() {
        return Ok(vec![Finding::Well("the numbers agree with subscriptions and ledger".into())]);
    }
    let unwell = |it: &figures::Difference| Finding::Unwell(format!("the numbers: {it}"));
    Ok(differences.iter().map(unwell).collect())
}

async fn notices(tx: &mut Tx, now: Timestamp) -> Result<Finding, Failure> {
    let missed = record::missed(tx, now.minus(NOTICES_SINCE), now, 100).await?;
    Ok(match missed.len() {
        0 => Finding::Well("every notice to subscribers went out in time".into()),
        n => Finding::Unwell(format!(
            "{n} or more notices to subscribers did not go out in time in the last 30 days: see \
             `pressgate notices missed`"
        )),
    })
}

fn age_of(purpose: Purpose, keys: &[SigningKey], now: Timestamp) -> Finding {
    let name = purpose.as_str();
    let signing = keys.iter().filter(|key| key.purpose == purpose && key.retires_at.is_none());
    match signing.max_by_key(|key| key.activates_at) {
        None => Finding::Unwell(format!("no {name} key signs: run `pressgate keys rotate`")),
        Some(key) => {
            let age = now.since(key.created_at);
            let days = age.whole_days();
            if age > OLD_AFTER {
                let what =
                    format!("the {name} key is {days} days old: run `pressgate keys rotate`");
                Finding::Unwell(what)
            } else {
                Finding::Well(format!("the {name} key is {days} days old"))
            }
        }
    }
}

async fn audit_log(tx: &mut Tx, config: &Config) -> Finding {
    let key = ChainKey::of(&config.master);
    let mut anchors = Anchors::default();
    let file = config.audit.anchor_file.iter().find(|file| file.exists());
    if let Some(Err(error)) = file.map(|file| anchors.read(file, &key)) {
        return Finding::Unwell(format!("the audit log's anchors: {error}"));
    }
    match audit::verify_whole(tx, &key, &anchors).await {
        Ok(head) => Finding::Well(format!("the audit log has {} entries, unbroken", head.seq)),
        Err(error) => Finding::Unwell(format!("the audit log is broken: {error}")),
    }
}
