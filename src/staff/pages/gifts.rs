//! `/staff/gifts`: giving a product to an address, and the gifts that wait to be accepted.

use askama::Template;
use axum::{
    extract::{Query, State},
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
    subscription::Done,
};
use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::{
        catalog::model::Product,
        engine::{BillingError, DAYS_MAX, Office, REASON_MAX},
    },
    http::problem::ApiError,
    language::Language,
    mail::address::Address,
    reader::gift::{Offer, Offered},
    staff::{desk::Acting, plain},
};

/// What is to be given.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wish {
    email: String,
    product: String,
    days: String,
    language: String,
    #[serde(deserialize_with = "crate::http::text::lines")]
    reason: String,
    operation: String,
}

#[derive(Template)]
#[template(path = "staff/templates/gifts.html", config = ".config/askama.toml")]
struct GiftsPage {
    frame: Frame,
    wish: Wish,
    /// The ids and names of what can be given.
    products: Vec<(String, String)>,
    why: Option<String>,
    waiting: Vec<Row>,
}

/// A gift that waits.
struct Row {
    id: Uuid,
    email: String,
    what: String,
    until: String,
    said: String,
}

async fn draw(
    (pages, seat): (&StaffPages, &Seat),
    (status, mut wish, why): (StatusCode, Wish, Option<String>),
    notice: Option<&str>,
) -> Result<Response, ApiError> {
    let accounts = &pages.desk.readers;
    wish.operation = pages.desk.new_operation()?.to_string();
    let frame = seat.frame(pages, "Give access to an address", Place::Given);
    let frame = frame.saying(notice.map(str::to_owned));
    let waiting = accounts.waiting_gifts().await?;
    let by = seat.to(Permission::SubscriptionsAct)?.lookup();
    pages.desk.note_listing(&by, "gifts", waiting.len()).await?;
    let waiting = waiting.into_iter().map(|gift| Row {
        id: gift.id,
        email: gift.email.typed().to_owned(),
        what: format!("{} for {} days", gift.product, gift.days),
        until: frame.words.day(gift.expires_at),
        said: format!("{}: {}", plain::actor(&gift.given_by), gift.reason),
    });
    let waiting = waiting.collect();
    let catalog = accounts.billing.catalogs.current();
    let language = frame.words.language;
    let named = |it: &Product| (it.id.clone(), it.name.in_language(language).to_owned());
    let products = catalog.products.iter().map(named).collect();
    let page = GiftsPage { frame, wish, products, why, waiting };
    Ok(frame::answer(status, page.render()))
}

/// What to give, and what waits.
pub(super) async fn page(
    State(pages): State<StaffPages>,
    seat: Seat,
    Query(Done { done }): Query<Done>,
) -> Result<Response, ApiError> {
    seat.to(Permission::SubscriptionsAct)?;
    let notice = match done.as_deref() {
        Some("sent") => Some("The mail with the link is on its way."),
        Some("gone") => Some("It waits no more: it was accepted, taken back, or is over."),
        Some("withdrawn") => Some("It was taken back: its link leads nowhere now."),
        _ => None,
    };
    let wish = Wish { days: "30".to_owned(), ..Wish::default() };
    draw((&pages, &seat), (StatusCode::OK, wish, None), notice).await
}

fn office(
    acting: &Acting,
    action: Action,
    (reason, operation): (&str, &str),
) -> Result<Office, String> {
    let reason = reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        return Err(format!("Say why, in at most {REASON_MAX} characters."));
    }
    let entry = acting.entry(action);
    Ok(Office { entry, reason, seen: None, operation: operation.parse().ok() })
}

impl Wish {
    fn offer(&self) -> Result<Offer, String> {
        let email = Address::parse(self.email.trim());
        let email = email.map_err(|rule| format!("The address {rule}."))?;
        let days = self.days.trim().parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
        Ok(Offer {
            email,
            language: Language::parse(&self.language).unwrap_or(Language::English),
            product: (!self.product.is_empty()).then(|| self.product.clone()),
            days: days.ok_or_else(|| format!("Give 1 to {DAYS_MAX} days."))?,
        })
    }
}

/// Gives it.
pub(super) async fn offer(
    State(pages): State<StaffPages>,
    Submitted { seat, fields: wish }: Submitted<Wish>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::SubscriptionsAct)?;
    let why = (wish.reason.as_str(), wish.operation.as_str());
    let order =
        wish.offer().and_then(|offer| Ok((offer, office(acting, Action::GiftOffered, why)?)));
    let (offer, office) = match order {
        Ok(order) => order,
        Err(why) => {
            let refused = (StatusCode::UNPROCESSABLE_ENTITY, wish, Some(why));
            return draw((&pages, &seat), refused, None).await;
        }
    };
    match pages.desk.readers.offer(offer, &office).await {
        Ok(Offered::Given(given)) => {
            let to = format!("/staff/readers/{}?done=given", given.reader_id);
            Ok(Redirect::to(&to).into_response())
        }
        Ok(Offered::Waits(_)) => Ok(Redirect::to("/staff/gifts?done=sent").into_response()),
        Err(error @ (BillingError::GiftWaits | BillingError::Invalid { .. })) => {
            let why = Some(format!("Not possible now: {error}."));
            draw((&pages, &seat), (StatusCode::CONFLICT, wish, why), None).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A gift that is to be taken back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfGift {
    id: Uuid,
    #[serde(deserialize_with = "crate::http::text::lines")]
    reason: String,
}

/// Takes one back.
pub(super) async fn withdraw(
    State(pages): State<StaffPages>,
    Submitted { seat, fields: OfGift { id, reason } }: Submitted<OfGift>,
) -> Result<Response, ApiError> {
    let acting = seat.to(Permission::SubscriptionsAct)?;
    let office = match office(acting, Action::GiftWithdrawn, (&reason, "")) {
        Ok(office) => office,
        Err(why) => {
            let refused = (StatusCode::UNPROCESSABLE_ENTITY, Wish::default(), Some(why));
            return draw((&pages, &seat), refused, None).await;
        }
    };
    match pages.desk.readers.withdraw_gift(id, &office).await {
        Ok(()) => Ok(Redirect::to("/staff/gifts?done=withdrawn").into_response()),
        // Sent twice, or accepted meanwhile.
        Err(BillingError::NotFound) => Ok(Redirect::to("/staff/gifts?done=gone").into_response()),
        Err(error) => Err(error.into()),
    }
}
