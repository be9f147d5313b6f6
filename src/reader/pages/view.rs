//! What the pages look like. Everything that readers typed is escaped by the templates.

use askama::Template;
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use time::{format_description::StaticFormatDescription, macros::format_description};

use super::{Pages, visit::FormTokens};
use crate::{auth::form, clock::Timestamp, http::problem::ApiError};

const DAY: StaticFormatDescription =
    format_description!("[day padding:none] [month repr:long] [year]");
/// Their own style and nothing else: no script, no frame, no form that leads elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A field of a form.
#[derive(Debug, Clone, Default)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// `email` or `password`.
    pub(super) kind: &'static str,
    /// What password managers should offer.
    pub(super) autocomplete: &'static str,
    /// What was typed before; never of a password.
    pub(super) value: String,
    pub(super) hint: &'static str,
    pub(super) error: Option<String>,
}

/// A form.
#[derive(Debug, Clone, Default)]
pub(super) struct Form {
    pub(super) action: &'static str,
    pub(super) heading: &'static str,
    pub(super) text: &'static str,
    pub(super) fields: Vec<Field>,
    pub(super) hidden: Vec<(&'static str, String)>,
    pub(super) button: &'static str,
}

/// A page of some words and forms.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    pub(super) title: &'static str,
    pub(super) lead: String,
    /// Something went wrong.
    pub(super) alert: Option<String>,
    pub(super) forms: Vec<Form>,
    /// Where else to go.
    pub(super) links: Vec<(&'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "reader/templates/page.html", config = ".config/askama.toml")]
struct PageTemplate<'a> {
    page: &'a Page,
    publisher: &'a str,
    token_field: &'static str,
    form_tokens: &'a FormTokens,
    logged_in: bool,
}

/// A device on the account page.
#[derive(Debug, Clone)]
pub(super) struct DeviceView {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) since: String,
    pub(super) last_used: String,
    pub(super) current: bool,
}

/// The account page.
#[derive(Debug, Clone)]
pub(super) struct AccountView {
    pub(super) email: String,
    pub(super) since: String,
    pub(super) devices: Vec<DeviceView>,
    pub(super) forms: Vec<Form>,
    pub(super) alert: Option<String>,
}

#[derive(Template)]
#[template(path = "reader/templates/account.html", config = ".config/askama.toml")]
struct AccountTemplate<'a> {
    account: &'a AccountView,
    publisher: &'a str,
    token_field: &'static str,
    form_tokens: &'a FormTokens,
    logged_in: bool,
}

/// Draws a page.
pub(super) fn page(
    pages: &Pages,
    status: StatusCode,
    page: &Page,
    form_tokens: &FormTokens,
) -> Response {
    let template = PageTemplate {
        page,
        publisher: whose(pages, form_tokens),
        token_field: form::FIELD,
        form_tokens,
        logged_in: false,
    };
    answer(status, template.render())
}

/// Draws the account page.
pub(super) fn account(
    pages: &Pages,
    status: StatusCode,
    account: &AccountView,
    form_tokens: &FormTokens,
) -> Response {
    let template = AccountTemplate {
        account,
        publisher: whose(pages, form_tokens),
        token_field: form::FIELD,
        form_tokens,
        logged_in: true,
    };
    answer(status, template.render())
}

/// Whose page it is: the site's name, or the publisher's where there is no site.
fn whose<'a>(pages: &'a Pages, form_tokens: &'a FormTokens) -> &'a str {
    form_tokens.site.as_ref().map_or(&pages.publisher, |site| &site.site.name)
}

fn answer(status: StatusCode, html: askama::Result<String>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        // An address may hold the token of a link. (`no-referrer` would hide the origin of forms
        // from ourselves too.)
        (header::REFERRER_POLICY, "strict-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "interest-cohort=()"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)));
    match html {
        Ok(html) => (status, headers, html).into_response(),
        Err(error) => ApiError::internal(error).into_response(),
    }
}

/// The day that `at` falls on, in words.
pub(super) fn day(at: Timestamp) -> String {
    at.date_time().format(&DAY).unwrap_or_else(|_| at.to_string())
}

/// The field for an address.
pub(super) fn email_field(value: &str) -> Field {
    Field {
        name: "email",
        label: "Email address",
        kind: "email",
        autocomplete: "username",
        value: value.to_owned(),
        ..Field::default()
    }
}

/// The field for the password of today.
pub(super) fn password_field(name: &'static str) -> Field {
    Field {
        name,
        label: "Password",
        kind: "password",
        autocomplete: "current-password",
        ..Field::default()
    }
}

/// The field for a password to come.
pub(super) fn new_password_field(name: &'static str, label: &'static str) -> Field {
    Field {
        name,
        label,
        kind: "password",
        autocomplete: "new-password",
        hint: "At least 8 characters. A few words that do not belong together are good.",
        ..Field::default()
    }
}

impl Page {
    /// The same page, which says what was wrong with the form that was sent to `action`: beside
    /// the field `name` where that form has it, else above all forms.
    pub(super) fn refused(mut self, action: &str, name: Option<&str>, why: &str) -> Self {
        // Several forms on a page may have fields of the same name.
        let sent = self.forms.iter_mut().filter(|form| form.action == action);
        let mut fields = sent.flat_map(|form| &mut form.fields);
        match fields.find(|field| Some(field.name) == name) {
            Some(field) => field.error = Some(why.to_owned()),
            None => self.alert = Some(why.to_owned()),
        }
        self
    }
}
