//! What readers have with us: the ledger's account `balance` of each reader, kept as a row of its
//! own so that it can be spent once.
//!
//! It is spent in two steps. While a payment is on its way, the part of the balance that pays along
//! is held, so nothing else can use it; when the invoice is booked, the ledger takes what was held.
//! A payment that came to nothing lets go of it.

use iso_currency::Currency;
use uuid::Uuid;

use crate::{
    db::{StoreError, Tx},
    money::Money,
};

/// What a reader can spend: what is there and not held.
///
/// # Errors
/// [`StoreError`].
pub async fn balance_of(
    tx: &mut Tx,
    reader: Uuid,
    currency: Currency,
) -> Result<Money, StoreError> {
    let free: Option<(i64,)> = tx
        .query("SELECT amount - held FROM reader_balances WHERE reader_id = $1 AND currency = $2")
        .bind(reader)
        .bind(currency.code())
        .optional()
        .await?;
    Ok(Money { amount: free.map_or(0, |(free,)| free), currency })
}

/// All of a reader's balances, with what is held of them.
///
/// # Errors
/// [`StoreError`].
pub async fn list_of(tx: &mut Tx, reader: Uuid) -> Result<Vec<Money>, StoreError> {
    let rows: Vec<(String, i64)> = tx
        .query(
            "SELECT currency, amount FROM reader_balances
             WHERE reader_id = $1 AND amount <> 0 ORDER BY currency LIMIT 200",
        )
        .bind(reader)
        .all()
        .await?;
    let corrupt = || StoreError::Corrupt {
        table: "reader_balances",
        column: "currency",
        id: reader.to_string(),
    };
    let read = |(code, amount): (String, i64)| {
        Ok(Money { amount, currency: Currency::from_code(&code).ok_or_else(corrupt)? })
    };
    rows.into_iter().map(read).collect()
}

/// Holds exactly `amount`, above zero, and says whether there was as much.
///
/// # Errors
/// [`StoreError`].
pub async fn hold(tx: &mut Tx, reader: Uuid, amount: Money) -> Result<bool, StoreError> {
    let held = tx
        .query(
            "UPDATE reader_balances SET held = held + $1
             WHERE reader_id = $2 AND currency = $3 AND amount - held >= $1 AND $1 > 0",
        )
        .bind(amount.amount)
        .bind(reader)
        .bind(amount.currency.code())
        .execute()
        .await?;
    Ok(held > 0)
}

/// Holds what there is, but at most `most`, and says how much that is.
///
/// # Errors
/// [`StoreError`].
pub async fn hold_up_to(tx: &mut Tx, reader: Uuid, most: Money) -> Result<Money, StoreError> {
    // Writing first takes the row, so that what is read with it stays true until the commit.
    let free: Option<(i64,)> = tx
        .query(
            "UPDATE reader_balances SET held = held
             WHERE reader_id = $1 AND currency = $2 AND amount > held
             RETURNING amount - held",
        )
        .bind(reader)
        .bind(most.currency.code())
        .optional()
        .await?;
    let amount = Money { amount: free.map_or(0, |(free,)| free).min(most.amount).max(0), ..most };
    if amount.is_zero() || hold(tx, reader, amount).await? {
        Ok(amount)
    } else {
        Ok(Money::zero(most.currency))
    }
}

/// Lets go of what was held, and says whether as much was.
///
/// # Errors
/// [`StoreError`].
pub async fn release(tx: &mut Tx, reader: Uuid, amount: Money) -> Result<bool, StoreError> {
    let released = tx
        .query(
            "UPDATE reader_balances SET held = held - $1
             WHERE reader_id = $2 AND currency = $3 AND held >= $1",
        )
        .bind(amount.amount)
        .bind(reader)
        .bind(amount.currency.code())
        .execute()
        .await?;
    Ok(released > 0)
}

/// Takes what was held out of the balance, and says whether as much was.
pub(super) async fn take_held(
    tx: &mut Tx,
    reader: Uuid,
    amount: Money,
) -> Result<bool, StoreError> {
    let taken = tx
        .query(
            "UPDATE reader_balances SET amount = amount - $1, held = held - $1
             WHERE reader_id = $2 AND currency = $3 AND held >= $1",
        )
        .bind(amount.amount)
        .bind(reader)
        .bind(amount.currency.code())
        .execute()
        .await?;
    Ok(taken > 0)
}

/// Adds to the balance.
pub(super) async fn add(tx: &mut Tx, reader: Uuid, amount: Money) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO reader_balances (reader_id, currency, amount, held) VALUES ($1, $2, $3, 0)
         ON CONFLICT (reader_id, currency)
         DO UPDATE SET amount = reader_balances.amount + excluded.amount",
    )
    .bind(reader)
    .bind(amount.currency.code())
    .bind(amount.amount)
    .execute()
    .await?;
    Ok(())
}
