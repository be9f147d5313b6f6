//! `/staff/subscriptions/{id}/{act}`: first what to do, then what would come of it, then the one
//! button. What was seen is what is done: if somebody changed the subscription meanwhile, nothing
//! happens and the page shows how it stands now.

use askama::Template;
use axum::{
    extract::{Path, Query, State, rejection::PathRejection},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    StaffPages,
    frame::{self, Frame, Place},
    seat::Seat,
    submitted::Submitted,
};
use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::{
        catalog::model::Terms,
        engine::{Act, BillingError, CancelAt, DAYS_MAX, Foreseen, Office, Outcome, REASON_MAX},
        invoice::settle_store::Refundable,
        subscription::{
            change::Refusal,
            model::{State as Stands, Subscription, Then},
        },
    },
    http::problem::{ApiError, FieldError},
    money::Money,
    staff::{consequences::consequences, plain},
};

/// What is said to have been done where a button was pressed twice, and only the subscription itself
/// knows what came of it.
const TWICE: &str = "sent-twice";

/// What is said where an act waits for a second person.
const WAITS: &str = "waits";

/// What stands below what would come of such an act.
const TWO: &str = "That is more than one person alone may give a reader back in a day: it waits until \
                   another member of staff agrees.";

/// What the page of a subscription says about what was `done`.
pub(super) fn notice(done: &str) -> Option<&'static str> {
    if done == TWICE {
        return Some("This was sent twice and counts once. Below is how it stands now.");
    }
    if done == WAITS {
        return Some("It waits for a second person, in the list of refunds.");
    }
    Kind::parse(done).map(Kind::done)
}

/// Which act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Cancel,
    Refund,
    Extend,
    Pause,
    Resume,
    Switch,
    KeepPlan,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Switch,
        Self::KeepPlan,
        Self::Cancel,
        Self::Refund,
        Self::Extend,
        Self::Pause,
        Self::Resume,
    ];

    /// As in addresses.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Refund => "refund",
            Self::Extend => "extend",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Switch => "switch",
            Self::KeepPlan => "keep-plan",
        }
    }

    /// What the button says.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cancel => "Cancel",
            Self::Refund => "Refund",
            Self::Extend => "Extend",
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::Switch => "Switch",
            Self::KeepPlan => "Keep the plan",
        }
    }

    /// What is said when it was done.
    fn done(self) -> &'static str {
        match self {
            Self::Cancel => "It was canceled.",
            Self::Refund => "The money goes back to the card.",
            Self::Extend => "The days were given.",
            Self::Pause => "It is paused.",
            Self::Resume => "It goes on.",
            Self::Switch => {
                "It was done as you saw. Where the bank asks the reader first, it says so below."
            }
            Self::KeepPlan => "The planned switch was taken back.",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    fn permission(self) -> Permission {
        match self {
            Self::Refund => Permission::Refund,
            _ => Permission::SubscriptionsAct,
        }
    }

    fn action(self) -> Action {
        match self {
            Self::Cancel => Action::SubscriptionCanceled,
            Self::Refund => Action::SubscriptionRefunded,
            Self::Extend => Action::SubscriptionExtended,
            Self::Pause => Action::SubscriptionPaused,
            Self::Resume => Action::SubscriptionResumed,
            Self::Switch => Action::SubscriptionSwitched,
            Self::KeepPlan => Action::SubscriptionSwitchRevoked,
        }
    }

    /// The acts that whoever sits there may do to a subscription as it stands.
    pub(super) fn offered(seat: &Seat, it: &Subscription, has_paid: bool) -> Vec<Self> {
        let fits = |kind: &Self| match (kind, &it.state) {
            (Self::Refund, _) => has_paid,
            (_, Stands::Canceled { .. } | Stands::Expired { .. }) => false,
            (Self::Cancel, _) => !it.cancels_at_period_end(),
            (Self::Extend, state) => {
                !matches!(state, Stands::Incomplete { .. } | Stands::Paused { .. })
            }
            (Self::Pause, state) => {
                matches!(state, Stands::Active(_)) && !it.cancels_at_period_end()
            }
            (Self::Resume, state) => {
                matches!(state, Stands::Paused { .. }) || it.cancels_at_period_end()
            }
            (Self::Switch, state) => {
                matches!(state, Stands::Trialing { .. } | Stands::Active(_))
                    && !it.cancels_at_period_end()
            }
            (Self::KeepPlan, _) => matches!(it.then(), Some(Then::Switch { .. })),
        };
        let may = |kind: &Self| seat.may(kind.permission());
        Self::ALL.into_iter().filter(may).filter(fits).collect()
    }
}

/// What was chosen, in an address or a form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    /// `now` or `period_end`.
    #[serde(default)]
    at: String,
    /// `on` where the payment goes back.
    #[serde(default)]
    refund: String,
    /// Such as `2.90`; all that is left where nothing is said.
    #[serde(default)]
    amount: String,
    /// The id of the invoice that is given back.
    #[serde(default)]
    invoice: String,
    #[serde(default)]
    days: String,
    /// The other plan's id.
    #[serde(default)]
    plan: String,
    /// The token by which a switch is made exactly as it was shown.
    #[serde(default)]
    preview: String,
    /// Sent with the button only.
    #[serde(default)]
    reason: String,
    #[serde(default)]
    revision: String,
    /// What the button was called when it was drawn: pressed twice, it acts once.
    #[serde(default)]
    operation: String,
    /// Whether the choice was made, so that what would come of it is shown.
    #[serde(default)]
    look: String,
}

impl Chosen {
    /// The act that was chosen, for a subscription that is paid like `price`.
    fn act(&self, kind: Kind, price: Money) -> Result<Act, ApiError> {
        let wrong = |field: &'static str, rule: String| {
            ApiError::InvalidFields(vec![FieldError::new(field, "invalid_value", rule)])
        };
        Ok(match kind {
            Kind::Cancel => {
                let at = match self.at.as_str() {
                    "now" => CancelAt::Now,
                    "" | "period_end" => CancelAt::PeriodEnd,
                    _ => return Err(wrong("at", "must be `now` or `period_end`".to_owned())),
                };
                Act::Cancel { at, refund: self.refund == "on" && at == CancelAt::Now }
            }
            Kind::Refund => {
                let amount = match self.amount.trim() {
                    "" => None,
                    text => Some(minor_units(text, price).ok_or_else(|| {
                        wrong("amount", format!("must be an amount in {}", price.currency.code()))
                    })?),
                };
                let invoice = match self.invoice.as_str() {
                    "" => None,
                    text => Some(text.parse().map_err(|_| {
                        wrong("invoice", "must be the id of an invoice".to_owned())
                    })?),
                };
                Act::Refund { invoice, amount }
            }
            Kind::Extend => {
                let days = if self.days.is_empty() { Ok(7) } else { self.days.trim().parse() };
                let days = days.ok().filter(|days| (1..=DAYS_MAX).contains(days));
                let rule = || wrong("days", format!("must be 1 to {DAYS_MAX}"));
                Act::Extend { days: days.ok_or_else(rule)? }
            }
            Kind::Pause => Act::Pause,
            Kind::Resume => Act::Resume,
            Kind::Switch => Act::Switch { plan: self.plan.clone() },
            Kind::KeepPlan => Act::KeepPlan,
        })
    }
}

/// What somebody typed as an amount, in minor units of the currency of `like`.
fn minor_units(text: &str, like: Money) -> Option<i64> {
    let digits = usize::from(like.currency.exponent().unwrap_or(0));
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > digits || !is_plain(whole) || !is_plain(part) {
        return None;
    }
    format!("{whole}{part:0<digits$}").parse().ok()
}

#[derive(Template)]
#[template(path = "staff/templates/act.html", config = ".config/askama.toml")]
struct ActPage {
    frame: Frame,
    kind: Kind,
    id: Uuid,
    email: String,
    plan: String,
    now: String,
    currency: &'static str,
    /// The ids and names of the plans that there are besides.
    plans: Vec<(String, String)>,
    /// For a refund: the invoices that can be given back, each with what is left of it.
    refundable: Vec<(Uuid, String)>,
    chosen: Chosen,
    /// What would come of it, once that was chosen.
    foreseen: Option<Shown>,
    why: Option<String>,
}

/// What would come of it.
struct Shown {
    /// Of the subscription as it was looked at.
    revision: i64,
    /// What the act will be called.
    operation: Uuid,
    /// Of a switch; else empty.
    preview: String,
    consequences: Vec<String>,
}

impl Shown {
    fn of(foreseen: &Foreseen, operation: Uuid, frame: &Frame) -> Self {
        let switch = foreseen.switch.as_ref();
        Self {
            operation,
            revision: foreseen.before.revision,
            preview: switch.map(|switch| switch.token.clone()).unwrap_or_default(),
            consequences: consequences(foreseen, &frame.words),
        }
    }
}

/// An invoice to choose: its id, and what it is.
fn choice(it: &Refundable, frame: &Frame) -> (Uuid, String) {
    let words = &frame.words;
    let (number, day) = (&it.number, words.day(it.paid_at));
    (it.id, format!("{number} of {day}: {} left", words.money(it.left)))
}

impl ActPage {
    fn action(&self) -> String {
        format!("/staff/subscriptions/{}/{}", self.id, self.kind.as_str())
    }

    async fn of(
        (pages, seat): (&StaffPages, &Seat),
        (id, kind): (Uuid, Kind),
        mut chosen: Chosen,
    ) -> Result<Self, ApiError> {
        let billing = &pages.desk.readers.billing;
        let review = billing.review(id).await?;
        let it = review.subscription;
        let title = format!("{} a subscription", kind.name());
        let frame = seat.frame(pages, title, Place::Subscriptions);
        let needs_choice = !matches!(kind, Kind::Pause | Kind::Resume | Kind::KeepPlan);
        let refundable = match kind {
            Kind::Refund => billing.refundable(id).await?,
            _ => Vec::new(),
        };
        if let (Some(latest), true) = (refundable.first(), chosen.invoice.is_empty()) {
            chosen.invoice = latest.id.to_string();
        }
        let (mut foreseen, mut why) = (None, None);
        if !needs_choice || !chosen.look.is_empty() {
            let act = chosen.act(kind, it.terms.plan.price)?;
            match billing.foresee_act(id, &act).await {
                Ok(of) => {
                    let mut shown = Shown::of(&of, pages.desk.new_operation()?, &frame);
                    if billing.needs_a_second(seat.staff(), &of).await? {
                        shown.consequences.push(TWO.to_owned());
                    }
                    foreseen = Some(shown);
                }
                Err(error) => why = Some(told(error)?),
            }
        }
        let plans = billing.other_plans(&it);
        Ok(Self {
            plans: plans.iter().map(|terms| named(terms, &frame)).collect(),
            kind,
            id,
            email: review.email.unwrap_or_else(|| "an erased reader".to_owned()),
            plan: it.terms.plan.name.in_language(frame.words.language).to_owned(),
            now: plain::next(&it, &frame.words),
            currency: it.terms.plan.price.currency.code(),
            refundable: refundable.iter().map(|it| choice(it, &frame)).collect(),
            chosen,
            foreseen,
            why,
            frame,
        })
    }
}

/// A plan's id, and what the office calls it.
fn named(terms: &Terms, frame: &Frame) -> (String, String) {
    let name = terms.plan.name.in_language(frame.words.language).to_owned();
    (terms.plan.id.clone(), name)
}

/// Why an act is refused, to stand on its page.
fn told(error: BillingError) -> Result<String, ApiError> {
    match error {
        BillingError::Refused(Refusal::SamePlan) => Ok("This is the plan already.".to_owned()),
        BillingError::Refused(_)
        | BillingError::RefundTooLarge
        | BillingError::PaymentDeclined(_)
        | BillingError::PaymentPending
        | BillingError::Invalid { .. } => Ok(format!("Not possible now: {error}.")),
        error => Err(error.into()),
    }
}

type Of = Result<Path<(Uuid, String)>, PathRejection>;

fn parse(of: Of) -> Result<(Uuid, Kind), ApiError> {
    let Path((id, act)) = of.map_err(|_| ApiError::NotFound)?;
    Ok((id, Kind::parse(&act).ok_or(ApiError::NotFound)?))
}

/// What to do, and what would come of it.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    of: Of,
    Query(chosen): Query<Chosen>,
) -> Result<Response, ApiError> {
    let (id, kind) = parse(of)?;
    seat.to(kind.permission())?;
    let page = ActPage::of((&pages, &seat), (id, kind), chosen).await?;
    Ok(frame::show(page.render()))
}

/// Does it.
pub(super) async fn act(
    State(pages): State<StaffPages>,
    of: Of,
    Submitted { seat, fields: chosen }: Submitted<Chosen>,
) -> Result<Response, ApiError> {
    let (id, kind) = parse(of)?;
    let acting = seat.to(kind.permission())?;
    let reason = chosen.reason.trim().to_owned();
    let office = Office {
        entry: acting.entry(kind.action()),
        reason: reason.clone(),
        seen: Some(chosen.revision.parse().unwrap_or(0)),
        operation: chosen.operation.parse().ok(),
    };
    let refuse = async |why: String| {
        let mut page = ActPage::of((&pages, &seat), (id, kind), chosen.clone()).await?;
        page.why = Some(why);
        Ok(frame::answer(StatusCode::CONFLICT, page.render()))
    };
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        return refuse(format!("Say why, in at most {REASON_MAX} characters.")).await;
    }
    match carry_out(&pages, id, kind, (&chosen, &office)).await {
        Ok(Outcome::Done(_)) => Ok(done(id, kind.as_str())),
        Ok(Outcome::Waits(_)) => Ok(done(id, WAITS)),
        // A payment may still be on its way, or may have been declined.
        Err(BillingError::Repeated) if matches!(kind, Kind::Switch | Kind::Resume) => {
            Ok(done(id, TWICE))
        }
        Err(BillingError::Repeated) => Ok(done(id, kind.as_str())),
        Err(BillingError::Refused(Refusal::PreviewStale)) => {
            let why = "Somebody changed this subscription while you looked at it, or it lay open \
                       for too long. This is how it stands now; nothing was done.";
            refuse(why.to_owned()).await
        }
        Err(error) => refuse(told(error)?).await,
    }
}

/// Leads to the subscription's page, which says what was done.
fn done(id: Uuid, what: &str) -> Response {
    Redirect::to(&format!("/staff/subscriptions/{id}?done={what}")).into_response()
}

async fn carry_out(
    pages: &StaffPages,
    id: Uuid,
    kind: Kind,
    (chosen, office): (&Chosen, &Office),
) -> Result<Outcome, BillingError> {
    let billing = &pages.desk.readers.billing;
    let price = billing.lookup(id).await?.terms.plan.price;
    let act = chosen
        .act(kind, price)
        .map_err(|error| BillingError::Invalid { field: "act", rule: error.to_string() })?;
    billing.carry_out(id, (&act, Some(&chosen.preview)), office).await
}

#[cfg(test)]
mod tests {
    use iso_currency::Currency;

    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        let usd = Money::zero(Currency::USD);
        let jpy = Money::zero(Currency::JPY);
        for (text, like, expected) in [
            ("2.90", usd, Some(290)),
            ("2,9", usd, Some(290)),
            ("19", usd, Some(1_900)),
            ("0.05", usd, Some(5)),
            ("290", jpy, Some(290)),
            ("2.90", jpy, None),
            ("2.905", usd, None),
            ("-1", usd, None),
            ("1e3", usd, None),
            (".5", usd, None),
            ("", usd, None),
            ("99999999999999999999", usd, None),
        ] {
            assert_eq!(minor_units(text, like), expected, "{text}");
        }
    }
}
