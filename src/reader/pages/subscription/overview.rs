//! What stands of subscriptions on the account page, and the printed invoices behind it.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{facts::SubscriptionView, resume};
use crate::{
    auth::form,
    billing::{
        engine::BillingError,
        invoice::{
            model::State as InvoiceState,
            paper::{CONTENT_SECURITY_POLICY, Kind},
        },
        subscription::model::Subscription,
    },
    clock::Timestamp,
    http::{
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::ApiError,
    },
    language::Words,
    reader::pages::{Pages, halt::Halt, sheet::Sheet, visit::Visit},
};

/// An invoice in the list.
#[derive(Debug)]
struct InvoiceLine {
    id: Uuid,
    number: String,
    day: String,
    total: String,
    status: String,
    paid: bool,
}

/// What a reader has, and what was paid for it.
#[derive(Template)]
#[template(path = "reader/templates/subscription/overview.html", config = ".config/askama.toml")]
pub(in crate::reader::pages) struct Overview<'a> {
    sheet: &'a Sheet,
    words: &'a Words,
    token_field: &'static str,
    subscriptions: Vec<SubscriptionView>,
    gifts: Vec<String>,
    invoices: Vec<InvoiceLine>,
}

impl<'a> Overview<'a> {
    /// Everything of `reader`.
    pub(in crate::reader::pages) async fn of(
        pages: &Pages,
        reader: Uuid,
        sheet: &'a Sheet,
    ) -> Result<Self, BillingError> {
        let billing = &pages.accounts.billing;
        let words = &sheet.words;
        let now = billing.clock.now();
        let all = billing.list(reader).await?;
        let open = all.iter().filter(|it| it.state.ended().is_none());
        // Of what has ended the last one is enough, where nothing else runs.
        let mut shown: Vec<&Subscription> = open.collect();
        if shown.is_empty() {
            shown.extend(all.first());
        }
        let catalog = billing.catalogs.current();
        let has_others = |it: &Subscription| {
            let plan = &it.terms.plan;
            let mut offered = catalog.offered(None);
            offered.any(|other| other.product == plan.product && other.id != plan.id)
        };
        let view = |it: &&Subscription| SubscriptionView {
            resume: resume::form(pages, words, it, ("/account/resume", ("id", it.id.to_string()))),
            ..SubscriptionView::of(words, it, has_others(it))
        };
        Ok(Self {
            sheet,
            words,
            token_field: form::FIELD,
            subscriptions: shown.iter().map(view).collect(),
            gifts: gifts(words, &billing.grants(reader).await?, now),
            invoices: invoices(words, billing.issued(reader).await?),
        })
    }
}

fn gifts(words: &Words, grants: &[crate::billing::grant::Grant], now: Timestamp) -> Vec<String> {
    let running = grants.iter().filter(|grant| grant.runs(now));
    let told = running.map(|grant| {
        words.with("plan-complimentary", &[("date", words.day(grant.ends_at).into())])
    });
    told.collect()
}

fn invoices(
    words: &Words,
    issued: Vec<crate::billing::invoice::model::Invoice>,
) -> Vec<InvoiceLine> {
    let line = |invoice: crate::billing::invoice::model::Invoice| {
        let issue = invoice.issue()?;
        let status = match invoice.state {
            InvoiceState::Paid { .. } => "paid",
            InvoiceState::Void { .. } => "void",
            _ => "open",
        };
        Some(InvoiceLine {
            id: invoice.head.id,
            number: issue.number.clone(),
            day: words.day(issue.at),
            total: words.money(invoice.sums.total),
            status: words.with("plan-invoice-status", &[("status", status.into())]),
            paid: status == "paid",
        })
    };
    issued.into_iter().filter_map(line).collect()
}

pub(super) async fn invoice(
    State(pages): State<Pages>,
    visit: Visit,
    id: PathId,
) -> Result<Response, Halt> {
    print(&pages, visit, id, Kind::Invoice).await
}

pub(super) async fn receipt(
    State(pages): State<Pages>,
    visit: Visit,
    id: PathId,
) -> Result<Response, Halt> {
    print(&pages, visit, id, Kind::Receipt).await
}

async fn print(pages: &Pages, visit: Visit, id: PathId, kind: Kind) -> Result<Response, Halt> {
    let member = visit.member_or_login("/account")?;
    let id = parse_id(id)?;
    let page = pages.accounts.billing.print_invoice((member.reader.id, id), kind).await?;
    let policy = HeaderValue::from_str(&CONTENT_SECURITY_POLICY).map_err(ApiError::internal)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    Ok((NO_STORE, headers, page).into_response())
}
