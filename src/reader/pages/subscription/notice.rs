//! `/cancel`: giving notice without logging in, as § 312k BGB asks for contracts that were made
//! online: who, what and why on one page, one button, and a mail at once that says when the notice
//! came and when the contract ends.
//!
//! A notice for another person's subscription does little harm: it holds from the end of what is paid,
//! the mail goes to the subscriber, and a link in it takes it back.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;

use super::cancel::COMMENT_MAX;
use crate::{
    clock::Timestamp,
    language::Words,
    mail::address::Address,
    reader::pages::{
        Pages,
        fields::{Field, Form, Kind, email_field},
        halt::Halt,
        refusal::Refusal,
        submitted::Sent,
        view::{self, Page},
        visit::Visit,
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoticeForm {
    #[serde(default)]
    email: String,
    #[serde(default, deserialize_with = "crate::http::text::lines")]
    reason: String,
}

fn page_of(words: &Words, NoticeForm { email, reason }: &NoticeForm) -> Page {
    let address = Field { autocomplete: "email", ..email_field(words, email) };
    let why = Field {
        optional: true,
        maxlength: COMMENT_MAX,
        value: reason.clone(),
        hint: words.say("plan-notice-reason-hint"),
        ..Field::new("reason", words.say("plan-reason"), Kind::Lines(3))
    };
    Page {
        title: words.say("plan-notice-title"),
        description: words.say("plan-notice-description"),
        lead: words.say("plan-notice-lead"),
        forms: vec![Form {
            fields: vec![address, why],
            is_danger: true,
            ..Form::new("/cancel", words.say("plan-notice-button"))
        }],
        ..Page::default()
    }
}

pub(super) async fn page(State(pages): State<Pages>, visit: Visit) -> Response {
    let sheet = visit.sheet(&pages);
    let empty = NoticeForm { email: String::new(), reason: String::new() };
    let page = page_of(&sheet.words, &empty);
    visit.seal(view::page(&pages, StatusCode::OK, &page, &sheet))
}

/// The same words whoever is meant, so that nobody learns who subscribes.
fn received(words: &Words, email: &Address, at: Timestamp) -> Page {
    let variables = [("date", words.moment(at).into()), ("email", email.typed().into())];
    Page {
        title: words.say("plan-notice-received-title"),
        lead: words.with("plan-notice-received", &variables),
        ..Page::default()
    }
}

pub(super) async fn give(
    State(pages): State<Pages>,
    Sent { visit, fields }: Sent<NoticeForm>,
) -> Result<Response, Halt> {
    let sheet = visit.sheet(&pages);
    let words = &sheet.words;
    let email = match Address::parse(&fields.email) {
        Ok(email) => email,
        Err(rule) => {
            let page = (page_of(words, &fields), "/cancel");
            return Ok(Refusal::of_email(words, rule).on(&pages, page, &sheet));
        }
    };
    let reason: String = fields.reason.trim().chars().take(COMMENT_MAX).collect();
    let reason = Some(reason).filter(|reason| !reason.is_empty());
    let at = pages.accounts.give_notice(visit.asks(&email), reason).await?;
    let page = received(words, &email, at);
    Ok(view::page(&pages, StatusCode::ACCEPTED, &page, &sheet))
}
