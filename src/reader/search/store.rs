//! The words of addresses in the database, and readers by them.

use sqlx::{ColumnIndex, Decode, FromRow, Type};
use uuid::Uuid;

use super::{
    near::one_mistake_away,
    words::{Wanted, after_all_with, of_address},
};
use crate::{
    clock::Timestamp,
    db::{Query, Ready, StoreError, Tx},
    mail::address::Address,
};

/// Most that are found of one kind.
const FOUND_MAX: i64 = 50;
/// Texts that one statement on SQLite looks up.
const CHUNK: usize = 128;

/// Writes down the words of a reader's address.
pub fn add(tx: &mut Tx, reader: Uuid, key: &str) {
    let words = of_address(key);
    if words.is_empty() {
        return;
    }
    let head = "INSERT INTO reader_search (word, reader_id) VALUES";
    let later = tx.later_rows(head, (words.len(), 2), "ON CONFLICT DO NOTHING");
    words.into_iter().fold(later, |later, word| later.bind(word).bind(reader));
}

/// Forgets the words of the address `key`, which was `reader`'s.
pub fn remove(tx: &mut Tx, reader: Uuid, key: &str) {
    for word in of_address(key) {
        tx.later("DELETE FROM reader_search WHERE word = $1 AND reader_id = $2")
            .bind(word)
            .bind(reader);
    }
}

/// Writes down the words of up to `most` readers who were there before this table; says of how
/// many.
///
/// # Errors
/// [`StoreError`].
pub async fn catch_up(tx: &mut Tx, most: i64) -> Result<u64, StoreError> {
    let waiting = tx
        .query(
            "SELECT id, email_key FROM readers WHERE NOT searchable AND email_key IS NOT NULL
             ORDER BY id LIMIT $1",
        )
        .bind(most)
        .all::<(Uuid, String)>()
        .await?;
    let mut done = 0;
    for (reader, key) in waiting {
        // Taking the row first: whoever erases the reader meanwhile waits, or is seen here.
        let taken = tx
            .query("UPDATE readers SET searchable = TRUE WHERE id = $1 AND email_key = $2")
            .bind(reader)
            .bind(key.as_str())
            .execute()
            .await?;
        if taken > 0 {
            add(tx, reader, &key);
            done += 1;
        }
    }
    Ok(done)
}

/// A reader, as a list shows one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The id.
    pub id: Uuid,
    /// Since when.
    pub created_at: Timestamp,
    /// The rest, or why it cannot be read.
    pub reader: Result<FoundReader, String>,
}

/// What a list shows of a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundReader {
    /// The address.
    pub email: Address,
    /// When that was proved; not yet where the account is provisional.
    pub email_verified_at: Option<Timestamp>,
    /// Whether a password is set.
    pub has_password: bool,
    /// The day of the last article read while logged in, as far as that was noted.
    pub last_read_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct ReaderRow {
    email: String,
    email_verified_at: Option<Timestamp>,
    has_password: bool,
    last_read_at: Option<Timestamp>,
}

/// A row that may not be readable: then only where it stands in a list is.
struct FoundRow {
    id: Uuid,
    created_at: Timestamp,
    row: Result<ReaderRow, String>,
}

impl<'r, R: sqlx::Row> FromRow<'r, R> for FoundRow
where
    &'static str: ColumnIndex<R>,
    Uuid: Decode<'r, R::Database> + Type<R::Database>,
    Timestamp: Decode<'r, R::Database> + Type<R::Database>,
    ReaderRow: FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let read = ReaderRow::from_row(row).map_err(|error| error.to_string());
        Ok(Self { id: row.try_get("id")?, created_at: row.try_get("created_at")?, row: read })
    }
}

impl From<FoundRow> for Found {
    fn from(FoundRow { id, created_at, row }: FoundRow) -> Self {
        let reader = row.and_then(|row| {
            let email = Address::from_stored(&row.email);
            Ok(FoundReader {
                email: email.map_err(|_| "readers.email holds no address".to_owned())?,
                email_verified_at: row.email_verified_at,
                has_password: row.has_password,
                last_read_at: row.last_read_at,
            })
        });
        Self { id, created_at, reader }
    }
}

macro_rules! readers {
    ($from:literal) => {
        concat!(
            "SELECT r.id, r.email, r.email_verified_at, r.password_hash IS NOT NULL AS has_password,
                 r.created_at, r.last_read_at ",
            $from
        )
    };
}

async fn found(query: Query<'_>) -> Result<Vec<Found>, StoreError> {
    Ok(query.all::<FoundRow>().await?.into_iter().map(Found::from).collect())
}

/// The reader with this id, unless erased.
///
/// # Errors
/// [`StoreError`].
pub async fn by_id(tx: &mut Tx, id: Uuid) -> Result<Vec<Found>, StoreError> {
    let sql = readers!("FROM readers r WHERE r.id = $1 AND r.erased_at IS NULL");
    found(tx.query(sql).bind(id)).await
}

/// The reader with this address, in its common spelling.
///
/// # Errors
/// [`StoreError`].
pub async fn by_key(tx: &mut Tx, key: &str) -> Result<Vec<Found>, StoreError> {
    found(tx.query(readers!("FROM readers r WHERE r.email_key = $1")).bind(key.to_owned())).await
}

/// Readers before `before` (time and id), the latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn latest(
    tx: &mut Tx,
    before: (Timestamp, Uuid),
    most: i64,
) -> Result<Vec<Found>, StoreError> {
    let query = tx.query(readers!(
        "FROM readers r WHERE r.erased_at IS NULL AND (r.created_at, r.id) < ($1, $2)
         ORDER BY r.created_at DESC, r.id DESC LIMIT $3"
    ));
    found(query.bind(before.0).bind(before.1).bind(most)).await
}

/// Readers whom `text` may mean: those it names, those whose address or name begins so, and, where
/// it names nobody, those who are one mistake away. The best come first; nobody comes twice.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &mut Tx, text: &str) -> Result<Vec<Found>, StoreError> {
    let mut all = match Wanted::of(text) {
        Wanted::Nothing => Vec::new(),
        Wanted::Domain(domain) => with_start(tx, &domain).await?,
        Wanted::Address(address) => by_address(tx, &address).await?,
        Wanted::Name(names) => by_name(tx, &names).await?,
    };
    let mut seen = std::collections::HashSet::new();
    all.retain(|one| seen.insert(one.id));
    Ok(all)
}

async fn by_address(tx: &mut Tx, address: &str) -> Result<Vec<Found>, StoreError> {
    let parsed = Address::from_stored(address).ok();
    let key = parsed.as_ref().map_or(address, Address::key);
    let mut all = by_key(tx, key).await?;
    let is_named = !all.is_empty();
    let sql = readers!(
        "FROM readers r WHERE r.email_key > $1 AND r.email_key < $2 ORDER BY r.email_key LIMIT $3"
    );
    let starts = tx.query(sql).bind(key.to_owned()).bind(after_all_with(key)).bind(FOUND_MAX);
    all.extend(found(starts).await?);
    if is_named {
        return Ok(all);
    }
    all.extend(any_of(tx, (BY_KEYS, BY_KEYS_AT_ONCE), &one_mistake_away(key)).await?);
    Ok(all)
}

async fn by_name(tx: &mut Tx, names: &[String]) -> Result<Vec<Found>, StoreError> {
    let mut all = Vec::new();
    for name in names {
        all.extend(with_word(tx, name).await?);
    }
    all.sort_by_key(|found| !is_whole_name(found, names));
    for name in names {
        all.extend(with_start(tx, name).await?);
    }
    if !all.is_empty() {
        return Ok(all);
    }
    for name in names {
        all.extend(any_of(tx, (BY_WORDS, BY_WORDS_AT_ONCE), &one_mistake_away(name)).await?);
    }
    Ok(all)
}

/// Whether one of the names is all that the address has before the `@`.
fn is_whole_name(found: &Found, names: &[String]) -> bool {
    let Ok(reader) = &found.reader else { return false };
    names.iter().any(|name| name == reader.email.local_part())
}

async fn with_word(tx: &mut Tx, word: &str) -> Result<Vec<Found>, StoreError> {
    let sql = readers!(
        "FROM reader_search k JOIN readers r ON r.id = k.reader_id
         WHERE k.word = $1 AND r.erased_at IS NULL ORDER BY k.reader_id DESC LIMIT $2"
    );
    found(tx.query(sql).bind(word.to_owned()).bind(FOUND_MAX)).await
}

async fn with_start(tx: &mut Tx, start: &str) -> Result<Vec<Found>, StoreError> {
    let sql = readers!(
        "FROM reader_search k JOIN readers r ON r.id = k.reader_id
         WHERE k.word >= $1 AND k.word < $2 AND r.erased_at IS NULL
         ORDER BY k.word, k.reader_id LIMIT $3"
    );
    let query = tx.query(sql).bind(start.to_owned()).bind(after_all_with(start));
    found(query.bind(FOUND_MAX)).await
}

/// Those found by one of many texts: `at_once` on PostgreSQL, which has arrays, and `in_chunks` on
/// SQLite, where a statement more costs next to nothing.
async fn any_of(
    tx: &mut Tx,
    (in_chunks, at_once): (&'static str, &'static str),
    texts: &[String],
) -> Result<Vec<Found>, StoreError> {
    if let Tx::Postgres(open) = tx {
        let query = sqlx::query_as(at_once).bind(texts);
        let Ready { connection, guard } = open.ready().await?;
        let rows: Vec<FoundRow> = guard.run(query.fetch_all(connection)).await?;
        return Ok(rows.into_iter().map(Found::from).collect());
    }
    let mut all = Vec::new();
    for chunk in texts.chunks(CHUNK) {
        all.extend(found(bind_chunk(tx.query(in_chunks), chunk)).await?);
    }
    Ok(all)
}

/// Binds a chunk of texts; where it is shorter, the last one stands again for what is missing.
fn bind_chunk<'t>(query: Query<'t>, chunk: &[String]) -> Query<'t> {
    let last = chunk.last().cloned().unwrap_or_default();
    let texts = chunk.iter().cloned().chain(std::iter::repeat(last)).take(CHUNK);
    texts.fold(query, Query::bind)
}

const BY_KEYS: &str = readers!(
    "FROM readers r WHERE r.email_key IN (
             $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
             $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38,
             $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56,
             $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, $67, $68, $69, $70, $71, $72, $73, $74,
             $75, $76, $77, $78, $79, $80, $81, $82, $83, $84, $85, $86, $87, $88, $89, $90, $91, $92,
             $93, $94, $95, $96, $97, $98, $99, $100, $101, $102, $103, $104, $105, $106, $107, $108,
             $109, $110, $111, $112, $113, $114, $115, $116, $117, $118, $119, $120, $121, $122, $123,
             $124, $125, $126, $127, $128)
     ORDER BY r.email_key LIMIT 50"
);

const BY_WORDS: &str = readers!(
    "FROM reader_search k JOIN readers r ON r.id = k.reader_id
     WHERE r.erased_at IS NULL AND k.word IN (
             $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
             $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38,
             $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56,
             $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, $67, $68, $69, $70, $71, $72, $73, $74,
             $75, $76, $77, $78, $79, $80, $81, $82, $83, $84, $85, $86, $87, $88, $89, $90, $91, $92,
             $93, $94, $95, $96, $97, $98, $99, $100, $101, $102, $103, $104, $105, $106, $107, $108,
             $109, $110, $111, $112, $113, $114, $115, $116, $117, $118, $119, $120, $121, $122, $123,
             $124, $125, $126, $127, $128)
     ORDER BY k.word, k.reader_id LIMIT 50"
);

const BY_KEYS_AT_ONCE: &str =
    readers!("FROM readers r WHERE r.email_key = ANY($1) ORDER BY r.email_key LIMIT 50");

const BY_WORDS_AT_ONCE: &str = readers!(
    "FROM reader_search k JOIN readers r ON r.id = k.reader_id
     WHERE r.erased_at IS NULL AND k.word = ANY($1) ORDER BY k.word, k.reader_id LIMIT 50"
);
