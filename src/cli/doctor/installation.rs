//! The installation's own state: its schema, keys, books and logs.

use time::Duration;

use super::report::Check;
use crate::{
    app::{self, Databases},
    audit::{anchor_store, chain::ChainKey, store as audit},
    auth::{
        keys::{OLD_AFTER, Purpose, SigningKey},
        store as keys,
    },
    billing::{ledger::proof, notice::record},
    cli::audit::anchors_of,
    clock::{Clock, SystemClock, Timestamp},
    config::Config,
    db::{Db, StoreError, Tx},
    mail::outbox,
    numbers::proof as figures,
};

/// How far back notices are looked at.
const NOTICES_SINCE: Duration = Duration::days(30);
/// An entry that is older than this and not anchored is worth a warning.
const ANCHORED_WITHIN: std::time::Duration = std::time::Duration::from_mins(1);
/// Most notices that are counted.
const NOTICES_MAX: i64 = 100;

/// Whether this program and the schema fit, in words, and whether they do.
pub(super) async fn schema(databases: &Databases) -> Result<(Check, bool), StoreError> {
    const NAME: &str = "schema";
    let unknown = databases.unknown_migrations().await?;
    if unknown > 0 {
        let what = format!(
            "the database has {unknown} migrations that this program does not know: a newer version was \
             here. Install that one, or restore a backup from before it"
        );
        return Ok((Check::error(NAME, what), false));
    }
    let pending = databases.pending_migrations().await?;
    if pending > 0 {
        let what = format!("the database lacks {pending} migrations: run `pressgate migrate`");
        return Ok((Check::error(NAME, what), false));
    }
    Ok((Check::ok(NAME, "the database answers and is up to date"), true))
}

pub(super) fn permissions(config: &Config) -> Vec<Check> {
    const NAME: &str = "permissions";
    let exposed = match app::exposed(config) {
        Ok(exposed) => exposed,
        Err(error) => return vec![Check::error(NAME, format!("permissions of files: {error}"))],
    };
    if exposed.is_empty() {
        return vec![Check::ok(NAME, "files are open to the service's account alone")];
    }
    let check = |it: app::Exposed| {
        let what = format!("{}: {}", it.what, it.remedy);
        if it.is_serious { Check::error(NAME, what) } else { Check::warning(NAME, what) }
    };
    exposed.into_iter().map(check).collect()
}

pub(super) async fn signing_keys(tx: &mut Tx, config: &Config, now: Timestamp) -> Vec<Check> {
    match keys::list(tx, &config.master, now).await {
        Ok(keys) => Purpose::ALL.map(|purpose| age_of(purpose, &keys, now)).into(),
        Err(error) => vec![Check::error(KEYS, format!("signing keys: {error}"))],
    }
}

const KEYS: &str = "signing_keys";

fn age_of(purpose: Purpose, keys: &[SigningKey], now: Timestamp) -> Check {
    let name = purpose.as_str();
    let signing = keys.iter().filter(|key| key.purpose == purpose && key.retires_at.is_none());
    let Some(key) = signing.max_by_key(|key| key.activates_at) else {
        return Check::error(KEYS, format!("no {name} key signs: run `pressgate keys rotate`"));
    };
    let age = now.since(key.created_at);
    let days = age.whole_days();
    let old = format!("the {name} key is {days} days old");
    if age > OLD_AFTER {
        Check::error(KEYS, format!("{old}: run `pressgate keys rotate`"))
    } else {
        Check::ok(KEYS, old)
    }
}

pub(super) async fn audit_log(db: &Db, config: &Config) -> Result<Vec<Check>, StoreError> {
    const NAME: &str = "audit_log";
    const ANCHORS: &str = "audit_anchors";
    let anchors = match anchors_of(db, config).await {
        Ok(anchors) => anchors,
        Err(error) => {
            return Ok(vec![Check::error(ANCHORS, format!("the audit log's anchors: {error}"))]);
        }
    };
    let mut tx = db.read().await?;
    let head = match audit::verify_whole(&mut tx, &ChainKey::of(&config.master), &anchors).await {
        Ok(head) => head,
        Err(error) => {
            return Ok(vec![Check::error(NAME, format!("the audit log is broken: {error}"))]);
        }
    };
    let log = Check::ok(NAME, format!("the audit log has {} entries, unbroken", head.seq));
    if config.audit.anchor_file.is_none() {
        let what = "the audit log is not anchored: set audit.anchor_file";
        let missing = (!config.is_sandbox()).then(|| Check::warning(ANCHORS, what));
        return Ok([log].into_iter().chain(missing).collect());
    }
    let next = anchors.newest().map_or(0, |newest| newest.seq).saturating_add(1);
    let since = anchor_store::time_of_entry(&mut tx, next).await?;
    let within = ANCHORED_WITHIN.max(config.audit.anchor_every);
    let late = since.filter(|at| SystemClock::default().now().since(*at) > within);
    let anchored = match late {
        Some(at) => Check::warning(
            ANCHORS,
            format!(
                "entries of the audit log since {at} are not anchored: the service does not run, or its \
                 log says why"
            ),
        ),
        None => Check::ok(ANCHORS, format!("{} anchors agree with the audit log", anchors.count())),
    };
    Ok(vec![log, anchored])
}

pub(super) async fn dead_mails(tx: &mut Tx) -> Result<Check, StoreError> {
    const NAME: &str = "dead_mails";
    Ok(match outbox::list_dead(tx).await?.len() {
        0 => Check::ok(NAME, "no mail was given up"),
        n => Check::error(
            NAME,
            format!("{n} or more mails were given up: see `GET /v1/staff/mails/dead`"),
        ),
    })
}

pub(super) async fn notices(tx: &mut Tx, now: Timestamp) -> Result<Check, StoreError> {
    const NAME: &str = "notices";
    let missed = record::missed(tx, now.minus(NOTICES_SINCE), now, NOTICES_MAX).await?;
    Ok(match missed.len() {
        0 => Check::ok(NAME, "every notice to subscribers went out in time"),
        n => Check::error(
            NAME,
            format!(
                "{n} or more notices to subscribers did not go out in time in the last 30 days: see \
                 `pressgate notices missed`"
            ),
        ),
    })
}

pub(super) async fn ledger(tx: &mut Tx) -> Result<Vec<Check>, StoreError> {
    const NAME: &str = "ledger";
    let faults = proof::prove(tx).await?;
    if faults.is_empty() {
        return Ok(vec![Check::ok(NAME, "invoices, balances and the ledger agree")]);
    }
    Ok(faults.iter().map(|fault| Check::error(NAME, format!("the books: {fault}"))).collect())
}

pub(super) async fn numbers(tx: &mut Tx) -> Result<Vec<Check>, StoreError> {
    const NAME: &str = "numbers";
    let differences = figures::differences(tx).await?;
    if differences.is_empty() {
        return Ok(vec![Check::ok(NAME, "the numbers agree with subscriptions and ledger")]);
    }
    let unwell = |it: &figures::Difference| Check::error(NAME, format!("the numbers: {it}"));
    Ok(differences.iter().map(unwell).collect())
}
