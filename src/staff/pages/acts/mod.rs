//! `/staff/subscriptions/{id}/{act}`: first what to do, then what would come of it, then the one
//! button. What was seen is what is done: if somebody changed the subscription meanwhile, nothing
//! happens and the page shows how it stands now.

mod chosen;
mod kind;
mod page;

use askama::Template;
use axum::{
    extract::{Path, Query, State, rejection::PathRejection},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

pub(super) use self::kind::Kind;
use self::{
    chosen::Chosen,
    page::{ActPage, told},
};
use super::{StaffPages, frame, seat::Seat, submitted::Submitted};
use crate::{
    billing::{
        engine::{BillingError, Office, Outcome, REASON_MAX},
        subscription::change::Refusal,
    },
    http::problem::ApiError,
};

/// What is said to have been done where a button was pressed twice, and only the subscription itself
/// knows what came of it.
const TWICE: &str = "sent-twice";

/// The same where an act waits for a second person.
const WAITS: &str = "waits";

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
