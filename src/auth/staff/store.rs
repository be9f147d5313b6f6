//! Accounts of staff in the database.

use secrecy::SecretString;
use uuid::Uuid;

use super::{
    model::{EnrolledTotp, Role, Staff},
    recovery::{CODES, RecoveryCode},
    totp::TotpSecret,
};
use crate::{
    auth::seal::MasterKey,
    clock::Timestamp,
    db::{StoreError, Tx},
    ids::{Ids, NoRandomness},
    mail::address::{Address, InvalidAddress},
};

/// Why an account could not be added or given a second factor.
#[derive(Debug, thiserror::Error)]
pub enum StaffStoreError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody of staff has this address.
    #[error("there is an account of staff with this address already")]
    EmailTaken,
    /// No randomness to make a secret from.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The address cannot be one.
    #[error(transparent)]
    Email(#[from] InvalidAddress),
    /// The address does not fit an authenticator's URL.
    #[error("no second factor can be made for this address: {0}")]
    Totp(#[from] totp_rs::TotpError),
}

/// A new second factor, to be shown once.
#[derive(Debug, Clone)]
pub struct NewSecondFactor {
    /// What an authenticator app takes.
    pub url: SecretString,
    /// What stands in for it, once each.
    pub codes: Vec<RecoveryCode>,
}

#[derive(sqlx::FromRow)]
struct StaffRow {
    id: Uuid,
    email: String,
    email_key: String,
    password_hash: String,
    role: String,
    totp_sealed: Option<Vec<u8>>,
    totp_last_step: i64,
    created_at: Timestamp,
    password_changed_at: Timestamp,
    disabled_at: Option<Timestamp>,
    device_epoch: i64,
}

/// Adds an account, without a second factor: [`enrol`] makes one.
///
/// # Errors
/// [`StaffStoreError::EmailTaken`], or that the database failed.
pub async fn insert(tx: &mut Tx, staff: &Staff) -> Result<(), StaffStoreError> {
    let inserted = tx
        .query(
            "INSERT INTO staff (id, email, email_key, password_hash, role, created_at,
                                password_changed_at, disabled_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (email_key) DO NOTHING",
        )
        .bind(staff.id)
        .bind(staff.email.typed().to_owned())
        .bind(staff.email.key().to_owned())
        .bind(staff.password_hash.clone())
        .bind(staff.role.as_str())
        .bind(staff.created_at)
        .bind(staff.password_changed_at)
        .bind(staff.disabled_at)
        .execute()
        .await?;
    if inserted == 0 { Err(StaffStoreError::EmailTaken) } else { Ok(()) }
}

/// The account with this [`Address::key`].
///
/// # Errors
/// When the database fails or the row is corrupt.
pub async fn find_by_email_key(tx: &mut Tx, key: &str) -> Result<Option<Staff>, StoreError> {
    let row: Option<StaffRow> = tx
        .query(
            "SELECT id, email, email_key, password_hash, role, totp_sealed, totp_last_step,
                    created_at, password_changed_at, disabled_at, device_epoch
             FROM staff WHERE email_key = $1",
        )
        .bind(key.to_owned())
        .optional()
        .await?;
    row.map(staff_from_row).transpose()
}

/// The account `id`.
///
/// # Errors
/// When the database fails or the row is corrupt.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Staff>, StoreError> {
    let row: Option<StaffRow> = tx
        .query(
            "SELECT id, email, email_key, password_hash, role, totp_sealed, totp_last_step,
                    created_at, password_changed_at, disabled_at, device_epoch
             FROM staff WHERE id = $1",
        )
        .bind(id)
        .optional()
        .await?;
    row.map(staff_from_row).transpose()
}

/// Every account, the oldest first, closed ones included.
///
/// # Errors
/// When the database fails or a row is corrupt.
pub async fn list(tx: &mut Tx) -> Result<Vec<Staff>, StoreError> {
    let rows: Vec<StaffRow> = tx
        .query(
            "SELECT id, email, email_key, password_hash, role, totp_sealed, totp_last_step,
                    created_at, password_changed_at, disabled_at, device_epoch
             FROM staff ORDER BY created_at, id LIMIT 1000",
        )
        .all()
        .await?;
    rows.into_iter().map(staff_from_row).collect()
}

/// How many open accounts of admins there are. Until the transaction ends nobody else can change one
/// of them, so that of two who close each other's account one stays.
///
/// # Errors
/// When the database fails.
pub async fn count_admins(tx: &mut Tx) -> Result<u64, StoreError> {
    tx.query("UPDATE staff SET role = role WHERE role = 'admin' AND disabled_at IS NULL")
        .execute()
        .await
}

/// Changes a role, unless it is no longer `from`.
///
/// # Errors
/// When the database fails.
pub async fn set_role(tx: &mut Tx, id: Uuid, (from, to): (Role, Role)) -> Result<bool, StoreError> {
    let changed = tx
        .query("UPDATE staff SET role = $1 WHERE id = $2 AND role = $3")
        .bind(to.as_str())
        .bind(id)
        .bind(from.as_str())
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Closes an account, unless it is closed, and forgets its devices.
///
/// # Errors
/// When the database fails.
pub async fn disable(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let changed = tx
        .query(
            "UPDATE staff SET disabled_at = $1, device_epoch = device_epoch + 1
             WHERE id = $2 AND disabled_at IS NULL",
        )
        .bind(now)
        .bind(id)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Opens an account again, unless it is open.
///
/// # Errors
/// When the database fails.
pub async fn enable(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    let changed = tx
        .query("UPDATE staff SET disabled_at = NULL WHERE id = $1 AND disabled_at IS NOT NULL")
        .bind(id)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Gives an account another password, and forgets its devices. `false` when there is no such account.
///
/// # Errors
/// When the database fails.
pub async fn set_password_hash(
    tx: &mut Tx,
    id: Uuid,
    hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .query(
            "UPDATE staff SET password_hash = $1, password_changed_at = $2,
                    device_epoch = device_epoch + 1
             WHERE id = $3",
        )
        .bind(hash.to_owned())
        .bind(now)
        .bind(id)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Stores a stronger hash of the same password, unless another one was set meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn renew_password_hash(
    tx: &mut Tx,
    id: Uuid,
    (from, to): (&str, &str),
) -> Result<bool, StoreError> {
    let changed = tx
        .query("UPDATE staff SET password_hash = $1 WHERE id = $2 AND password_hash = $3")
        .bind(to.to_owned())
        .bind(id)
        .bind(from.to_owned())
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Makes a second factor with its recovery codes, in place of those before, and forgets the devices.
///
/// # Errors
/// When the database fails, or there is no randomness.
pub async fn enrol(
    tx: &mut Tx,
    (master, ids): (&MasterKey, &Ids),
    staff: &Staff,
) -> Result<NewSecondFactor, StaffStoreError> {
    let secret = TotpSecret::generate(ids)?;
    let url = secret.url(staff.email.key())?;
    tx.query(
        "UPDATE staff SET totp_sealed = $1, totp_last_step = 0, device_epoch = device_epoch + 1
         WHERE id = $2",
    )
    .bind(secret.seal(master, ids, staff.id)?)
    .bind(staff.id)
    .execute()
    .await?;
    let codes = replace_recovery_codes(tx, (master, ids), staff.id).await?;
    Ok(NewSecondFactor { url, codes })
}

/// Makes new recovery codes; those before are of no more use.
///
/// # Errors
/// When the database fails, or there is no randomness.
pub async fn replace_recovery_codes(
    tx: &mut Tx,
    (master, ids): (&MasterKey, &Ids),
    id: Uuid,
) -> Result<Vec<RecoveryCode>, StaffStoreError> {
    // Writing the account's row first makes two calls at once wait for each other.
    tx.query("UPDATE staff SET id = id WHERE id = $1").bind(id).execute().await?;
    tx.query("DELETE FROM staff_recovery_codes WHERE staff_id = $1").bind(id).execute().await?;
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        let code = RecoveryCode::generate(ids)?;
        tx.query("INSERT INTO staff_recovery_codes (staff_id, code_hash) VALUES ($1, $2)")
            .bind(id)
            .bind(code.hash(master, id))
            .execute()
            .await?;
        codes.push(code);
    }
    Ok(codes)
}

/// Uses up a step of the second factor, with all steps before it. `false` when somebody was
/// first: then the code is as good as wrong.
///
/// # Errors
/// When the database fails.
pub async fn use_totp_step(tx: &mut Tx, id: Uuid, step: i64) -> Result<bool, StoreError> {
    let used = tx
        .query(
            "UPDATE staff SET totp_last_step = $1
             WHERE id = $2 AND totp_last_step < $1 AND totp_sealed IS NOT NULL",
        )
        .bind(step)
        .bind(id)
        .execute()
        .await?;
    Ok(used == 1)
}

/// Uses up a recovery code, by its [`RecoveryCode::hash`]. `false` when it is none, or used.
///
/// # Errors
/// When the database fails.
pub async fn use_recovery_code(tx: &mut Tx, id: Uuid, hash: &[u8]) -> Result<bool, StoreError> {
    let used = tx
        .query("DELETE FROM staff_recovery_codes WHERE staff_id = $1 AND code_hash = $2")
        .bind(id)
        .bind(hash.to_vec())
        .execute()
        .await?;
    Ok(used == 1)
}

fn staff_from_row(row: StaffRow) -> Result<Staff, StoreError> {
    let corrupt = |column| StoreError::Corrupt { table: "staff", column, id: row.id.to_string() };
    let email = Address::from_stored(&row.email).map_err(|_| corrupt("email"))?;
    if email.key() != row.email_key {
        return Err(corrupt("email_key"));
    }
    let last_step = row.totp_last_step;
    Ok(Staff {
        id: row.id,
        email,
        role: row.role.parse().map_err(|_| corrupt("role"))?,
        password_hash: row.password_hash,
        totp: row.totp_sealed.map(|sealed| EnrolledTotp { sealed, last_step }),
        created_at: row.created_at,
        password_changed_at: row.password_changed_at,
        disabled_at: row.disabled_at,
        device_epoch: row.device_epoch,
    })
}
