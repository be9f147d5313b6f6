//! What the pages look like. Everything that readers typed is escaped by the templates.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{
    Pages,
    fields::{Form, Kind},
    sheet::Sheet,
    subscription::Overview,
};
use crate::{auth::form, http::page};

/// Their own style and nothing else: no script, no frame, no form that leads elsewhere. Tools that
/// judge a page may ask for its robots.txt.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// A page of some words and forms.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    pub(super) title: String,
    /// What a search engine says of it. Only a page that is the same for all, and opened by an
    /// address without a secret, has one; the others ask not to be found.
    pub(super) description: String,
    pub(super) lead: String,
    /// Something went wrong.
    pub(super) alert: Option<String>,
    pub(super) forms: Vec<Form>,
    /// Where else to go, and what that is called.
    pub(super) links: Vec<(String, String)>,
    /// The origin to which its forms lead in the end, where that is not ours.
    pub(super) leads_to: Option<String>,
}

/// A link, for [`Page::links`].
pub(super) fn link(href: impl Into<String>, label: impl Into<String>) -> (String, String) {
    (href.into(), label.into())
}

#[derive(Template)]
#[template(path = "reader/templates/page.html", config = ".config/askama.toml")]
struct PageTemplate<'a> {
    page: &'a Page,
    description: &'a str,
    problems: Vec<Problem<'a>>,
    sheet: &'a Sheet,
    publisher: &'a str,
    token_field: &'static str,
}

/// A device on the account page.
#[derive(Debug, Clone)]
pub(super) struct DeviceView {
    pub(super) id: String,
    pub(super) name: String,
    /// Since when it is logged in, and when it was used last.
    pub(super) times: String,
    /// What the button beside it does, for who does not see what it stands beside.
    pub(super) end_label: String,
    pub(super) current: bool,
}

/// Something on the account page that can be changed; it opens at a touch.
#[derive(Debug, Clone)]
pub(super) struct Section {
    /// How it is today, in a word or two.
    pub(super) now: String,
    pub(super) form: Form,
}

/// The account page. Each part of it is a template of its own.
#[derive(Debug, Clone)]
pub(super) struct AccountView {
    pub(super) email: String,
    pub(super) since: String,
    pub(super) sections: Vec<Section>,
    /// Which newsletters the reader receives, in a sentence.
    pub(super) newsletters: String,
    pub(super) devices: Vec<DeviceView>,
    pub(super) alert: Option<String>,
}

#[derive(Template)]
#[template(path = "reader/templates/account.html", config = ".config/askama.toml")]
struct AccountTemplate<'a> {
    account: &'a AccountView,
    overview: Overview<'a>,
    description: &'static str,
    problems: Vec<Problem<'a>>,
    sheet: &'a Sheet,
    publisher: &'a str,
    token_field: &'static str,
}

/// What was wrong with a field, and where that field stands.
pub(super) struct Problem<'a> {
    pub(super) field_id: String,
    pub(super) why: &'a str,
}

/// Everything that was wrong with `forms`, in their order on the page.
fn problems<'a>(forms: impl Iterator<Item = &'a Form>) -> Vec<Problem<'a>> {
    let of_form = |(place, form): (usize, &'a Form)| {
        let fields = form.fields.iter().filter_map(move |field| {
            let field_id = format!("{}-{}", field.name, place + 1);
            Some(Problem { field_id, why: field.error.as_deref()? })
        });
        fields.collect::<Vec<_>>()
    };
    forms.enumerate().flat_map(of_form).collect()
}

/// Draws a page.
pub(super) fn page(pages: &Pages, status: StatusCode, page: &Page, sheet: &Sheet) -> Response {
    let template = PageTemplate {
        page,
        description: &page.description,
        problems: problems(page.forms.iter()),
        sheet,
        publisher: sheet.publisher(pages),
        token_field: form::FIELD,
    };
    let mut response = answer(status, template.render());
    if let Some(policy) = page.leads_to.as_deref().and_then(policy_for) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Browsers follow a form to `origin` only where the page that held it says so.
fn policy_for(origin: &str) -> Option<HeaderValue> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:/[]".contains(&byte);
    if !origin.bytes().all(is_plain) {
        return None;
    }
    let to_both = format!("form-action 'self' {origin};");
    HeaderValue::try_from(CONTENT_SECURITY_POLICY.replace("form-action 'self';", &to_both)).ok()
}

/// Draws the account page.
pub(super) fn account(
    pages: &Pages,
    status: StatusCode,
    (account, overview): (&AccountView, Overview<'_>),
    sheet: &Sheet,
) -> Response {
    let template = AccountTemplate {
        account,
        overview,
        description: "",
        problems: problems(account.sections.iter().map(|section| &section.form)),
        sheet,
        publisher: sheet.publisher(pages),
        token_field: form::FIELD,
    };
    answer(status, template.render())
}

/// A page drawn.
pub(super) fn answer(status: StatusCode, html: askama::Result<String>) -> Response {
    page::answer(status, CONTENT_SECURITY_POLICY, html)
}

impl Page {
    /// The same page, which says what was wrong with the form that was sent to `action`: beside
    /// the field `name` where that form has it, else above all forms.
    pub(super) fn refused(mut self, action: &str, name: Option<&str>, why: &str) -> Self {
        if !mark(self.forms.iter_mut(), action, name, why) {
            self.alert = Some(why.to_owned());
        }
        self
    }
}

impl AccountView {
    /// [`Page::refused`] for the account page.
    pub(super) fn refused(mut self, action: &str, name: Option<&str>, why: &str) -> Self {
        let forms = self.sections.iter_mut().map(|section| &mut section.form);
        if !mark(forms, action, name, why) {
            self.alert = Some(why.to_owned());
        }
        self
    }
}

impl Section {
    /// Whether it stands open: what was wrong in it must be seen.
    fn is_open(&self) -> bool {
        self.form.fields.iter().any(|field| field.error.is_some())
    }
}

/// Says `why` beside the field `name` of the form that was sent to `action`, if there is one.
fn mark<'a>(
    forms: impl Iterator<Item = &'a mut Form>,
    action: &str,
    name: Option<&str>,
    why: &str,
) -> bool {
    // Several forms on a page may have fields of the same name.
    let sent = forms.filter(|form| form.action == action);
    let found = sent.flat_map(|form| &mut form.fields).find(|field| Some(field.name) == name);
    let marked = found.map(|field| field.error = Some(why.to_owned()));
    marked.is_some()
}
