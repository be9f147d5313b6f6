//! `/account/switch`: another plan, first shown, then done exactly so.

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    agreement::{of_form, renews, sealed, way_out},
    cancel::chosen,
    card_turn,
    facts::rate_of,
    problem,
};
use crate::{
    billing::{
        catalog::model::Terms,
        consent::Shown,
        engine::{BillingError, Preview},
        subscription::{change::Refusal, model::Subscription},
    },
    http::client_ip::ClientIp,
    language::Words,
    reader::pages::{
        Pages,
        fields::Form,
        halt::Halt,
        sheet::Sheet,
        submitted::Submitted,
        view::{self, Page, link},
        visit::Visit,
    },
};

#[derive(Debug, Deserialize)]
pub(super) struct Target {
    #[serde(default)]
    id: String,
    /// Where there is one other plan only, it is meant.
    #[serde(default)]
    plan: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SwitchForm {
    id: String,
    plan: String,
    preview: String,
    /// The fingerprint of what stood beside the button.
    #[serde(default)]
    shown: String,
}

/// One form for each plan, with everything that it would do.
async fn page_of(
    pages: &Pages,
    sheet: &Sheet,
    it: &Subscription,
    plan: &str,
) -> Result<Page, BillingError> {
    let words = &sheet.words;
    let name = it.terms.plan.name.in_language(words.language);
    let mut forms = Vec::new();
    for terms in pages.accounts.billing.other_plans(it) {
        if !plan.is_empty() && terms.plan.id != plan {
            continue;
        }
        let of = (it.reader, it.id);
        let preview = pages.accounts.billing.preview(of, &terms.plan.id).await?;
        forms.push(sealed(words, form_of((pages, words), it, &terms, &preview)));
    }
    Ok(Page {
        title: words.say("plan-switch-title"),
        lead: words.with("plan-switch-lead", &[("plan", name.into())]),
        forms,
        links: vec![link("/account", words.say("plan-switch-stay"))],
        ..Page::default()
    })
}

fn form_of(
    (pages, words): (&Pages, &Words),
    it: &Subscription,
    terms: &Terms,
    preview: &Preview,
) -> Form {
    let name = terms.plan.name.in_language(words.language);
    let button = if preview.charge.is_zero() {
        words.with("plan-switch-button", &[("plan", name.into())])
    } else {
        let amount = words.money(preview.charge).into();
        words.with("plan-switch-pay", &[("plan", name.into()), ("amount", amount)])
    };
    let rate = rate_of(words, terms, &it.country);
    let agreement =
        [renews(words, &rate, preview.next_charge_at), way_out(words, &pages.accounts.public_url)];
    let mut facts = vec![
        (words.say("plan-switch-from"), words.moment(preview.effective_at)),
        (words.say("plan-switch-until"), words.moment(preview.next_charge_at)),
        (words.say("plan-price"), rate),
    ];
    if !preview.credit.is_zero() {
        facts.push((words.say("plan-switch-credit"), words.money(preview.credit)));
    }
    facts.push((words.say("plan-switch-charge"), words.money(preview.charge)));
    Form {
        heading: name.to_owned(),
        text: agreement.join(" "),
        facts,
        hidden: vec![
            ("id", it.id.to_string()),
            ("plan", terms.plan.id.clone()),
            ("preview", preview.token.clone()),
        ],
        ..Form::new("/account/switch", button)
    }
}

pub(super) async fn page(
    State(pages): State<Pages>,
    visit: Visit,
    Query(Target { id, plan }): Query<Target>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let member = visit.member_or_login("/account")?;
    match chosen(&pages, member.reader.id, &id).await {
        Ok(it) => show(&pages, &sheet, &it, (&plan, None)).await,
        Err(error) => problem(&pages, &sheet, error),
    }
}

async fn show(
    pages: &Pages,
    sheet: &Sheet,
    it: &Subscription,
    (plan, alert): (&str, Option<&str>),
) -> Result<Response, Halt> {
    match page_of(pages, sheet, it, plan).await {
        Ok(page) => {
            let status = if alert.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
            let page = Page { alert: alert.map(|id| sheet.words.say(id)), ..page };
            Ok(view::page(pages, status, &page, sheet))
        }
        Err(error) => problem(pages, sheet, error),
    }
}

pub(super) async fn switch(
    State(pages): State<Pages>,
    ClientIp(client): ClientIp,
    Submitted { visit, fields }: Submitted<SwitchForm>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let member = visit.member_or_login("/account")?;
    let reader = member.reader.id;
    let it = match chosen(&pages, reader, &fields.id).await {
        Ok(it) => it,
        Err(error) => return problem(&pages, &sheet, error),
    };
    let billing = &pages.accounts.billing;
    let SwitchForm { plan, preview, shown, .. } = &fields;
    let agreed = match seen(&pages, &sheet, &it, (plan, preview)).await {
        Ok(seen) => seen.filter(|seen| seen.fingerprint() == *shown),
        // Sent twice: it is done.
        Err(BillingError::Refused(Refusal::SamePlan)) => {
            return Ok(Redirect::to("/account").into_response());
        }
        Err(error) => return problem(&pages, &sheet, error),
    };
    let Some(agreed) = agreed else {
        return show(&pages, &sheet, &it, (plan, Some("plan-switch-stale"))).await;
    };
    let turn = match card_turn(&pages, reader, client).await {
        Ok(turn) => turn,
        Err(error) => return problem(&pages, &sheet, error),
    };
    match billing.switch((reader, it.id), plan, preview, Some(&agreed), &turn).await {
        Ok(switched) => match billing.confirm_at(&switched).await? {
            Some(bank) => Ok(Redirect::to(&bank).into_response()),
            None => Ok(Redirect::to("/account").into_response()),
        },
        // At the same moment.
        Err(BillingError::Refused(Refusal::SamePlan)) => {
            Ok(Redirect::to("/account").into_response())
        }
        Err(BillingError::Refused(Refusal::PreviewStale)) => {
            show(&pages, &sheet, &it, (&fields.plan, Some("plan-switch-stale"))).await
        }
        Err(error) => problem(&pages, &sheet, error),
    }
}

/// What stood on the form that carried `preview`; `None` where that holds no longer.
async fn seen(
    pages: &Pages,
    sheet: &Sheet,
    it: &Subscription,
    (plan, preview): (&str, &str),
) -> Result<Option<Shown>, BillingError> {
    let billing = &pages.accounts.billing;
    let preview = billing.previewed((it.reader, it.id), plan, preview).await?;
    let terms = Terms::of(&billing.catalogs.current(), plan);
    let words = &sheet.words;
    let form = terms.zip(preview);
    let form = form.map(|(terms, preview)| form_of((pages, words), it, &terms, &preview));
    Ok(form.map(|form| of_form(words, &form)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeForm {
    id: String,
}

pub(super) async fn revoke(
    State(pages): State<Pages>,
    Submitted { visit, fields: RevokeForm { id } }: Submitted<RevokeForm>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let member = visit.member_or_login("/account")?;
    let id = Uuid::parse_str(&id).unwrap_or_default();
    match pages.accounts.billing.revoke_switch((member.reader.id, id)).await {
        Ok(_) | Err(BillingError::Refused(_)) => Ok(Redirect::to("/account").into_response()),
        Err(error) => problem(&pages, &sheet, error),
    }
}
