//! A subscription as a row: which columns each state fills, and nothing else.

use uuid::Uuid;

use super::model::{
    EndReason, Failure, Method, OpenCharge, Paid, State, Status, Subscription, Then, Turn, WaitsFor,
};
use crate::{
    billing::{
        calendar::Period,
        catalog::{model::Terms, versions::Catalogs},
    },
    clock::Timestamp,
    db::StoreError,
    money::Money,
};

/// The columns, in the order in which they are bound.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct SubscriptionRow {
    pub(super) id: Uuid,
    pub(super) reader_id: Uuid,
    pub(super) product: String,
    pub(super) plan: String,
    pub(super) catalog_version: i64,
    pub(super) country: String,
    pub(super) method: Option<String>,
    pub(super) method_last4: Option<String>,
    pub(super) method_expires: Option<i64>,
    pub(super) created_at: Timestamp,
    pub(super) agreed_at: Timestamp,
    pub(super) trial_start: Option<Timestamp>,
    pub(super) trial_end: Option<Timestamp>,
    pub(super) status: String,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) begins_trial: Option<bool>,
    pub(super) anchor: Option<Timestamp>,
    pub(super) period_index: Option<i64>,
    pub(super) period_start: Option<Timestamp>,
    pub(super) period_end: Option<Timestamp>,
    pub(super) paid_amount: Option<i64>,
    pub(super) then_kind: Option<String>,
    pub(super) then_at: Option<Timestamp>,
    pub(super) then_reason: Option<String>,
    pub(super) then_plan: Option<String>,
    pub(super) then_version: Option<i64>,
    pub(super) failed_at: Option<Timestamp>,
    pub(super) failed_times: Option<i64>,
    pub(super) failed_reminders: Option<i64>,
    pub(super) retry_at: Option<Timestamp>,
    pub(super) grace_until: Option<Timestamp>,
    pub(super) paused_at: Option<Timestamp>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) end_reason: Option<String>,
    pub(super) open_charge: Option<Uuid>,
    pub(super) open_until: Option<Timestamp>,
    pub(super) revision: i64,
}

impl SubscriptionRow {
    /// The row of `subscription`.
    pub(super) fn of(subscription: &Subscription) -> Self {
        let it = subscription.clone();
        let (method, method_last4, method_expires) = match it.method {
            Some(method) => (
                Some(method.token),
                Some(method.last4),
                Some(i64::from(method.expires.0) * 12 + i64::from(method.expires.1) - 1),
            ),
            None => (None, None, None),
        };
        let open_until = match it.open.map(|open| open.waits_for) {
            Some(WaitsFor::Reader { until }) => Some(until),
            _ => None,
        };
        let blank = Self {
            id: it.id,
            reader_id: it.reader,
            product: it.terms.plan.product.clone(),
            plan: it.terms.plan.id.clone(),
            catalog_version: it.terms.catalog.version,
            country: it.country,
            method,
            method_last4,
            method_expires,
            created_at: it.created_at,
            agreed_at: it.agreed_at,
            trial_start: it.trial.map(|trial| trial.start),
            trial_end: it.trial.map(|trial| trial.end),
            status: it.state.status().as_str().to_owned(),
            expires_at: None,
            begins_trial: None,
            anchor: None,
            period_index: None,
            period_start: None,
            period_end: None,
            paid_amount: None,
            then_kind: None,
            then_at: None,
            then_reason: None,
            then_plan: None,
            then_version: None,
            failed_at: None,
            failed_times: None,
            failed_reminders: None,
            retry_at: None,
            grace_until: None,
            paused_at: None,
            ended_at: None,
            end_reason: None,
            open_charge: it.open.map(|open| open.id),
            open_until,
            revision: it.revision,
        };
        blank.with_state(it.state)
    }

    fn with_state(self, state: State) -> Self {
        match state {
            State::Incomplete { expires_at, begins_trial } => {
                Self { expires_at: Some(expires_at), begins_trial: Some(begins_trial), ..self }
            }
            State::Trialing { then } => self.with_then(then),
            State::Active(Paid { turn, amount, then }) => {
                Self { paid_amount: Some(amount.amount), ..self.with_turn(turn).with_then(then) }
            }
            State::PastDue { unpaid, failure } => Self {
                failed_at: Some(failure.first_at),
                failed_times: Some(failure.times),
                failed_reminders: Some(failure.reminders),
                retry_at: failure.retry_at,
                grace_until: Some(failure.grace_until),
                ..self.with_turn(unpaid)
            },
            State::Paused { since } => Self { paused_at: Some(since), ..self },
            State::Canceled { at, reason } | State::Expired { at, reason } => {
                Self { ended_at: Some(at), end_reason: Some(reason.as_str().to_owned()), ..self }
            }
        }
    }

    fn with_turn(self, turn: Turn) -> Self {
        Self {
            anchor: Some(turn.anchor),
            period_index: Some(turn.index),
            period_start: Some(turn.period.start),
            period_end: Some(turn.period.end),
            ..self
        }
    }

    fn with_then(self, then: Then) -> Self {
        match then {
            Then::Renew => Self { then_kind: Some("renew".to_owned()), ..self },
            Then::Cancel { decided_at, reason } => Self {
                then_kind: Some("cancel".to_owned()),
                then_at: Some(decided_at),
                then_reason: Some(reason.as_str().to_owned()),
                ..self
            },
            Then::Switch { terms } => Self {
                then_kind: Some("switch".to_owned()),
                then_plan: Some(terms.plan.id.clone()),
                then_version: Some(terms.catalog.version),
                ..self
            },
        }
    }

    /// The subscription of this row.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the columns contradict one another.
    pub(super) async fn read(self, catalogs: &Catalogs) -> Result<Subscription, StoreError> {
        let taken = terms(catalogs, self.catalog_version, &self.plan).await?;
        let taken = taken.filter(|terms| terms.plan.product == self.product);
        let taken = taken.ok_or_else(|| self.corrupt("plan"))?;
        let next = match (self.then_version, &self.then_plan) {
            (Some(version), Some(plan)) => terms(catalogs, version, plan).await?,
            _ => None,
        };
        let state = self.state(&taken, next)?;
        let open = self.open_charge.map(|id| OpenCharge {
            id,
            waits_for: self
                .open_until
                .map_or(WaitsFor::Gateway, |until| WaitsFor::Reader { until }),
        });
        let trial = self.trial_start.zip(self.trial_end);
        Ok(Subscription {
            id: self.id,
            reader: self.reader_id,
            method: self.method()?,
            terms: taken,
            country: self.country,
            created_at: self.created_at,
            agreed_at: self.agreed_at,
            trial: trial.map(|(start, end)| Period { start, end }),
            state,
            open,
            revision: self.revision,
        })
    }

    fn state(&self, terms: &Terms, next: Option<Terms>) -> Result<State, StoreError> {
        let corrupt = |column| self.corrupt(column);
        let status = Status::parse(&self.status).ok_or_else(|| corrupt("status"))?;
        Ok(match status {
            Status::Incomplete => State::Incomplete {
                expires_at: self.expires_at.ok_or_else(|| corrupt("expires_at"))?,
                begins_trial: self.begins_trial.ok_or_else(|| corrupt("begins_trial"))?,
            },
            Status::Trialing => State::Trialing { then: self.then(next)? },
            Status::Active => {
                let amount = self.paid_amount.ok_or_else(|| corrupt("paid_amount"))?;
                State::Active(Paid {
                    turn: self.turn()?,
                    amount: Money { amount, currency: terms.currency() },
                    then: self.then(next)?,
                })
            }
            Status::PastDue => State::PastDue {
                unpaid: self.turn()?,
                failure: Failure {
                    first_at: self.failed_at.ok_or_else(|| corrupt("failed_at"))?,
                    times: self.failed_times.ok_or_else(|| corrupt("failed_times"))?,
                    reminders: self.failed_reminders.ok_or_else(|| corrupt("failed_reminders"))?,
                    retry_at: self.retry_at,
                    grace_until: self.grace_until.ok_or_else(|| corrupt("grace_until"))?,
                },
            },
            Status::Paused => {
                State::Paused { since: self.paused_at.ok_or_else(|| corrupt("paused_at"))? }
            }
            Status::Canceled => {
                let (at, reason) = self.end()?;
                State::Canceled { at, reason }
            }
            Status::Expired => {
                let (at, reason) = self.end()?;
                State::Expired { at, reason }
            }
        })
    }

    fn turn(&self) -> Result<Turn, StoreError> {
        let period = self.period_start.zip(self.period_end);
        match (self.anchor, self.period_index, period) {
            (Some(anchor), Some(index), Some((start, end))) => {
                Ok(Turn { anchor, index, period: Period { start, end } })
            }
            _ => Err(self.corrupt("anchor")),
        }
    }

    fn then(&self, next: Option<Terms>) -> Result<Then, StoreError> {
        let reason = self.then_reason.as_deref().and_then(EndReason::parse);
        match (self.then_kind.as_deref(), self.then_at.zip(reason), next) {
            (Some("renew"), None, None) => Ok(Then::Renew),
            (Some("cancel"), Some((decided_at, reason)), None) => {
                Ok(Then::Cancel { decided_at, reason })
            }
            (Some("switch"), None, Some(terms)) => Ok(Then::Switch { terms }),
            _ => Err(self.corrupt("then_kind")),
        }
    }

    fn end(&self) -> Result<(Timestamp, EndReason), StoreError> {
        let reason = self.end_reason.as_deref().and_then(EndReason::parse);
        self.ended_at.zip(reason).ok_or_else(|| self.corrupt("end_reason"))
    }

    fn method(&self) -> Result<Option<Method>, StoreError> {
        let Some(token) = self.method.clone() else { return Ok(None) };
        let expires = self.method_expires.and_then(|months| {
            let year = i32::try_from(months.div_euclid(12)).ok()?;
            Some((year, u8::try_from(months.rem_euclid(12) + 1).ok()?))
        });
        match (self.method_last4.clone(), expires) {
            (Some(last4), Some(expires)) => Ok(Some(Method { token, last4, expires })),
            _ => Err(self.corrupt("method_expires")),
        }
    }

    fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: "subscriptions", column, id: self.id.to_string() }
    }
}

/// The plan `id` of a version of the catalog.
pub(crate) async fn terms(
    catalogs: &Catalogs,
    version: i64,
    id: &str,
) -> Result<Option<Terms>, StoreError> {
    Ok(Terms::of(&catalogs.version(version).await?, id))
}
