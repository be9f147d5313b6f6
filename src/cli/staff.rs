//! `pressgate staff …`: accounts of the people who run the installation.

use std::io::{BufRead, Read, Write};

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::Failure;
use crate::{
    app::Databases,
    audit::{
        chain::ChainKey,
        model::{Action, Actor, Entry},
        store as audit,
    },
    auth::{
        access_token::Realm,
        hash_queue::TurnRequest,
        hashing::{HashError, Hasher},
        limit_store::{self, LimitKey},
        session::{model::EndReason, store as sessions},
        staff::{
            model::{Role, Staff},
            recovery::RecoveryCode,
            store::{self, NewSecondFactor},
        },
        store as key_store,
    },
    clock::{Clock, SystemClock, Timestamp},
    config::Config,
    db::Tx,
    http::text,
    ids::Ids,
    mail::address::Address,
    sandbox,
};

/// No password has as many bytes.
const LINE_MAX: u64 = 5_000;

#[derive(Debug, Subcommand)]
pub(super) enum StaffCommand {
    /// Add an account. In live mode it has a second factor, whose secret and recovery codes are
    /// shown this once.
    Add(AddStaff),
    /// Name every account.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Give an account another role.
    Role {
        /// The account's address.
        #[arg(value_parser = Address::parse)]
        email: Address,
        /// viewer, support or admin.
        role: Role,
    },
    /// Give an account another password, and log it out everywhere.
    Password {
        /// The account's address.
        #[arg(value_parser = Address::parse)]
        email: Address,
        /// Read the password from standard input, the first line.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Close an account.
    Disable {
        /// The account's address.
        #[arg(value_parser = Address::parse)]
        email: Address,
    },
    /// Open an account again.
    Enable {
        /// The account's address.
        #[arg(value_parser = Address::parse)]
        email: Address,
    },
    /// Replace an account's second factor and its recovery codes, and show the new ones this once.
    ResetTotp {
        /// The account's address.
        #[arg(value_parser = Address::parse)]
        email: Address,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddStaff {
    /// Its address.
    #[arg(long, value_parser = Address::parse)]
    email: Address,
    /// viewer, support or admin.
    #[arg(long)]
    role: Role,
    /// Read its password from standard input, the first line: arguments are seen by everybody on
    /// the machine.
    #[arg(long, required = true)]
    password_stdin: bool,
    /// Give it a second factor in a sandbox too.
    #[arg(long)]
    totp: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What every one of these commands works with.
struct Desk<'a> {
    config: &'a Config,
    tx: Tx,
    ids: Ids,
    now: Timestamp,
}

pub(super) async fn run(
    command: StaffCommand,
    config: &Config,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let ids = Ids::system()?;
    // Hashing is slow, and nobody else can write while this holds a transaction.
    let hash = match &command {
        StaffCommand::Add(AddStaff { email, .. }) | StaffCommand::Password { email, .. } => {
            Some(hash_of(email, config, &ids).await?)
        }
        _ => None,
    };
    let databases = Databases::open(config).await?;
    if config.database.migrate_on_start {
        databases.migrate().await?;
    }
    let now = SystemClock::default().now();
    let mut tx = databases.main.write().await?;
    // What is written under one master key can be neither opened nor verified under another: the
    // signing keys show whether this is the one, also to those who come later.
    key_store::ensure(&mut tx, &config.master, &ids, now).await?;
    let mut desk = Desk { config, tx, ids, now };
    let said = desk.take(command, hash).await?;
    // What is shown only once must not be shown of something that was not kept.
    desk.tx.commit().await?;
    databases.close().await;
    writeln!(out, "{said}")?;
    Ok(())
}

impl Desk<'_> {
    async fn take(
        &mut self,
        command: StaffCommand,
        hash: Option<String>,
    ) -> Result<String, Failure> {
        match command {
            StaffCommand::Add(new) => self.add(new, hash.unwrap_or_default()).await,
            StaffCommand::List { json } => self.list(json).await,
            StaffCommand::Role { email, role } => self.set_role(&email, role).await,
            StaffCommand::Password { email, .. } => {
                let staff = self.find(&email).await?;
                let hash = hash.unwrap_or_default();
                store::set_password_hash(&mut self.tx, staff.id, &hash, self.now).await?;
                // Wrong passwords of strangers must not keep the owner from using the new one.
                let wrong = LimitKey::staff_login(staff.email.key());
                limit_store::clear(&mut self.tx, wrong).await?;
                self.end_sessions(&staff).await?;
                self.append(self.entry(Action::StaffPasswordChanged, &staff)).await?;
                Ok(format!("{} has a new password.", email.key()))
            }
            StaffCommand::Disable { email } => {
                let staff = self.find(&email).await?;
                if !store::disable(&mut self.tx, staff.id, self.now).await? {
                    return Err("this account is closed already".into());
                }
                self.end_sessions(&staff).await?;
                self.append(self.entry(Action::StaffDisabled, &staff)).await?;
                Ok(format!("The account {} is closed.", email.key()))
            }
            StaffCommand::Enable { email } => {
                let staff = self.find(&email).await?;
                if !store::enable(&mut self.tx, staff.id).await? {
                    return Err("this account is open".into());
                }
                self.append(self.entry(Action::StaffEnabled, &staff)).await?;
                Ok(format!("The account {} is open again.", email.key()))
            }
            StaffCommand::ResetTotp { email, json } => {
                let staff = self.find(&email).await?;
                let factor = self.enrol(&staff).await?;
                self.end_sessions(&staff).await?;
                self.append(self.entry(Action::StaffTotpReset, &staff)).await?;
                let first = format!("{} has a new second factor.", email.key());
                told(json, &staff, Some(&factor), &first)
            }
        }
    }

    async fn add(&mut self, new: AddStaff, password_hash: String) -> Result<String, Failure> {
        if !self.config.is_sandbox() && new.email.key() == sandbox::STAFF_EMAIL {
            return Err("this is the sandbox's address, with which no live service starts".into());
        }
        let staff = Staff {
            id: self.ids.uuid(self.now)?,
            email: new.email,
            password_hash,
            role: new.role,
            totp: None,
            created_at: self.now,
            password_changed_at: self.now,
            disabled_at: None,
            device_epoch: 0,
        };
        store::insert(&mut self.tx, &staff).await?;
        let factor = if new.totp || !self.config.is_sandbox() {
            Some(self.enrol(&staff).await?)
        } else {
            None
        };
        let after = json!({"role": staff.role.as_str(), "second_factor": factor.is_some()});
        self.append(self.entry(Action::StaffAdded, &staff).after(after)).await?;
        let first = format!("Added {} as {}.", staff.email.key(), staff.role);
        told(new.json, &staff, factor.as_ref(), &first)
    }

    async fn set_role(&mut self, email: &Address, role: Role) -> Result<String, Failure> {
        let staff = self.find(email).await?;
        if staff.role == role {
            return Err(format!("this account is {role} already").into());
        }
        if !store::set_role(&mut self.tx, staff.id, (staff.role, role)).await? {
            return Err("somebody else just changed this role; try again".into());
        }
        let entry = self
            .entry(Action::StaffRoleChanged, &staff)
            .before(json!({"role": staff.role.as_str()}))
            .after(json!({"role": role.as_str()}));
        self.append(entry).await?;
        Ok(format!("{} is {role} now.", email.key()))
    }

    async fn list(&mut self, json: bool) -> Result<String, Failure> {
        let staff = store::list(&mut self.tx).await?;
        if json {
            let staff: Vec<Value> = staff.iter().map(as_json).collect();
            return Ok(serde_json::to_string_pretty(&json!({ "staff": staff }))?);
        }
        let lines: Vec<String> = staff.iter().map(as_line).collect();
        Ok(if lines.is_empty() { "There are no accounts.".into() } else { lines.join("\n") })
    }

    async fn find(&mut self, email: &Address) -> Result<Staff, Failure> {
        let staff = store::find_by_email_key(&mut self.tx, email.key()).await?;
        staff.ok_or_else(|| format!("there is no account of staff {}", email.key()).into())
    }

    /// A running service refuses their tokens within seconds.
    async fn end_sessions(&mut self, staff: &Staff) -> Result<(), Failure> {
        let owner = (Realm::Staff, staff.id);
        sessions::end_all(&mut self.tx, owner, EndReason::AccountChanged, self.now).await?;
        Ok(())
    }

    async fn enrol(&mut self, staff: &Staff) -> Result<NewSecondFactor, Failure> {
        let keys = (&self.config.master, &self.ids);
        Ok(store::enrol(&mut self.tx, keys, staff).await?)
    }

    fn entry(&self, action: Action, staff: &Staff) -> Entry {
        Entry::new(self.now, Actor::Command, action).on("staff", staff.id)
    }

    async fn append(&mut self, entry: Entry) -> Result<(), Failure> {
        audit::append(&mut self.tx, &ChainKey::of(&self.config.master), &entry).await?;
        Ok(())
    }
}

/// The hash of the password on standard input.
async fn hash_of(email: &Address, config: &Config, ids: &Ids) -> Result<String, Failure> {
    let password = read_line(&mut std::io::stdin().lock())?;
    text::check_line(password.expose_secret()).map_err(|rule| format!("the password {rule}"))?;
    let request = TurnRequest::alone(LimitKey::staff_login(email.key()));
    let mut turn = Hasher::start(config.passwords, ids.clone())?.turn(request).await?;
    let forbidden = [email.local_part(), email.key()];
    let refused = |error| match error {
        HashError::Refused(rule) => Failure::from(format!("the password {rule}")),
        error => Failure::from(error),
    };
    let password = turn.parse(password.expose_secret(), &forbidden).await.map_err(refused)?;
    Ok(turn.hash(&password).await?)
}

/// The first line; a longer one than any password is cut off, and refused as too long.
fn read_line(input: &mut impl BufRead) -> Result<SecretString, Failure> {
    let mut line = Vec::new();
    input.take(LINE_MAX).read_until(b'\n', &mut line)?;
    let line = String::from_utf8(line).map_err(|_| "the password is not text in UTF-8")?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(line.strip_suffix('\r').unwrap_or(line).into())
}

fn told(
    json: bool,
    staff: &Staff,
    factor: Option<&NewSecondFactor>,
    first: &str,
) -> Result<String, Failure> {
    let url = factor.map(|factor| factor.url.expose_secret());
    let codes: Option<Vec<String>> =
        factor.map(|factor| factor.codes.iter().map(RecoveryCode::shown).collect());
    if json {
        return Ok(serde_json::to_string_pretty(&json!({
            "id": staff.id, "email": staff.email.key(), "role": staff.role.as_str(),
            "totp_url": url, "recovery_codes": codes,
        }))?);
    }
    let (Some(url), Some(codes)) = (url, codes) else {
        return Ok(first.to_owned());
    };
    let codes = codes.join("\n    ");
    Ok(format!(
        "{first}\n\n  For an authenticator app, shown only now:\n    {url}\n\n  \
         Recovery codes, each good once, shown only now:\n    {codes}"
    ))
}

fn as_json(staff: &Staff) -> Value {
    json!({
        "id": staff.id, "email": staff.email.key(), "role": staff.role.as_str(),
        "second_factor": staff.totp.is_some(), "created_at": staff.created_at,
        "disabled_at": staff.disabled_at,
    })
}

fn as_line(staff: &Staff) -> String {
    let factor = if staff.totp.is_some() { "second factor" } else { "no second factor" };
    let closed = staff.disabled_at.map(|at| format!("  closed {at}")).unwrap_or_default();
    format!("{}  {}  {}  {factor}{closed}", staff.id, staff.email.key(), staff.role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_without_its_end() {
        let read =
            |mut text: &[u8]| read_line(&mut text).map(|line| line.expose_secret().to_owned()).ok();
        for (text, password) in [
            ("a b \n", "a b "),
            ("a b", "a b"),
            ("a b\r\n", "a b"),
            ("a\nb\n", "a"),
            ("\n\n", ""),
            ("", ""),
        ] {
            assert_eq!(read(text.as_bytes()).as_deref(), Some(password), "{text:?}");
        }
        assert_eq!(read(b"a\xff\n"), None);
        assert_eq!(read(&vec![b'a'; 1_000_000]).map(|line| line.len()), Some(5_000));
    }
}
