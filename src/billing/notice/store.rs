//! What was due, what was sent, and with which text.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{NoticeKind, plan::Planned};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
};

/// More than a subscription ever has planned at a time.
const PLANNED_MAX: i64 = 100;
/// Most notices of one reader that are listed.
pub const LISTED_MAX: i64 = 1_000;

/// Whose notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The subscription.
    pub subscription: Uuid,
    /// Its reader.
    pub reader: Uuid,
}

/// How far a notice has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// To be sent.
    Planned,
    /// Sent.
    Sent,
    /// Not to be sent: its moment will not come any more.
    Dropped,
    /// Not sent, and due before its moment was called off or came.
    Missed,
}

impl Status {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "planned" => Self::Planned,
            "sent" => Self::Sent,
            "dropped" => Self::Dropped,
            "missed" => Self::Missed,
            _ => return None,
        })
    }
}

/// A notice as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Notice {
    /// The subscription.
    pub subscription: Uuid,
    /// Which.
    pub kind: NoticeKind,
    /// The moment that it speaks of.
    #[schema(value_type = String, format = DateTime)]
    pub about: Timestamp,
    /// Where it is owed.
    pub jurisdiction: String,
    /// It must not go out before.
    #[schema(value_type = String, format = DateTime)]
    pub due_from: Timestamp,
    /// It must have gone out by then.
    #[schema(value_type = String, format = DateTime)]
    pub due_to: Timestamp,
    /// When it is to be sent.
    #[schema(value_type = String, format = DateTime)]
    pub planned_for: Timestamp,
    /// How far it has come.
    pub status: Status,
    /// When it was sent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sent_at: Option<Timestamp>,
    /// The text's name and version.
    pub template: Option<String>,
}

/// How a letter was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// With which text: see [`News::template`](crate::billing::letter::News::template).
    pub template: String,
    /// As which mail.
    pub mail: Uuid,
}

#[derive(sqlx::FromRow)]
pub(super) struct NoticeRow {
    subscription_id: Uuid,
    kind: String,
    about: Timestamp,
    jurisdiction: String,
    due_from: Timestamp,
    due_to: Timestamp,
    planned_for: Timestamp,
    status: String,
    sent_at: Option<Timestamp>,
    template: Option<String>,
}

impl TryFrom<NoticeRow> for Notice {
    type Error = StoreError;

    fn try_from(row: NoticeRow) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt {
            table: "notices",
            column,
            id: row.subscription_id.to_string(),
        };
        Ok(Self {
            subscription: row.subscription_id,
            kind: NoticeKind::from_name(&row.kind).ok_or_else(|| corrupt("kind"))?,
            about: row.about,
            status: Status::from_name(&row.status).ok_or_else(|| corrupt("status"))?,
            jurisdiction: row.jurisdiction,
            due_from: row.due_from,
            due_to: row.due_to,
            planned_for: row.planned_for,
            sent_at: row.sent_at,
            template: row.template,
        })
    }
}

pub(super) fn notices(rows: Vec<NoticeRow>) -> Result<Vec<Notice>, StoreError> {
    rows.into_iter().map(Notice::try_from).collect()
}

/// Writes down what is to be sent of a subscription; what was sent or missed stays as it is.
pub fn plan(tx: &mut Tx, owner: Owner, planned: &[Planned]) {
    if planned.is_empty() {
        return;
    }
    let head = "INSERT INTO notices (subscription_id, kind, about, reader_id, jurisdiction,
                                     due_from, due_to, planned_for, status) VALUES";
    let tail = "ON CONFLICT (subscription_id, kind, about) DO UPDATE
                SET jurisdiction = excluded.jurisdiction, due_from = excluded.due_from,
                    due_to = excluded.due_to, planned_for = excluded.planned_for,
                    status = excluded.status
                WHERE notices.status IN ('planned', 'dropped')";
    planned.iter().fold(tx.later_rows(head, (planned.len(), 9), tail), |later, notice| {
        later
            .bind(owner.subscription)
            .bind(notice.kind.as_str())
            .bind(notice.about)
            .bind(owner.reader)
            .bind(notice.jurisdiction.clone())
            .bind(notice.due_from)
            .bind(notice.due_to)
            .bind(notice.send_at)
            .bind("planned")
    });
}

/// Makes `planned` all that is to be sent of a subscription, and says when the next of it is to be
/// sent, perhaps in the past. What was sent stays, what was due and is not planned any more is
/// missed, and the rest of it is dropped.
///
/// # Errors
/// [`StoreError`].
pub async fn replan(
    tx: &mut Tx,
    owner: Owner,
    planned: &[Planned],
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    if planned.is_empty() {
        drop_all(tx, owner.subscription, now);
        return Ok(None);
    }
    plan(tx, owner, planned);
    let waiting: Vec<(String, Timestamp, Timestamp)> = tx
        .query(
            "SELECT kind, about, planned_for FROM notices
             WHERE subscription_id = $1 AND status = 'planned'
             ORDER BY about, kind LIMIT $2",
        )
        .bind(owner.subscription)
        .bind(PLANNED_MAX)
        .all()
        .await?;
    let is_planned = |(kind, about, _): &(String, Timestamp, Timestamp)| {
        planned.iter().any(|notice| notice.kind.as_str() == kind && notice.about == *about)
    };
    let (kept, stale): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_planned);
    for (kind, about, _) in stale {
        tx.query(
            "UPDATE notices SET status = CASE WHEN due_to < $1 THEN 'missed' ELSE 'dropped' END
             WHERE subscription_id = $2 AND kind = $3 AND about = $4 AND status = 'planned'",
        )
        .bind(now)
        .bind(owner.subscription)
        .bind(kind)
        .bind(about)
        .execute()
        .await?;
    }
    let to_come = kept.into_iter().filter(|(_, about, _)| *about > now);
    Ok(to_come.map(|(_, _, send_at)| send_at).min())
}

fn drop_all(tx: &mut Tx, subscription: Uuid, now: Timestamp) {
    tx.later(
        "UPDATE notices SET status = CASE WHEN due_to < $1 THEN 'missed' ELSE 'dropped' END
         WHERE subscription_id = $2 AND status = 'planned'",
    )
    .bind(now)
    .bind(subscription);
}

/// The notices of a subscription that are to be sent now, the first planned first. What speaks of
/// a moment that has come is never sent.
///
/// # Errors
/// [`StoreError`].
pub async fn due(
    tx: &mut Tx,
    subscription: Uuid,
    now: Timestamp,
) -> Result<Vec<Notice>, StoreError> {
    let rows = tx
        .query(
            "SELECT subscription_id, kind, about, jurisdiction, due_from, due_to, planned_for,
                    status, sent_at, template
             FROM notices
             WHERE subscription_id = $1 AND status = 'planned' AND planned_for <= $2 AND about > $2
             ORDER BY planned_for, kind, about LIMIT $3",
        )
        .bind(subscription)
        .bind(now)
        .bind(PLANNED_MAX)
        .all()
        .await?;
    notices(rows)
}

/// Notes that a planned notice is sent with the text `template`. Of several who say so, one is
/// told that it was them: only their mail may go out.
///
/// # Errors
/// [`StoreError`].
pub async fn mark_sent(
    tx: &mut Tx,
    notice: &Notice,
    template: String,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let marked = tx
        .query(
            "UPDATE notices SET status = 'sent', sent_at = $1, template = $2
             WHERE subscription_id = $3 AND kind = $4 AND about = $5 AND status = 'planned'",
        )
        .bind(now)
        .bind(template)
        .bind(notice.subscription)
        .bind(notice.kind.as_str())
        .bind(notice.about)
        .execute()
        .await?;
    Ok(marked > 0)
}

/// When the notice of this kind about `about` was sent, if it was.
///
/// # Errors
/// [`StoreError`].
pub async fn sent_at(
    tx: &mut Tx,
    subscription: Uuid,
    kind: NoticeKind,
    about: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let row: Option<(Timestamp,)> = tx
        .query(
            "SELECT sent_at FROM notices
             WHERE subscription_id = $1 AND kind = $2 AND about = $3 AND status = 'sent'",
        )
        .bind(subscription)
        .bind(kind.as_str())
        .bind(about)
        .optional()
        .await?;
    Ok(row.map(|(at,)| at))
}

/// Notes as which mail a notice was sent.
///
/// # Errors
/// [`StoreError`].
pub async fn set_mail(tx: &mut Tx, notice: &Notice, mail: Uuid) -> Result<(), StoreError> {
    tx.query(
        "UPDATE notices SET mail_id = $1
         WHERE subscription_id = $2 AND kind = $3 AND about = $4 AND status = 'sent'",
    )
    .bind(mail)
    .bind(notice.subscription)
    .bind(notice.kind.as_str())
    .bind(notice.about)
    .execute()
    .await?;
    Ok(())
}

/// Notes a letter that went out with the change that it tells of, unless it was noted before.
pub fn note_at_once(
    tx: &mut Tx,
    owner: Owner,
    (kind, jurisdiction): (NoticeKind, &str),
    sent: &Sent,
) {
    tx.later(
        "INSERT INTO notices (subscription_id, kind, about, reader_id, jurisdiction, due_from,
                                  due_to, planned_for, status, sent_at, template, mail_id)
             VALUES ($1, $2, $3, $4, $5, $3, $3, $3, 'sent', $3, $6, $7)
             ON CONFLICT (subscription_id, kind, about) DO NOTHING",
    )
    .bind(owner.subscription)
    .bind(kind.as_str())
    .bind(sent.at)
    .bind(owner.reader)
    .bind(jurisdiction.to_owned())
    .bind(sent.template.clone())
    .bind(sent.mail);
}
