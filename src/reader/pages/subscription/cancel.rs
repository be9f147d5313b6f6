//! `/account/cancel`. Two clicks, and no question before the end.

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{offer::told, problem};
use crate::{
    billing::{
        catalog::model::Interval,
        engine::{BillingError, CancelAt, Cancellation},
        subscription::{change::Refusal, model::Subscription},
    },
    language::Words,
    reader::pages::{
        Pages,
        fields::{Field, Form, Kind},
        halt::Halt,
        sheet::Sheet,
        submitted::Submitted,
        view::{self, Page, link},
        visit::Visit,
    },
};

/// Most characters of what a reader says on leaving.
pub(super) const COMMENT_MAX: usize = 500;

/// Which subscription.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelForm {
    id: String,
    /// `now` where the law lets the reader withdraw.
    #[serde(default)]
    at: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonForm {
    id: String,
    #[serde(default, deserialize_with = "crate::http::text::lines")]
    reason: String,
}

/// The reader's subscription that `id` names; where none does, the one that can be canceled.
pub(super) async fn chosen(
    pages: &Pages,
    reader: Uuid,
    id: &str,
) -> Result<Subscription, BillingError> {
    let billing = &pages.accounts.billing;
    if let Ok(id) = Uuid::parse_str(id) {
        return billing.find(reader, id).await;
    }
    let all = billing.list(reader).await?;
    all.into_iter().find(|it| it.state.ended().is_none()).ok_or(BillingError::NotFound)
}

/// What happens, and the button. A way to pay less stands beside it, where there is one.
fn page_of(pages: &Pages, words: &Words, it: &Subscription) -> Page {
    let plan = it.terms.plan.name.in_language(words.language);
    let until = it.period().map(|period| words.day(period.end)).unwrap_or_default();
    let variables = [("plan", plan.into()), ("date", until.into())];
    let id = it.id.to_string();
    let cancel = Form {
        text: words.with("plan-cancel-what", &variables),
        hidden: vec![("id", id.clone())],
        is_danger: true,
        ..Form::new("/account/cancel", words.say("plan-cancel-button"))
    };
    let billing = &pages.accounts.billing;
    let now = billing.clock.now();
    let withdraw = billing.withdraw_until(it, now).map(|until| Form {
        heading: words.say("plan-withdraw-title"),
        text: words.with("plan-withdraw-what", &[("date", words.moment(until).into())]),
        hidden: vec![("id", id), ("at", "now".to_owned())],
        is_quiet: true,
        ..Form::new("/account/cancel", words.say("plan-withdraw-button"))
    });
    let catalog = billing.catalogs.current();
    let mut offered = catalog.offered(None);
    let yearly = offered.find(|other| {
        other.product == it.product()
            && other.interval == Interval::Year
            && it.terms.plan.interval == Interval::Month
    });
    let saves = yearly.and_then(|plan| Some((plan, catalog.savings(plan)?)));
    let stay = saves.map(|(plan, saved)| {
        let variables = [
            ("plan", plan.name.in_language(words.language).into()),
            ("amount", words.money(saved).into()),
        ];
        link(
            format!("/account/switch?id={}&plan={}", it.id, plan.id),
            words.with("plan-cancel-instead", &variables),
        )
    });
    Page {
        title: words.say("plan-cancel-title"),
        forms: [cancel].into_iter().chain(withdraw).collect(),
        links: stay.into_iter().chain([link("/account", words.say("plan-cancel-stay"))]).collect(),
        ..Page::default()
    }
}

pub(super) async fn page(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Which { id }): Query<Which>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let member = visit.owner_or_login("/account/cancel")?;
    match chosen(&pages, member.reader.id, &id).await {
        Ok(it) if it.cancels_at_period_end() => Ok(Redirect::to("/account").into_response()),
        Ok(it) => {
            Ok(view::page(&pages, StatusCode::OK, &page_of(&pages, &sheet.words, &it), &sheet))
        }
        Err(BillingError::NotFound) => Ok(nothing(&pages, &sheet)),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn nothing(pages: &Pages, sheet: &Sheet) -> Response {
    let words = &sheet.words;
    let links = vec![link("/account", words.say("account-title"))];
    let said = ("plan-cancel-nothing-title", "plan-cancel-nothing");
    told(pages, sheet, StatusCode::OK, said, links)
}

/// It is done: what follows, and the question that nobody must answer.
pub(super) fn done_page(words: &Words, it: &Subscription, asks: bool) -> Page {
    let date = match (it.state.ended(), it.period()) {
        (Some(_), _) | (None, None) => None,
        (None, Some(period)) => Some(words.day(period.end)),
    };
    let lead = match date {
        Some(date) => words.with("plan-canceled-lead", &[("date", date.into())]),
        None => words.say("plan-canceled-lead-now"),
    };
    let reason = Field {
        optional: true,
        maxlength: COMMENT_MAX,
        ..Field::new("reason", words.say("plan-reason"), Kind::Lines(3))
    };
    let why = Form {
        heading: words.say("plan-reason-title"),
        fields: vec![reason],
        hidden: vec![("id", it.id.to_string())],
        is_quiet: true,
        ..Form::new("/account/cancel/reason", words.say("plan-reason-button"))
    };
    Page {
        title: words.say("plan-canceled-title"),
        lead,
        forms: asks.then_some(why).into_iter().collect(),
        links: vec![link("/account", words.say("account-title"))],
        ..Page::default()
    }
}

pub(super) async fn cancel(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<CancelForm>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let member = visit.owner_or_login("/account/cancel")?;
    let billing = &pages.accounts.billing;
    let reader = member.reader.id;
    let Ok(id) = Uuid::parse_str(&fields.id) else { return Ok(nothing(&pages, &sheet)) };
    let at = if fields.at == "now" { CancelAt::Now } else { CancelAt::PeriodEnd };
    match billing.cancel((reader, id), Cancellation { at, comment: None }).await {
        // A reload shows it again and does nothing.
        Ok(it) => Ok(Redirect::to(&format!("/account/canceled?id={}", it.id)).into_response()),
        Err(BillingError::NotFound) => Ok(nothing(&pages, &sheet)),
        Err(BillingError::Refused(Refusal::InvalidTransition(_))) => {
            // In another tab, or by the clock, it has come to an end meanwhile.
            Ok(Redirect::to("/account").into_response())
        }
        Err(error) => problem(&pages, &sheet, error),
    }
}

pub(super) async fn canceled(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Which { id }): Query<Which>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let member = visit.owner_or_login("/account")?;
    let Ok(id) = Uuid::parse_str(&id) else { return Ok(nothing(&pages, &sheet)) };
    match pages.accounts.billing.find(member.reader.id, id).await {
        Ok(it) if it.cancels_at_period_end() || it.state.ended().is_some() => {
            let page = done_page(&sheet.words, &it, true);
            Ok(view::page(&pages, StatusCode::OK, &page, &sheet))
        }
        Ok(_) => Ok(Redirect::to("/account").into_response()),
        Err(BillingError::NotFound) => Ok(nothing(&pages, &sheet)),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn give_reason(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<ReasonForm>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let words = &sheet.words;
    let member = visit.owner_or_login("/account")?;
    let reason: String = fields.reason.trim().chars().take(COMMENT_MAX).collect();
    let Ok(id) = Uuid::parse_str(&fields.id) else { return Ok(nothing(&pages, &sheet)) };
    if !reason.is_empty() {
        match pages.accounts.billing.comment((member.reader.id, id), reason).await {
            Ok(()) => {}
            Err(BillingError::NotFound) => return Ok(nothing(&pages, &sheet)),
            Err(error) => return Err(error.into()),
        }
    }
    let links = vec![link("/account", words.say("account-title"))];
    let thanks = ("plan-thanks-title", "plan-thanks");
    Ok(told(&pages, &sheet, StatusCode::OK, thanks, links))
}
