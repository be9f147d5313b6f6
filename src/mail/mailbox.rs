//! The sandbox's mailbox for people: what was mailed, as a mail program shows it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use time::{format_description::StaticFormatDescription, macros::format_description};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::outbox::{self, StoredMail};
use crate::{
    clock::Clock,
    db::Db,
    http::{
        headers::NO_STORE,
        path::{PathId, parse_id},
        problem::ApiError,
    },
    sandbox::bar::Bar,
};

const MOMENT: StaticFormatDescription =
    format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]");
const OF_A_PAGE: &str = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// A mail brings its own style, and opens its links in a tab of their own. It can do nothing else.
const OF_A_MAIL: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
    sandbox allow-popups allow-popups-to-escape-sandbox";

#[derive(Template)]
#[template(path = "mail/templates/mailbox.html", config = ".config/askama.toml")]
struct MailboxPage {
    mails: Vec<Line>,
    bar: Bar,
}

struct Line {
    id: Uuid,
    to: String,
    subject: String,
    at: String,
}

#[derive(Template)]
#[template(path = "mail/templates/mail.html", config = ".config/askama.toml")]
struct MailPage {
    line: Line,
    text: String,
    bar: Bar,
}

impl From<&StoredMail> for Line {
    fn from(mail: &StoredMail) -> Self {
        let at = mail.created_at.date_time().format(&MOMENT);
        Self {
            id: mail.id,
            to: mail.recipient.clone(),
            subject: mail.subject.clone(),
            at: at.unwrap_or_else(|_| mail.created_at.to_string()),
        }
    }
}

/// Where the mails are, and the time for the bar below them.
#[derive(Clone)]
pub(super) struct Shelf {
    pub(super) db: Db,
    pub(super) clock: Arc<dyn Clock>,
}

impl Shelf {
    fn bar(&self, here: &str) -> Bar {
        Bar::new(self.clock.now(), here)
    }
}

/// The routes of the mailbox.
pub(super) fn routes(shelf: Shelf) -> OpenApiRouter {
    use axum::routing::get;
    OpenApiRouter::new()
        .route("/sandbox/mailbox", get(list))
        .route("/sandbox/mailbox/{id}", get(show))
        .route("/sandbox/mailbox/{id}/html", get(html))
        .with_state(shelf)
}

async fn list(State(shelf): State<Shelf>) -> Result<Response, ApiError> {
    let mut tx = shelf.db.read().await.map_err(ApiError::internal)?;
    let mails = outbox::newest(&mut tx, None).await.map_err(ApiError::internal)?;
    let mails = mails.iter().rev().map(Line::from).collect();
    page(OF_A_PAGE, MailboxPage { mails, bar: shelf.bar("/sandbox/mailbox") }.render())
}

/// Only what the list shows can be opened.
async fn find(db: &Db, id: PathId) -> Result<StoredMail, ApiError> {
    let id = parse_id(id)?;
    let mut tx = db.read().await.map_err(ApiError::internal)?;
    let mails = outbox::newest(&mut tx, None).await.map_err(ApiError::internal)?;
    mails.into_iter().find(|mail| mail.id == id).ok_or(ApiError::NotFound)
}

async fn show(State(shelf): State<Shelf>, id: PathId) -> Result<Response, ApiError> {
    let mail = find(&shelf.db, id).await?;
    let bar = shelf.bar(&format!("/sandbox/mailbox/{}", mail.id));
    let line = Line::from(&mail);
    page(OF_A_PAGE, MailPage { line, text: mail.body_text, bar }.render())
}

async fn html(State(shelf): State<Shelf>, id: PathId) -> Result<Response, ApiError> {
    let mail = find(&shelf.db, id).await?.body_html;
    // Our pages stand in no frame, so the links of a mail must not open in this one.
    page(OF_A_MAIL, Ok(mail.replacen("<head>", "<head><base target=\"_blank\">", 1)))
}

fn page(policy: &'static str, html: askama::Result<String>) -> Result<Response, ApiError> {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    Ok((NO_STORE, headers, Html(html.map_err(ApiError::internal)?)).into_response())
}
