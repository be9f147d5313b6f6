//! `pressgate site …`: adding sites, changing their policy and look, handing out and revoking keys.

mod look;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use serde_json::json;

use super::Failure;
use crate::{
    app::Databases,
    audit::{
        chain::ChainKey,
        model::{Action, Actor, Entry},
        store as audit,
    },
    clock::{Clock, SystemClock},
    config::Config,
    db::Tx,
    ids::Ids,
    metering::policy::{LIMIT_MAX, OnFailure, Policy, Rule},
    metering::window::WindowSpec,
    site::{
        key::{KeyKind, NewKey},
        model::Site,
        store,
    },
};

#[derive(Debug, Subcommand)]
pub(super) enum SiteCommand {
    /// Add a site and print its keys. The secret key is shown this once.
    Add(AddSite),
    /// Name every site and its valid keys.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Give a site another secret key, or revoke one. Two may be valid at once, so that a
    /// website can change over without an outage.
    Key {
        /// The site's id.
        id: String,
        /// Revoke the key with this id instead.
        #[arg(long, value_name = "KEY_ID")]
        revoke: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a site's meter policy, or set it from a JSON file.
    Policy {
        /// The site's id.
        id: String,
        /// The new policy, such as {"rules": [{"limit": 3, "window": "month"}]}.
        file: Option<PathBuf>,
    },
    /// Change a site.
    Set {
        /// The site's id.
        id: String,
        /// What visitors get while reads cannot be counted: `error`, `open` or `closed`.
        #[arg(long, value_parser = on_failure)]
        on_failure: OnFailure,
    },
    /// Show how the readers' pages of a site look, or change it.
    Look(look::SiteLook),
}

#[derive(Debug, Args)]
pub(super) struct AddSite {
    /// Its id: lower-case letters, digits and `-`.
    id: String,
    /// Its name for people.
    #[arg(long)]
    name: String,
    /// Where its pages live, such as `https://news.example`; may be repeated.
    #[arg(long = "origin", required = true)]
    origins: Vec<String>,
    /// The zone whose calendar its meter follows.
    #[arg(long, default_value = "UTC")]
    time_zone: String,
    /// How many articles are free in a window.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(LIMIT_MAX)))]
    limit: u32,
    /// How long a window is: P30D from the first counted read, or day, week, month.
    #[arg(long, default_value = "P30D")]
    window: WindowSpec,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    command: SiteCommand,
    config: &Config,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let databases = Databases::open(config).await?;
    if config.database.migrate_on_start {
        databases.migrate().await?;
    }
    let mut tx = databases.main.write().await?;
    let done = match command {
        SiteCommand::Add(site) => Some(add(&mut tx, site, config, out).await?),
        SiteCommand::List { json } => {
            list(&mut tx, json, out).await?;
            None
        }
        SiteCommand::Key { id, revoke: None, json } => {
            Some(add_key(&mut tx, &id, json, config, out).await?)
        }
        SiteCommand::Key { id, revoke: Some(key), json } => {
            store::revoke_key(&mut tx, &id, &key, SystemClock::default().now()).await?;
            let seconds = config.sites_refresh.as_secs();
            print(out, json, &json!({"site": id, "revoked": key}), || {
                format!("Key {key} is revoked; every instance refuses it within {seconds} s.")
            })?;
            Some(SiteChange {
                after: json!({"key": key}),
                ..SiteChange::new(Action::SiteKeyRevoked, id)
            })
        }
        SiteCommand::Policy { id, file: None } => {
            show_policy(&mut tx, &id, out).await?;
            None
        }
        SiteCommand::Policy { id, file: Some(file) } => {
            Some(set_policy(&mut tx, id, &file, out).await?)
        }
        SiteCommand::Set { id, on_failure } => {
            let policy = policy_of(&mut tx, &id).await?;
            let change = SiteChange {
                before: Some(json!({"on_failure": policy.on_failure})),
                after: json!({"on_failure": on_failure}),
                ..SiteChange::new(Action::SitePolicyChanged, id.clone())
            };
            store::set_policy(&mut tx, &id, &Policy { on_failure, ..policy }).await?;
            writeln!(out, "`{id}` is set.")?;
            Some(change)
        }
        SiteCommand::Look(look) => look::run(&mut tx, look, out).await?,
    };
    if let Some(SiteChange { action, site, before, after }) = done {
        let now = SystemClock::default().now();
        let entry = Entry::new(now, Actor::Command, action).on("site", site);
        let entry = Entry { before, ..entry.after(after) };
        audit::append(&mut tx, &ChainKey::of(&config.master), &entry).await?;
    }
    tx.commit().await?;
    databases.close().await;
    Ok(())
}

/// What the audit log says of a command.
struct SiteChange {
    action: Action,
    site: String,
    before: Option<serde_json::Value>,
    after: serde_json::Value,
}

impl SiteChange {
    fn new(action: Action, site: String) -> Self {
        Self { action, site, before: None, after: json!({}) }
    }
}

async fn set_policy(
    tx: &mut Tx,
    id: String,
    file: &Path,
    out: &mut impl Write,
) -> Result<SiteChange, Failure> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let policy = Policy::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    store::set_policy(tx, &id, &policy).await?;
    writeln!(out, "The policy of `{id}` is set.")?;
    let after = json!({"rules": policy.rules.len()});
    Ok(SiteChange { after, ..SiteChange::new(Action::SitePolicyChanged, id) })
}

async fn add(
    tx: &mut Tx,
    new: AddSite,
    config: &Config,
    out: &mut impl Write,
) -> Result<SiteChange, Failure> {
    let now = SystemClock::default().now();
    let site = Site {
        id: new.id,
        name: new.name,
        origins: new.origins,
        time_zone: new.time_zone,
        policy: Policy::from(vec![Rule::everyone(new.limit, new.window)]),
        created_at: now,
    };
    let site = site.checked()?;
    store::insert(tx, &site).await?;
    let ids = Ids::system()?;
    let mode = config.mode.to_string();
    let secret = NewKey::generate(&ids, KeyKind::Secret, &mode)?;
    let publishable = NewKey::generate(&ids, KeyKind::Publishable, &mode)?;
    store::insert_key(tx, &site.id, &secret, now).await?;
    store::insert_key(tx, &site.id, &publishable, now).await?;
    let as_json = json!({
        "id": site.id, "name": site.name, "origins": site.origins, "time_zone": site.time_zone,
        "policy": site.policy, "secret_key": secret.text, "publishable_key": publishable.text,
        "secret_key_id": secret.id,
    });
    print(out, new.json, &as_json, || {
        format!(
            "Added `{}`.\n  secret key       {}  (shown only now)\n  publishable key  {}",
            site.id, secret.text, publishable.text
        )
    })?;
    let after = json!({"key": secret.id});
    Ok(SiteChange { after, ..SiteChange::new(Action::SiteAdded, site.id) })
}

async fn add_key(
    tx: &mut Tx,
    site: &str,
    json: bool,
    config: &Config,
    out: &mut impl Write,
) -> Result<SiteChange, Failure> {
    let key = NewKey::generate(&Ids::system()?, KeyKind::Secret, &config.mode.to_string())?;
    store::insert_key(tx, site, &key, SystemClock::default().now()).await?;
    let as_json = json!({"site": site, "key_id": key.id, "secret_key": key.text});
    print(out, json, &as_json, || {
        format!("Secret key {} of `{site}`, shown only now:\n  {}", key.id, key.text)
    })?;
    let after = json!({"key": key.id});
    Ok(SiteChange { after, ..SiteChange::new(Action::SiteKeyAdded, site.to_owned()) })
}

async fn list(tx: &mut Tx, json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let (sites, keys) = (store::list(tx).await?, store::list_keys(tx).await?);
    if json {
        print(out, true, &json!({"sites": sites, "keys": keys}), String::new)?;
        return Ok(());
    }
    for site in &sites {
        writeln!(out, "{}  {}  {}", site.id, site.name, site.origins.join(" "))?;
        for (i, rule) in site.policy.rules.iter().enumerate() {
            writeln!(out, "  rule {}: {rule}", i + 1)?;
        }
        for key in keys.iter().filter(|key| key.site_id == site.id) {
            writeln!(out, "  key {}: {}", key.id, key.hint)?;
        }
    }
    Ok(())
}

fn on_failure(text: &str) -> Result<OnFailure, &'static str> {
    OnFailure::parse(text).ok_or("must be `error`, `open` or `closed`")
}

async fn policy_of(tx: &mut Tx, id: &str) -> Result<Policy, Failure> {
    let site = store::list(tx).await?.into_iter().find(|site| site.id == id);
    let site = site.ok_or_else(|| store::SiteStoreError::NoSuchSite(id.to_owned()))?;
    Ok(site.policy)
}

async fn show_policy(tx: &mut Tx, id: &str, out: &mut impl Write) -> Result<(), Failure> {
    writeln!(out, "{}", serde_json::to_string_pretty(&policy_of(tx, id).await?)?)?;
    Ok(())
}

fn print(
    out: &mut impl Write,
    json: bool,
    as_json: &serde_json::Value,
    as_text: impl FnOnce() -> String,
) -> Result<(), Failure> {
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(as_json)?)?;
    } else {
        writeln!(out, "{}", as_text())?;
    }
    Ok(())
}
