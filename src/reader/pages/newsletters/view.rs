//! What the pages about newsletters look like.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::form::{BOX, LEAVE_ALL};
use crate::{
    auth::form,
    billing::catalog::{
        Catalog,
        newsletters::{Newsletter, Rhythm},
    },
    language::Words,
    reader::pages::{
        Pages,
        sheet::Sheet,
        view::{Problem, answer},
    },
};

/// Where the field for the address stands.
const EMAIL: &str = "email";

/// A page about newsletters: some words, and perhaps a form.
#[derive(Debug, Clone, Default)]
pub(super) struct NewsPage {
    pub(super) title: String,
    /// What a search engine says of it; empty where it must not be found.
    pub(super) description: String,
    pub(super) lead: String,
    /// Something went wrong.
    pub(super) alert: Option<String>,
    /// Something went right.
    pub(super) notice: Option<String>,
    pub(super) form: Option<NewsForm>,
    /// Where else to go.
    pub(super) links: Vec<(String, String)>,
}

/// A form about newsletters.
#[derive(Debug, Clone, Default)]
pub(super) struct NewsForm {
    pub(super) action: &'static str,
    pub(super) hidden: Vec<(&'static str, String)>,
    pub(super) groups: Vec<Group>,
    pub(super) email: Option<EmailField>,
    /// What is agreed to by the button.
    pub(super) consent: Option<String>,
    pub(super) button: String,
    /// A second button that leaves every list.
    pub(super) leave_all: Option<String>,
}

/// The newsletters of one rhythm.
#[derive(Debug, Clone)]
pub(super) struct Group {
    heading: String,
    boxes: Vec<ListBox>,
}

#[derive(Debug, Clone)]
struct ListBox {
    id: String,
    name: String,
    description: String,
    /// Said of those for subscribers.
    condition: Option<String>,
    ticked: bool,
}

/// The field for an address.
#[derive(Debug, Clone)]
pub(super) struct EmailField {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) error: Option<String>,
}

#[derive(Template)]
#[template(path = "reader/templates/newsletters.html", config = ".config/askama.toml")]
struct NewsTemplate<'a> {
    page: &'a NewsPage,
    description: &'a str,
    problems: Vec<Problem<'a>>,
    sheet: &'a Sheet,
    publisher: &'a str,
    token_field: &'static str,
}

/// The newsletters of `site`, by rhythm, with the boxes of `ticked` ticked.
pub(super) fn groups(
    catalog: &Catalog,
    site: Option<&str>,
    ticked: &[String],
    words: &Words,
) -> Vec<Group> {
    let one = |it: &Newsletter| ListBox {
        id: it.id.clone(),
        name: it.name.in_language(words.language).to_owned(),
        description: it.description.in_language(words.language).to_owned(),
        condition: it.for_subscribers.then(|| words.say("newsletter-for-subscribers")),
        ticked: ticked.contains(&it.id),
    };
    let group = |(rhythm, heading): (Rhythm, String)| {
        let boxes = catalog.newsletters_of(site).filter(|it| it.rhythm == rhythm).map(one);
        Group { heading, boxes: boxes.collect() }
    };
    let all = [
        (Rhythm::Daily, words.say("newsletter-daily")),
        (Rhythm::Weekly, words.say("newsletter-weekly")),
    ];
    all.map(group).into_iter().filter(|group| !group.boxes.is_empty()).collect()
}

/// Draws a page.
pub(super) fn draw(pages: &Pages, status: StatusCode, page: &NewsPage, sheet: &Sheet) -> Response {
    let email = page.form.as_ref().and_then(|form| form.email.as_ref());
    let wrong = email.and_then(|email| email.error.as_deref());
    let problem = wrong.map(|why| Problem { field_id: EMAIL.to_owned(), why });
    let template = NewsTemplate {
        page,
        description: &page.description,
        problems: problem.into_iter().collect(),
        sheet,
        publisher: sheet.publisher(pages),
        token_field: form::FIELD,
    };
    answer(status, template.render())
}

/// The page of a link that is over, or was never ours.
pub(super) fn link_over(words: &Words) -> NewsPage {
    NewsPage {
        title: words.say("newsletter-link-over-title"),
        lead: words.say("newsletter-link-over-lead"),
        links: vec![to_sign_up(words)],
        ..NewsPage::default()
    }
}

/// The way to the page where anybody signs up.
pub(super) fn to_sign_up(words: &Words) -> (String, String) {
    ("/newsletters".to_owned(), words.say("newsletter-to-sign-up"))
}

/// The way to what an address receives.
pub(super) fn to_preferences(token: &str, words: &Words) -> (String, String) {
    // A token is base64url, and needs no escape in an address.
    (format!("/newsletters/preferences?token={token}"), words.say("newsletter-to-preferences"))
}
