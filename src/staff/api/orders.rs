//! Staff's orders about subscriptions, as they travel, and what would come of them.

use iso_currency::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    ordered::Order,
    subscription_bodies::{StaffSubscription, invalid},
};
use crate::{
    billing::{
        api::{MoneyBody, PreviewBody},
        engine::{Act, CancelAt, DAYS_MAX, Foreseen},
    },
    http::problem::ApiError,
    language::Words,
    money::Money,
    staff::consequences::consequences,
};

/// Why.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Because {
    /// For the audit log; at most 500 characters.
    #[serde(default, deserialize_with = "crate::http::text::optional_lines")]
    pub(super) reason: Option<String>,
}

/// To pause, to resume, to take a planned switch back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlainOrder {
    /// For the audit log; at most 500 characters.
    #[serde(default, deserialize_with = "crate::http::text::optional_lines")]
    pub(super) reason: Option<String>,
    /// The `revision` that was seen: where it is another by now, nothing is done.
    #[serde(default)]
    pub(super) revision: Option<i64>,
}

/// To which plan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanOrder {
    /// The plan's id.
    pub(super) plan: String,
    /// `switch.preview` of an answer of `…/preview`: it is done exactly so, or not at all. Without
    /// it, for what it comes to now.
    #[serde(default)]
    pub(super) preview: Option<String>,
    #[serde(default, deserialize_with = "crate::http::text::optional_lines")]
    pub(super) reason: Option<String>,
    /// The `revision` that was seen: where it is another by now, nothing is done.
    #[serde(default)]
    pub(super) revision: Option<i64>,
}

/// How to end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelOrder {
    /// `period_end` or `now`.
    pub(super) at: String,
    /// Whether the last payment is given back.
    #[serde(default)]
    pub(super) refund: bool,
    #[serde(default, deserialize_with = "crate::http::text::optional_lines")]
    pub(super) reason: Option<String>,
    /// The `revision` that was seen: where it is another by now, nothing is done.
    #[serde(default)]
    pub(super) revision: Option<i64>,
}

/// What to give back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundOrder {
    /// Of which invoice of the subscription; the one that was paid last where nothing is said.
    #[serde(default)]
    pub(super) invoice: Option<Uuid>,
    /// All that is left of it where nothing is said.
    #[serde(default)]
    pub(super) amount: Option<AmountOrder>,
    #[serde(default, deserialize_with = "crate::http::text::optional_lines")]
    pub(super) reason: Option<String>,
    /// The `revision` that was seen: where it is another by now, nothing is done.
    #[serde(default)]
    pub(super) revision: Option<i64>,
}

/// An amount.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AmountOrder {
    /// Whole minor units, above 0.
    pub(super) amount: i64,
    /// ISO 4217.
    pub(super) currency: String,
}

/// How many days.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExtendOrder {
    /// 1 to 3660.
    pub(super) days: u32,
    #[serde(default, deserialize_with = "crate::http::text::optional_lines")]
    pub(super) reason: Option<String>,
    /// The `revision` that was seen: where it is another by now, nothing is done.
    #[serde(default)]
    pub(super) revision: Option<i64>,
}

impl Order for Because {
    fn take_why(&mut self) -> (Option<String>, Option<i64>) {
        (self.reason.take(), None)
    }
}

/// Orders that may say what was seen before them.
macro_rules! of_what_was_seen {
    ($($order:ident),+) => {
        $(impl Order for $order {
            fn take_why(&mut self) -> (Option<String>, Option<i64>) {
                (self.reason.take(), self.revision.take())
            }
        })+
    };
}

of_what_was_seen!(PlainOrder, PlanOrder, CancelOrder, RefundOrder, ExtendOrder);

/// An act, to be told what would come of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LookOrder {
    /// `cancel`, `refund`, `extend`, `pause`, `resume`, `switch` or `keep_plan`.
    act: String,
    /// Of `cancel`: `period_end` or `now`.
    #[serde(default)]
    at: Option<String>,
    /// Of `cancel`: whether the last payment is given back.
    #[serde(default)]
    refund: Option<bool>,
    /// Of `refund`: the id of an invoice; the one that was paid last where nothing is said.
    #[serde(default)]
    invoice: Option<Uuid>,
    /// Of `refund`: all that is left of it where nothing is said.
    #[serde(default)]
    amount: Option<AmountOrder>,
    /// Of `extend`: 1 to 3660.
    #[serde(default)]
    days: Option<u32>,
    /// Of `switch`: the plan's id.
    #[serde(default)]
    plan: Option<String>,
}

impl LookOrder {
    /// The act.
    ///
    /// # Errors
    /// [`ApiError::InvalidFields`] names the field that is missing, or is not of this act.
    pub(super) fn act(self) -> Result<(Act, Option<Money>), ApiError> {
        let required = |field| invalid(field, "goes with this act");
        let given = [
            ("at", self.at.is_some(), "cancel"),
            ("refund", self.refund.is_some(), "cancel"),
            ("invoice", self.invoice.is_some(), "refund"),
            ("amount", self.amount.is_some(), "refund"),
            ("days", self.days.is_some(), "extend"),
            ("plan", self.plan.is_some(), "switch"),
        ];
        let stray = given.iter().find(|(_, is_given, of)| *is_given && *of != self.act);
        if let Some((field, _, of)) = stray {
            return Err(invalid(field, format!("goes with `{of}` only")));
        }
        let act = match self.act.as_str() {
            "cancel" => {
                let at = self.at.ok_or_else(|| required("at"))?;
                let (at, refund) = parse_cancel(&at, self.refund.unwrap_or(false))?;
                Act::Cancel { at, refund }
            }
            "refund" => {
                let amount = self.amount.map(AmountOrder::money).transpose()?;
                let act =
                    Act::Refund { invoice: self.invoice, amount: amount.map(|money| money.amount) };
                return Ok((act, amount));
            }
            "extend" => {
                Act::Extend { days: parse_days(self.days.ok_or_else(|| required("days"))?)? }
            }
            "pause" => Act::Pause,
            "resume" => Act::Resume,
            "switch" => Act::Switch { plan: self.plan.ok_or_else(|| required("plan"))? },
            "keep_plan" => Act::KeepPlan,
            _ => {
                let rule = "must be `cancel`, `refund`, `extend`, `pause`, `resume`, `switch` or \
                            `keep_plan`";
                return Err(invalid("act", rule));
            }
        };
        Ok((act, None))
    }
}

/// When it ends, and whether the running period's payment goes back.
pub(super) fn parse_cancel(at: &str, refund: bool) -> Result<(CancelAt, bool), ApiError> {
    let at = match at {
        "period_end" => CancelAt::PeriodEnd,
        "now" => CancelAt::Now,
        _ => return Err(invalid("at", "must be `period_end` or `now`")),
    };
    if refund && at == CancelAt::PeriodEnd {
        return Err(invalid("refund", "goes with `now`: what is read until then was paid for"));
    }
    Ok((at, refund))
}

/// A number of days that can be given at once.
pub(super) fn parse_days(days: u32) -> Result<u32, ApiError> {
    let fits = (1..=DAYS_MAX).contains(&days);
    fits.then_some(days).ok_or_else(|| invalid("days", "must be 1 to 3660"))
}

impl AmountOrder {
    /// The amount of money.
    ///
    /// # Errors
    /// [`ApiError::InvalidFields`].
    pub(super) fn money(self) -> Result<Money, ApiError> {
        if self.amount <= 0 {
            return Err(invalid("amount.amount", "must be above 0"));
        }
        let wrong = || invalid("amount.currency", "must be an ISO 4217 currency");
        let currency = Currency::from_code(&self.currency).ok_or_else(wrong)?;
        Ok(Money { amount: self.amount, currency })
    }
}

/// What would come of an act. Nothing was done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForeseenBody {
    /// To be sent with the act, so that it is done to what was seen.
    revision: i64,
    /// As it would stand. A payment that is made first may still fail.
    after: StaffSubscription,
    /// What goes back to the card.
    to_card: Option<MoneyBody>,
    /// What goes to the account's balance.
    to_balance: Option<MoneyBody>,
    /// What is paid at once, tax included.
    charged: Option<MoneyBody>,
    /// What of that the account's balance pays.
    from_balance: Option<MoneyBody>,
    /// What a switch comes to: `preview` is to be sent with it.
    switch: Option<PreviewBody>,
    /// All of it in plain words.
    pub(crate) sentences: Vec<String>,
}

impl ForeseenBody {
    /// Told in these words.
    pub(crate) fn of(foreseen: Foreseen, words: &Words) -> Self {
        Self {
            sentences: consequences(&foreseen, words),
            revision: foreseen.before.revision,
            after: StaffSubscription::from(&foreseen.after),
            to_card: foreseen.to_card.map(MoneyBody::from),
            to_balance: foreseen.to_balance.map(MoneyBody::from),
            charged: foreseen.charged.map(MoneyBody::from),
            from_balance: foreseen.from_balance.map(MoneyBody::from),
            switch: foreseen.switch.map(PreviewBody::from),
        }
    }
}
