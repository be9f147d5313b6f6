//! What the publisher gives away: a product, to a reader, for a while.

use uuid::Uuid;

use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// Most of one reader that are looked at.
const LISTED_MAX: i64 = 100;

/// A product that was given away.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Grant {
    /// Its id.
    pub id: Uuid,
    /// To whom.
    pub reader_id: Uuid,
    /// What.
    pub product: String,
    /// From then on.
    pub starts_at: Timestamp,
    /// Up to but not including then, unless it is taken back before.
    pub ends_at: Timestamp,
    /// By whom: `staff:<id>`, or `command`.
    pub given_by: String,
    /// Why.
    pub reason: String,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it was taken back, if it was.
    pub revoked_at: Option<Timestamp>,
    /// By whom that was.
    pub revoked_by: Option<String>,
    /// Why.
    pub revoke_reason: Option<String>,
}

/// Where what was given stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantState {
    /// It opens articles.
    Running,
    /// Its time is over.
    Ended,
    /// It was taken back before that.
    TakenBack,
}

impl GrantState {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Running, Self::Ended, Self::TakenBack];

    /// As in addresses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ended => "ended",
            Self::TakenBack => "taken_back",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl Grant {
    /// Where it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> GrantState {
        match self.revoked_at {
            Some(_) => GrantState::TakenBack,
            None if now < self.ends_at => GrantState::Running,
            None => GrantState::Ended,
        }
    }

    /// Whether it opens articles at `now`.
    #[must_use]
    pub fn runs(&self, now: Timestamp) -> bool {
        self.starts_at <= now && now < self.revoked_at.unwrap_or(self.ends_at).min(self.ends_at)
    }
}

macro_rules! columns {
    () => {
        "g.id, g.reader_id, g.product, g.starts_at, g.ends_at, g.given_by, g.reason, g.created_at,
         g.revoked_at, g.revoked_by, g.revoke_reason"
    };
}

/// Gives it.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Tx, grant: &Grant) -> Result<(), StoreError> {
    tx.query(
        "INSERT INTO grants (id, reader_id, product, starts_at, ends_at, given_by, reason,
                             created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(grant.id)
    .bind(grant.reader_id)
    .bind(grant.product.clone())
    .bind(grant.starts_at)
    .bind(grant.ends_at)
    .bind(grant.given_by.clone())
    .bind(grant.reason.clone())
    .bind(grant.created_at)
    .execute()
    .await?;
    Ok(())
}

/// Takes it back at `now`; says no where it has ended by then.
///
/// # Errors
/// [`StoreError`].
pub async fn revoke(
    tx: &mut Tx,
    id: Uuid,
    (by, reason): (&str, &str),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let revoked = tx
        .query(
            "UPDATE grants SET revoked_at = $2, revoked_by = $3, revoke_reason = $4
             WHERE id = $1 AND revoked_at IS NULL AND ends_at > $2",
        )
        .bind(id)
        .bind(now)
        .bind(by.to_owned())
        .bind(reason.to_owned())
        .execute()
        .await?;
    Ok(revoked == 1)
}

/// One of them.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Grant>, StoreError> {
    tx.query(concat!("SELECT ", columns!(), " FROM grants g WHERE g.id = $1"))
        .bind(id)
        .optional()
        .await
}

/// What a reader was given, the last to end first.
///
/// # Errors
/// [`StoreError`].
pub async fn list_of(tx: &mut Tx, reader: Uuid) -> Result<Vec<Grant>, StoreError> {
    tx.query(concat!(
        "SELECT ",
        columns!(),
        " FROM grants g WHERE g.reader_id = $1 ORDER BY g.ends_at DESC LIMIT $2"
    ))
    .bind(reader)
    .bind(LISTED_MAX)
    .all()
    .await
}

/// One in a list.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Listed {
    /// What was given.
    #[sqlx(flatten)]
    pub grant: Grant,
    /// Its reader's address; none once the account was erased.
    pub email: Option<String>,
}

/// Which of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Where they stand.
    pub state: Option<GrantState>,
    /// Whose.
    pub reader: Option<Uuid>,
}

/// Up to `most` that match at `now`, given before the place `before`; the latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn page(
    tx: &mut Tx,
    filter: Filter,
    before: (Timestamp, Uuid),
    (most, now): (i64, Timestamp),
) -> Result<Vec<Listed>, StoreError> {
    tx.query(concat!(
        "SELECT ",
        columns!(),
        ", r.email FROM grants g LEFT JOIN readers r ON r.id = g.reader_id
         WHERE (g.created_at, g.id) < ($1, $2)
           AND ($3 IS NULL
                OR ($3 = 'running' AND g.revoked_at IS NULL AND g.ends_at > $4)
                OR ($3 = 'ended' AND g.revoked_at IS NULL AND g.ends_at <= $4)
                OR ($3 = 'taken_back' AND g.revoked_at IS NOT NULL))
           AND ($5 IS NULL OR g.reader_id = $5)
         ORDER BY g.created_at DESC, g.id DESC LIMIT $6"
    ))
    .bind(before.0)
    .bind(before.1)
    .bind(filter.state.map(GrantState::as_str))
    .bind(now)
    .bind(filter.reader)
    .bind(most)
    .all()
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_opens_from_its_start_to_its_end_or_to_the_moment_it_is_taken_back() {
        let at = |day: u32| Timestamp::parse(&format!("2026-11-{day:02}T00:00:00Z")).unwrap();
        let grant = |revoked: Option<u32>| Grant {
            id: Uuid::nil(),
            reader_id: Uuid::nil(),
            product: "digital".to_owned(),
            starts_at: at(10),
            ends_at: at(20),
            given_by: "command".to_owned(),
            reason: String::new(),
            created_at: at(10),
            revoked_at: revoked.map(at),
            revoked_by: None,
            revoke_reason: None,
        };
        for (revoked, now, runs, state) in [
            (None, 9, false, GrantState::Running),
            (None, 10, true, GrantState::Running),
            (None, 19, true, GrantState::Running),
            (None, 20, false, GrantState::Ended),
            (Some(15), 14, true, GrantState::TakenBack),
            (Some(15), 15, false, GrantState::TakenBack),
            (Some(10), 10, false, GrantState::TakenBack),
        ] {
            let grant = grant(revoked);
            assert_eq!(
                (grant.runs(at(now)), grant.state(at(now))),
                (runs, state),
                "{revoked:?} {now}"
            );
        }
    }
}
