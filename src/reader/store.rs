//! Readers in the database.
//!
//! Code that writes to what belongs to a reader, a change of address included, writes to the reader's own
//! row first, so that two who do wait for each other once and never both at a time.

use uuid::Uuid;

use super::{model::Reader, search::store as search};
use crate::{
    auth::session::secret::SecretHash,
    clock::Timestamp,
    db::{StoreError, Tx},
    language::Language,
    mail::address::Address,
};

/// Provisional readers of one browser that are looked at.
const BEGUN_MAX: i64 = 20;

#[derive(sqlx::FromRow)]
struct ReaderRow {
    id: Uuid,
    email: Option<String>,
    email_verified_at: Option<Timestamp>,
    password_hash: Option<String>,
    created_at: Timestamp,
    language: Option<String>,
    site: Option<String>,
}

impl TryFrom<ReaderRow> for Reader {
    type Error = StoreError;

    fn try_from(row: ReaderRow) -> Result<Self, StoreError> {
        let id = row.id;
        let corrupt = |column| StoreError::Corrupt { table: "readers", column, id: id.to_string() };
        let email = row.email.as_deref().and_then(|email| Address::from_stored(email).ok());
        Ok(Self {
            id,
            email: email.ok_or_else(|| corrupt("email"))?,
            email_verified_at: row.email_verified_at,
            password_hash: row.password_hash,
            created_at: row.created_at,
            language: match row.language.as_deref().map(Language::parse) {
                Some(None) => return Err(corrupt("language")),
                language => language.flatten(),
            },
            site: row.site,
        })
    }
}

/// Adds a reader; says no when the address has an account already.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Tx, reader: &Reader) -> Result<bool, StoreError> {
    let added = tx
        .query(
            "INSERT INTO readers (id, email, email_key, email_verified_at, password_hash, created_at,
                                  language, site, searchable)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, TRUE)
             ON CONFLICT (email_key) DO NOTHING",
        )
        .bind(reader.id)
        .bind(reader.email.typed())
        .bind(reader.email.key())
        .bind(reader.email_verified_at)
        .bind(reader.password_hash.as_deref())
        .bind(reader.created_at)
        .bind(reader.language.map(Language::tag))
        .bind(reader.site.as_deref())
        .execute()
        .await?;
    if added > 0 {
        search::add(tx, reader.id, reader.email.key());
    }
    Ok(added > 0)
}

/// Adds a provisional reader, begun in the browser that `browser` names; says no when the address
/// has an account already, be it provisional.
///
/// # Errors
/// [`StoreError`].
pub async fn begin(tx: &mut Tx, reader: &Reader, browser: SecretHash) -> Result<bool, StoreError> {
    insert_provisional(tx, (reader, reader.email.key()), browser).await
}

/// Adds a provisional reader whose address belongs to another account: the address stays there.
/// Says no when there is such a reader already.
///
/// # Errors
/// [`StoreError`].
pub async fn begin_apart(
    tx: &mut Tx,
    reader: &Reader,
    browser: SecretHash,
) -> Result<bool, StoreError> {
    insert_provisional(tx, (reader, &apart(reader.id)), browser).await
}

/// What `email_key` holds for a provisional reader whose address belongs to another account. No
/// address is spelled so, and each reader has a different one.
fn apart(id: Uuid) -> String {
    format!("provisional:{id}")
}

async fn insert_provisional(
    tx: &mut Tx,
    (reader, key): (&Reader, &str),
    browser: SecretHash,
) -> Result<bool, StoreError> {
    let added = tx
        .query(
            "INSERT INTO readers (id, email, email_key, begun_in, created_at, language, site,
                                  searchable)
             VALUES ($1, $2, $3, $4, $5, $6, $7, TRUE)
             ON CONFLICT DO NOTHING",
        )
        .bind(reader.id)
        .bind(reader.email.typed())
        .bind(key.to_owned())
        .bind(browser.to_bytes())
        .bind(reader.created_at)
        .bind(reader.language.map(Language::tag))
        .bind(reader.site.as_deref())
        .execute()
        .await?;
    if added > 0 {
        search::add(tx, reader.id, reader.email.key());
    }
    Ok(added > 0)
}

/// The provisional readers that were begun in this browser, the latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list_begun_in(tx: &mut Tx, browser: SecretHash) -> Result<Vec<Reader>, StoreError> {
    let rows = tx
        .query(
            "SELECT id, email, email_verified_at, password_hash, created_at, language, site
             FROM readers WHERE begun_in = $1 ORDER BY created_at DESC, id LIMIT $2",
        )
        .bind(browser.to_bytes())
        .bind(BEGUN_MAX)
        .all::<ReaderRow>()
        .await?;
    rows.into_iter().map(Reader::try_from).collect()
}

/// The browser in which a reader was begun who is still provisional. Takes the reader's row.
///
/// # Errors
/// [`StoreError`].
pub async fn take_browser(tx: &mut Tx, id: Uuid) -> Result<Option<SecretHash>, StoreError> {
    let row: Option<(Option<Vec<u8>>,)> = tx
        .query("UPDATE readers SET id = id WHERE id = $1 RETURNING begun_in")
        .bind(id)
        .optional()
        .await?;
    let Some((Some(bytes),)) = row else { return Ok(None) };
    let corrupt =
        || StoreError::Corrupt { table: "readers", column: "begun_in", id: id.to_string() };
    SecretHash::from_bytes(&bytes).map(Some).ok_or_else(corrupt)
}

/// Whether the reader's address is theirs: that of a provisional one may belong to another account.
///
/// # Errors
/// [`StoreError`].
pub async fn has_own_address(tx: &mut Tx, reader: &Reader) -> Result<bool, StoreError> {
    let found: Option<(Uuid,)> = tx
        .query("SELECT id FROM readers WHERE id = $1 AND email_key = $2")
        .bind(reader.id)
        .bind(reader.email.key())
        .optional()
        .await?;
    Ok(found.is_some())
}

/// Whether a reader has this id, or had it.
///
/// # Errors
/// [`StoreError`].
pub async fn exists(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    let found: Option<(Uuid,)> =
        tx.query("SELECT id FROM readers WHERE id = $1").bind(id).optional().await?;
    Ok(found.is_some())
}

/// Makes the provisional account of an address, if there is one, a whole one with this password, or
/// without any.
///
/// # Errors
/// [`StoreError`].
pub async fn adopt(
    tx: &mut Tx,
    email: &Address,
    password_hash: Option<&str>,
    now: Timestamp,
) -> Result<Option<Reader>, StoreError> {
    let adopted = tx
        .query(
            "UPDATE readers SET email_verified_at = $1, begun_in = NULL, password_hash = $2
             WHERE email_key = $3 AND begun_in IS NOT NULL",
        )
        .bind(now)
        .bind(password_hash)
        .bind(email.key())
        .execute()
        .await?;
    if adopted == 0 { Ok(None) } else { find_by_email(tx, email).await }
}

/// What a provisional reader holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// The address, until a person proves to have its mailbox.
    Address,
    /// No address: another account has the one that was typed. It is where mail goes.
    Nothing,
}

/// Gives a provisional reader another address, which stays with the account that has it, if one
/// does. The work is the same for both. `None` where the reader is no longer provisional.
///
/// # Errors
/// [`StoreError`]; [`StoreError::Duplicate`] where an account with it is being made right now.
pub async fn correct(tx: &mut Tx, id: Uuid, email: &Address) -> Result<Option<Holds>, StoreError> {
    let before = taken_key(tx, id).await?;
    let key = tx
        .query(
            "UPDATE readers
             SET email = $1, searchable = TRUE,
                 email_key = CASE
                     WHEN EXISTS (SELECT 1 FROM readers o WHERE o.email_key = $2 AND o.id <> $3)
                     THEN $4 ELSE $2 END
             WHERE id = $3 AND begun_in IS NOT NULL
             RETURNING email_key",
        )
        .bind(email.typed())
        .bind(email.key())
        .bind(id)
        .bind(apart(id))
        .optional::<(String,)>()
        .await?;
    let Some((key,)) = key else { return Ok(None) };
    move_words(tx, id, before, Some(email));
    Ok(Some(if key == email.key() { Holds::Address } else { Holds::Nothing }))
}

/// Takes the row of a reader, and says which address is found by its words.
async fn taken_key(tx: &mut Tx, id: Uuid) -> Result<Option<String>, StoreError> {
    Ok(take(tx, id).await?.map(|reader| reader.email.key().to_owned()))
}

/// Lets a reader be found by the new address, and no more by the one before.
fn move_words(tx: &mut Tx, id: Uuid, before: Option<String>, after: Option<&Address>) {
    if let Some(before) = before {
        search::remove(tx, id, &before);
    }
    if let Some(after) = after {
        search::add(tx, id, after.key());
    }
}

/// Keeps in which language a reader wants to be spoken to.
///
/// # Errors
/// [`StoreError`].
pub async fn set_language(tx: &mut Tx, id: Uuid, language: Language) -> Result<(), StoreError> {
    tx.query("UPDATE readers SET language = $1 WHERE id = $2 AND erased_at IS NULL")
        .bind(language.tag())
        .bind(id)
        .execute()
        .await?;
    Ok(())
}

/// Forgets up to `most` provisional readers begun before `before` who never had a subscription.
///
/// # Errors
/// [`StoreError`].
pub async fn purge_provisional(
    tx: &mut Tx,
    before: Timestamp,
    most: i64,
) -> Result<u64, StoreError> {
    let purged = tx
        .query(
            "DELETE FROM readers WHERE id IN (
                 SELECT id FROM readers
                 WHERE begun_in IS NOT NULL AND created_at < $1
                   AND NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.reader_id = readers.id)
                 ORDER BY created_at LIMIT $2)
             RETURNING id, email",
        )
        .bind(before)
        .bind(most)
        .all::<(Uuid, Option<String>)>()
        .await?;
    let mut forgotten = 0;
    for (id, email) in purged {
        let email = email.and_then(|email| Address::from_stored(&email).ok());
        move_words(tx, id, email.map(|email| email.key().to_owned()), None);
        forgotten += 1;
    }
    Ok(forgotten)
}

/// The reader with this id, unless erased.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Reader>, StoreError> {
    tx.query(
        "SELECT id, email, email_verified_at, password_hash, created_at, language, site
         FROM readers WHERE id = $1 AND erased_at IS NULL",
    )
    .bind(id)
    .optional::<ReaderRow>()
    .await?
    .map(Reader::try_from)
    .transpose()
}

/// The reader whose address this is, in whatever spelling.
///
/// # Errors
/// [`StoreError`].
pub async fn find_by_email(tx: &mut Tx, email: &Address) -> Result<Option<Reader>, StoreError> {
    tx.query(
        "SELECT id, email, email_verified_at, password_hash, created_at, language, site
         FROM readers WHERE email_key = $1",
    )
    .bind(email.key())
    .optional::<ReaderRow>()
    .await?
    .map(Reader::try_from)
    .transpose()
}

/// When the reader last read an article, to the day.
///
/// # Errors
/// [`StoreError`].
pub async fn last_read_at(tx: &mut Tx, id: Uuid) -> Result<Option<Timestamp>, StoreError> {
    let row: Option<(Option<Timestamp>,)> =
        tx.query("SELECT last_read_at FROM readers WHERE id = $1").bind(id).optional().await?;
    Ok(row.and_then(|(at,)| at))
}

/// Waits for whoever else is at work on this reader, and lets the others wait until `tx` ends.
///
/// # Errors
/// [`StoreError`].
pub async fn lock(tx: &mut Tx, id: Uuid) -> Result<(), StoreError> {
    tx.query("UPDATE readers SET id = id WHERE id = $1").bind(id).execute().await?;
    Ok(())
}

/// [`lock`] and [`find`] in one: a reader whom nobody else works on until `tx` ends.
///
/// # Errors
/// [`StoreError`].
pub async fn take(tx: &mut Tx, id: Uuid) -> Result<Option<Reader>, StoreError> {
    tx.query(
        "UPDATE readers SET id = id WHERE id = $1 AND erased_at IS NULL
         RETURNING id, email, email_verified_at, password_hash, created_at, language, site",
    )
    .bind(id)
    .optional::<ReaderRow>()
    .await?
    .map(Reader::try_from)
    .transpose()
}

/// Replaces the password's hash, unless it is no longer `before`: then somebody else changed it
/// meanwhile, and it says no.
///
/// # Errors
/// [`StoreError`].
pub async fn replace_password(
    tx: &mut Tx,
    id: Uuid,
    before: Option<&str>,
    hash: &str,
) -> Result<bool, StoreError> {
    let replaced = tx
        .query(
            "UPDATE readers SET password_hash = $1
             WHERE id = $2 AND erased_at IS NULL
               AND COALESCE(password_hash, '') = COALESCE($3, '')",
        )
        .bind(hash)
        .bind(id)
        .bind(before)
        .execute()
        .await?;
    Ok(replaced > 0)
}

/// Gives a reader another address, proved at `now`.
///
/// # Errors
/// [`StoreError::Duplicate`] when another reader has it.
pub async fn set_email(
    tx: &mut Tx,
    id: Uuid,
    email: &Address,
    now: Timestamp,
) -> Result<(), StoreError> {
    let before = taken_key(tx, id).await?;
    let changed = tx
        .query(
            "UPDATE readers
             SET email = $1, email_key = $2, email_verified_at = $3, begun_in = NULL,
                 searchable = TRUE
             WHERE id = $4 AND erased_at IS NULL",
        )
        .bind(email.typed())
        .bind(email.key())
        .bind(now)
        .bind(id)
        .execute()
        .await?;
    if changed > 0 {
        move_words(tx, id, before, Some(email));
    }
    Ok(())
}

/// Forgets who a reader was; says whether there was somebody to forget.
///
/// # Errors
/// [`StoreError`].
pub async fn erase(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let before = taken_key(tx, id).await?;
    let erased = tx
        .query(
            "UPDATE readers
             SET email = NULL, email_key = NULL, email_verified_at = NULL, password_hash = NULL,
                 begun_in = NULL, language = NULL, site = NULL, last_read_at = NULL,
                 erased_at = $1
             WHERE id = $2 AND erased_at IS NULL",
        )
        .bind(now)
        .bind(id)
        .execute()
        .await?;
    if erased > 0 {
        move_words(tx, id, before, None);
    }
    Ok(erased > 0)
}
