//! The readers' own pages: signing up, logging in, the account. Plain forms that need no script.
//!
//! `visit` knows the browser by its cookies and how to speak to it, `titles` to which site a page
//! belongs, `submitted` takes a form only from our own pages, `fields` says what a form asks for,
//! `sheet` what a page is drawn with, `view` draws, `refusal` says what cannot be, `halt` ends a handler
//! early, and `way_back` leads to the website that a reader came from. `sign_up`, `log_in`, `account`, `data`, `language`, `subscription` and
//! `newsletters` are the pages.

mod account;
mod cookies;
mod data;
mod fields;
mod gift;
mod halt;
mod language;
mod log_in;
mod newsletters;
mod refusal;
mod sheet;
mod sign_up;
mod submitted;
mod subscription;
mod titles;
mod view;
mod visit;
mod way_back;

use std::sync::Arc;

use axum::{
    Router,
    http::HeaderMap,
    middleware::from_fn_with_state,
    routing::{get, post},
};

pub use self::{
    refusal::nothing_here,
    visit::{form_token, reader_of},
};
use super::accounts::Accounts;
use crate::{
    auth::guard::{Guard, count_misses},
    http::asset::Asset,
    newsletter::newsletters::Newsletters,
    numbers::counts::PageCounts,
};

/// Where there is nowhere better to go.
const HOME: &str = "/account";
static STYLESHEET: Asset = Asset::new("text/css; charset=utf-8", include_str!("../account.css"));
/// What is for everybody may be found; what is for one reader need not be asked for.
static ROBOTS: Asset = Asset::new(
    "text/plain; charset=utf-8",
    "User-agent: *\nDisallow: /account\nDisallow: /mail/\nDisallow: /v1/\n\
     Disallow: /subscribe/welcome\nDisallow: /read-on\n",
);
static ICON: Asset = Asset::new("image/svg+xml", include_str!("../icon.svg"));

/// What these pages need.
#[derive(Clone)]
pub struct Pages {
    /// Does what readers ask for.
    pub accounts: Arc<Accounts>,
    /// Signs up to newsletters, and off again.
    pub newsletters: Arc<Newsletters>,
    /// What pages do, for the figures of the office.
    pub counts: PageCounts,
    /// Whose pages they are.
    pub publisher: Arc<str>,
    /// Whether cookies travel by HTTPS only, and their names say so: everywhere but in a sandbox.
    pub secure: bool,
}

/// Forms that need no guard: they take a password or ask for a mail, which is counted elsewhere, or
/// do what a browser may with its session, or take a notice.
fn forms() -> Router<Pages> {
    Router::new()
        .route("/signup", post(sign_up::sign_up))
        .route("/login", post(log_in::log_in))
        .route("/login/email", post(log_in::send_link))
        .route("/login/reset", post(log_in::send_reset))
        .route("/logout", post(log_in::log_out))
        .route("/language", post(language::choose))
        .route("/account/sessions/end", post(account::end_session))
        .route("/account/sessions/end-all", post(account::end_sessions))
        .route("/account/password", post(account::change_password))
        .route("/account/email", post(account::ask_for_address))
        .route("/account/erase", post(data::erase))
        .merge(subscription::forms())
        .route("/account/newsletters", post(newsletters::account::change))
        .route("/newsletters", post(newsletters::sign_up::ask))
}

/// The routes of these pages. `guard` counts wrong tokens. Wrong passwords, and mails that are asked for,
/// are counted by [`Accounts`], and declined cards by its billing.
pub fn routes(pages: Pages, guard: Guard) -> Router {
    let tokens = Router::new()
        .route("/signup/confirm", post(sign_up::confirm))
        .route("/login/link", post(log_in::by_link))
        .route("/login/reset/set", post(log_in::reset))
        .route("/gift", post(gift::accept))
        .route("/account/address", post(account::agree_to_address))
        .route("/account/address/object", post(account::object_to_address))
        .merge(subscription::by_links())
        .route("/newsletters/confirm", post(newsletters::sign_up::confirm))
        .route("/newsletters/preferences", post(newsletters::preferences::change))
        .route("/newsletters/leave", post(newsletters::preferences::leave))
        .layer(from_fn_with_state(guard, count_misses));
    Router::new()
        .merge(tokens)
        .merge(forms())
        .route("/signup", get(sign_up::form))
        .route("/signup/confirm", get(sign_up::confirm_form))
        .route("/login", get(log_in::form))
        .route("/read-on", get(way_back::read_on))
        .route("/login/link", get(log_in::link_form))
        .route("/login/reset", get(log_in::reset_form))
        .route("/gift", get(gift::page))
        .route("/account", get(account::page))
        .route("/account/address", get(account::address_form))
        .route("/account/address/object", get(account::object_form))
        .route("/account/export", get(data::export))
        .route("/account/erase", get(data::erase_form))
        .merge(subscription::pages())
        .route("/account/newsletters", get(newsletters::account::page))
        .route("/newsletters", get(newsletters::sign_up::form))
        .route("/newsletters/confirm", get(newsletters::sign_up::confirm_form))
        .route("/newsletters/preferences", get(newsletters::preferences::page))
        .route("/newsletters/unsubscribe", get(newsletters::preferences::leave_form))
        .layer(from_fn_with_state(pages.clone(), refusal::in_a_page))
        .merge(newsletters::one_click::route())
        .route("/assets/account.css", get(async |asked: HeaderMap| STYLESHEET.answer(&asked)))
        .route("/robots.txt", get(async |asked: HeaderMap| ROBOTS.answer(&asked)))
        .route("/assets/account.svg", get(async |asked: HeaderMap| ICON.answer(&asked)))
        .with_state(pages)
}
