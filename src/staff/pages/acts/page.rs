//! The page of an act.

use askama::Template;
use uuid::Uuid;

use super::{chosen::Chosen, kind::Kind};
use crate::{
    billing::{
        catalog::model::Terms,
        engine::{BillingError, Foreseen},
        invoice::settle_store::Refundable,
        subscription::change::Refusal,
    },
    http::problem::ApiError,
    staff::{
        consequences::consequences,
        pages::{
            StaffPages,
            frame::{Frame, Place},
            seat::Seat,
        },
        plain,
    },
};

/// What stands below what would come of such an act.
const TWO: &str = "That is more than one person alone may give a reader back in a day: it waits until \
                   another member of staff agrees.";

#[derive(Template)]
#[template(path = "staff/templates/act.html", config = ".config/askama.toml")]
pub(super) struct ActPage {
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
    /// Why it was refused.
    pub(super) why: Option<String>,
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

    /// The page, with what would come of it once that can be told.
    ///
    /// # Errors
    /// When there is no such subscription, or the database fails.
    pub(super) async fn of(
        (pages, seat): (&StaffPages, &Seat),
        (id, kind): (Uuid, Kind),
        mut chosen: Chosen,
    ) -> Result<Self, ApiError> {
        let billing = &pages.desk.readers.billing;
        let review = billing.review(id).await?;
        let it = review.subscription;
        pages.desk.note_look(seat.to(kind.permission())?, it.reader).await?;
        let title = format!("{} a subscription", kind.name());
        let frame = seat.frame(pages, title, Place::Subscriptions);
        let refundable = match kind {
            Kind::Refund => billing.refundable(id).await?,
            _ => Vec::new(),
        };
        if let (Some(latest), true) = (refundable.first(), chosen.invoice.is_empty()) {
            chosen.invoice = latest.id.to_string();
        }
        let (mut foreseen, mut why) = (None, None);
        if !kind.takes_a_choice() || !chosen.look.is_empty() {
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
            email: frame.visibility().address(review.email).to_string(),
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
pub(super) fn told(error: BillingError) -> Result<String, ApiError> {
    match error {
        BillingError::Refused(Refusal::SamePlan) => Ok("This is the plan already.".to_owned()),
        BillingError::Refused(_)
        | BillingError::RefundTooLarge
        | BillingError::PaymentDeclined(_)
        | BillingError::PaymentPending { .. }
        | BillingError::Invalid { .. } => Ok(format!("Not possible now: {error}.")),
        error => Err(error.into()),
    }
}
