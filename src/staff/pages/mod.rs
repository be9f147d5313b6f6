//! `/staff`: the back office in a browser. Plain forms that need no script; one script moves the
//! focus by keys.
//!
//! `seat` knows by its cookie who is on duty in a browser, `frame` is what every page is drawn with,
//! `submitted` takes a form only from these pages, and `refusal` says what cannot be. Each other file
//! is a page, or a few that belong together.

mod acts;
mod audit;
mod catalog;
mod chart;
mod cookies;
mod finding;
mod frame;
mod gifts;
mod given;
mod invoice;
mod ledger;
mod log_in;
mod mails;
pub(super) mod numbers;
mod reader;
mod reader_acts;
mod reader_contact;
mod refunds;
mod refusal;
mod seat;
mod sites;
mod submitted;
mod subscription;
mod subscriptions;
mod team;
mod timeline;
mod trouble;
mod why;

use std::sync::Arc;

use axum::{
    Router,
    http::HeaderMap,
    middleware::from_fn_with_state,
    routing::{get, post},
};

use super::desk::Desk;
use crate::http::asset::Asset;

static STYLESHEET: Asset = Asset::new("text/css; charset=utf-8", include_str!("../office.css"));
static SCRIPT: Asset = Asset::new("text/javascript; charset=utf-8", include_str!("../office.js"));

/// What these pages need.
#[derive(Clone)]
pub struct StaffPages {
    /// Does what staff ask for.
    pub desk: Arc<Desk>,
    /// Whose office it is.
    pub publisher: Arc<str>,
    /// Whether cookies travel by HTTPS only: everywhere but in a sandbox.
    pub secure: bool,
}

/// The routes of these pages. All but the log-in form need a session, and [`Desk`] counts wrong passwords.
pub fn routes(pages: StaffPages) -> Router {
    let forms = Router::new()
        .route("/staff/login", post(log_in::log_in))
        .route("/staff/logout", post(log_in::log_out))
        .route("/staff/complimentary/{id}/end", post(given::end))
        .route("/staff/gifts", post(gifts::offer))
        .route("/staff/gifts/withdraw", post(gifts::withdraw))
        .route("/staff/mails/retry", post(mails::retry))
        .route("/staff/readers/{id}/address", post(reader_contact::change_address))
        .route("/staff/readers/{id}/confirm-address", post(reader_contact::confirm_address))
        .route("/staff/readers/{id}/write", post(reader_contact::write))
        .route("/staff/readers/{id}/give", post(reader_acts::give))
        .route("/staff/readers/{id}/sign-out", post(reader_acts::sign_out))
        .route("/staff/readers/{id}/export", post(reader_acts::export))
        .route("/staff/readers/{id}/erase", post(reader_acts::erase))
        .route("/staff/subscriptions/{id}/{act}", post(acts::act))
        .route("/staff/views", post(subscriptions::keep))
        .route("/staff/views/remove", post(subscriptions::forget))
        .route("/staff/notes", post(reader::add_note))
        .route("/staff/refunds", post(refunds::decide))
        .route("/staff/trouble/look", post(trouble::look))
        .route("/staff/trouble/refund", post(trouble::refund))
        .route("/staff/team/role", post(team::set_role))
        .route("/staff/team/close", post(team::close))
        .route("/staff/team/open", post(team::open));
    Router::new()
        .merge(forms)
        .route("/staff/login", get(log_in::form))
        .route("/staff", get(numbers::home))
        .route("/staff/audit", get(audit::page))
        .route("/staff/catalog", get(catalog::page))
        .route("/staff/complimentary", get(given::page))
        .route("/staff/complimentary/{id}/end", get(given::end_form))
        .route("/staff/gifts", get(gifts::page))
        .route("/staff/invoices", get(finding::invoices))
        .route("/staff/invoices/{id}", get(invoice::page))
        .route("/staff/invoices/{id}/print", get(invoice::print))
        .route("/staff/mails", get(mails::page))
        .route("/staff/meters", get(sites::meters))
        .route("/staff/numbers", get(numbers::page))
        .route("/staff/numbers/{file}", get(numbers::file))
        .route("/staff/readers", get(finding::readers))
        .route("/staff/readers/{id}", get(reader::page))
        .route("/staff/readers/{id}/address", get(reader_contact::address_form))
        .route("/staff/readers/{id}/write", get(reader_contact::write_form))
        .route("/staff/readers/{id}/give", get(reader_acts::give_form))
        .route("/staff/readers/{id}/erase", get(reader_acts::erase_form))
        .route("/staff/refunds", get(refunds::page))
        .route("/staff/search", get(finding::search))
        .route("/staff/sites", get(sites::page))
        .route("/staff/subscriptions", get(subscriptions::page))
        .route("/staff/subscriptions.csv", get(subscriptions::export))
        .route("/staff/subscriptions/{id}", get(subscription::page))
        .route("/staff/subscriptions/{id}/{act}", get(acts::page))
        .route("/staff/team", get(team::page))
        .route("/staff/trouble", get(trouble::page))
        .route("/staff/why", get(why::page))
        .layer(from_fn_with_state(pages.clone(), refusal::in_a_page))
        .route("/assets/office.css", get(async |asked: HeaderMap| STYLESHEET.answer(&asked)))
        .route("/assets/office.js", get(async |asked: HeaderMap| SCRIPT.answer(&asked)))
        .with_state(pages)
}
