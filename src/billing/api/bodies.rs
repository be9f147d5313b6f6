//! Subscriptions as they travel.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    billing::{
        engine::Preview,
        subscription::model::{State, Subscription, Then},
    },
    clock::Timestamp,
    money::Money,
};

/// An amount of money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Money)]
pub(crate) struct MoneyBody {
    /// Whole minor units: 290 USD is $2.90.
    amount: i64,
    /// ISO 4217.
    currency: &'static str,
}

impl From<Money> for MoneyBody {
    fn from(money: Money) -> Self {
        Self { amount: money.amount, currency: money.currency.code() }
    }
}

/// A subscription.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubscriptionBody {
    id: Uuid,
    /// The plan's id.
    plan: String,
    /// `incomplete`, `trialing`, `active`, `past_due`, `paused`, `canceled` or `expired`.
    status: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    trial_end: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    current_period_start: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    current_period_end: Option<Timestamp>,
    /// Whether it ends with the running period.
    cancel_at_period_end: bool,
    /// Until when one may still read while a payment is missing.
    #[schema(value_type = Option<String>, format = DateTime)]
    grace_until: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    end_reason: Option<&'static str>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The planned switch to another plan, if any.
    scheduled_change: Option<ScheduledChange>,
    /// What the reader must do first, if anything.
    next_action: Option<NextAction>,
}

/// A planned switch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduledChange {
    /// The plan to come.
    plan: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// What the reader must do first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NextAction {
    /// Always `confirm_payment`.
    r#type: &'static str,
    /// Where.
    url: String,
}

impl SubscriptionBody {
    /// `confirm_at` is where the reader confirms what is open.
    pub(crate) fn of(it: &Subscription, confirm_at: Option<String>) -> Self {
        let period = it.period();
        let ended = it.state.ended();
        let scheduled_change = match (it.then(), period) {
            (Some(Then::Switch { terms }), Some(period)) => {
                Some(ScheduledChange { plan: terms.plan.id.clone(), at: period.end })
            }
            _ => None,
        };
        let grace_until = match &it.state {
            State::PastDue { failure, .. } => Some(failure.grace_until),
            _ => None,
        };
        Self {
            id: it.id,
            plan: it.terms.plan.id.clone(),
            status: it.state.status().as_str(),
            trial_end: it.trial.map(|trial| trial.end),
            current_period_start: period.map(|period| period.start),
            current_period_end: period.map(|period| period.end),
            cancel_at_period_end: it.cancels_at_period_end(),
            grace_until,
            ended_at: ended.map(|(at, _)| at),
            end_reason: ended.map(|(_, reason)| reason.as_str()),
            created_at: it.created_at,
            scheduled_change,
            next_action: confirm_at.map(|url| NextAction { r#type: "confirm_payment", url }),
        }
    }
}

/// A reader's subscriptions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SubscriptionsBody {
    pub(super) subscriptions: Vec<SubscriptionBody>,
}

/// An order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderBody {
    /// The plan's id.
    pub(super) plan: String,
    /// The gateway's name for the card.
    #[serde(default)]
    pub(super) payment_method: Option<String>,
    /// `false` pays at once instead of beginning with the free trial.
    #[serde(default)]
    pub(super) trial: Option<bool>,
    /// Where the reader lives (ISO 3166-1, two letters), for taxes and rights.
    #[serde(default)]
    pub(super) country: Option<String>,
}

/// How to end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelBody {
    /// `period_end`; `now` where the law lets one withdraw.
    pub(super) at: CancelAtBody,
    /// Whatever the reader wants to say about it; at most 500 characters.
    #[serde(default, deserialize_with = "crate::http::text::optional_lines")]
    pub(super) reason: Option<String>,
}

/// When to end.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CancelAtBody {
    PeriodEnd,
    Now,
}

/// Another plan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviewOrder {
    /// The plan's id.
    pub(super) plan: String,
}

/// A switch as it was shown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SwitchOrder {
    /// The plan's id.
    pub(super) plan: String,
    /// `preview` of the answer that showed it.
    pub(super) preview: String,
}

/// What a switch would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewBody {
    /// To be sent with the switch. It holds for 15 minutes, if nothing changes.
    preview: String,
    /// What is paid at once.
    charge: MoneyBody,
    /// What is given back for the rest of the old period.
    credit: MoneyBody,
    #[schema(value_type = String, format = DateTime)]
    effective_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    period_end: Timestamp,
}

impl From<Preview> for PreviewBody {
    fn from(preview: Preview) -> Self {
        Self {
            preview: preview.token,
            charge: preview.charge.into(),
            credit: preview.credit.into(),
            effective_at: preview.effective_at,
            period_end: preview.period_end,
        }
    }
}

/// Another card.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MethodBody {
    /// The gateway's name for it.
    pub(super) payment_method: String,
}
