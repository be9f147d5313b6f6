//! `/signup`: asking for an account, and answering the mail.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use serde::Deserialize;

use super::{
    Pages,
    cookies::{self, Name},
    fields::{Field, Form, email_field, new_password_field},
    refusal::{self, Refusal},
    sheet::Sheet,
    submitted::Submitted,
    view::{self, Page, link},
    visit::{Visit, device, enter},
};
use crate::{
    auth::session::secret::SecretHash,
    http::problem::ApiError,
    language::Words,
    mail::address::Address,
    reader::{
        accounts::{AccountError, CONFIRM_LIFE},
        sign_up::Confirmation,
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    email: String,
    password: String,
}

/// What a link in a mail holds. What a program for mail adds to it does no harm.
#[derive(Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    pub(super) token: String,
}

/// The form behind such a link.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opened {
    pub(super) token: String,
}

/// The form behind the link of a sign-up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmed {
    token: String,
    /// Empty where none is wanted, or the one given at sign-up is.
    #[serde(default)]
    password: String,
}

fn wish_page(words: &Words, email: &str) -> Page {
    let password = new_password_field(words, "password", words.say("page-field-password"));
    Page {
        title: words.say("page-sign-up-title"),
        description: words.say("page-sign-up-description"),
        lead: words.say("page-sign-up-lead"),
        forms: vec![Form {
            fields: vec![email_field(words, email), password],
            ..Form::new("/signup", words.say("page-sign-up-title"))
        }],
        links: vec![link("/login", words.say("page-sign-up-log-in"))],
        ..Page::default()
    }
}

/// The page that says to look into the mail.
pub(super) fn look_into_mail(pages: &Pages, sheet: &Sheet) -> Response {
    let words = &sheet.words;
    let page = Page {
        title: words.say("page-mail-sent-title"),
        lead: words.say("page-mail-sent-lead"),
        ..Page::default()
    };
    view::page(pages, StatusCode::ACCEPTED, &page, sheet)
}

pub(super) async fn form(State(pages): State<Pages>, visit: Visit) -> Response {
    let sheet = visit.sheet(&pages);
    let page = wish_page(&visit.words, "");
    visit.seal(view::page(&pages, StatusCode::OK, &page, &sheet))
}

pub(super) async fn sign_up(
    State(pages): State<Pages>,
    Submitted { visit, fields }: Submitted<Wish>,
) -> Result<Response, ApiError> {
    let Wish { email, password } = fields;
    let words = &visit.words;
    let refused = match Address::parse(&email) {
        Err(rule) => Refusal::of_email(words, rule),
        Ok(address) => match pages.accounts.sign_up(visit.asks(&address), &password).await {
            Ok(proof) => {
                let mut response = look_into_mail(&pages, &visit.sheet(&pages));
                let life = Some(CONFIRM_LIFE);
                if let Some(cookie) = cookies::set(Name::SignUp, &proof, life, pages.secure) {
                    response.headers_mut().append(header::SET_COOKIE, cookie);
                }
                return Ok(response);
            }
            Err(error) => refusal::of(words, error, "password")?,
        },
    };
    Ok(refused.on(&pages, (wish_page(words, &email), "/signup"), &visit.sheet(&pages)))
}

/// The page behind the link. In the browser that signed up the password is chosen already; in any other
/// one it is not known who chose it, and the page asks for one.
fn confirm_page(words: &Words, token: &str, is_proven: bool) -> Page {
    let password = || Field {
        optional: true,
        hint: words.say("page-confirm-password-hint"),
        ..new_password_field(words, "password", words.say("page-field-password"))
    };
    Page {
        title: words.say("page-confirm-title"),
        lead: words.say("page-confirm-lead"),
        forms: vec![Form {
            fields: if is_proven { Vec::new() } else { vec![password()] },
            hidden: vec![("token", token.to_owned())],
            ..Form::new("/signup/confirm", words.say("page-confirm-button"))
        }],
        links: vec![link("/signup", words.say("page-new-link"))],
        ..Page::default()
    }
}

/// Programs that look at mails open links too, so opening one changes nothing.
pub(super) async fn confirm_form(
    State(pages): State<Pages>,
    visit: Visit,
    headers: HeaderMap,
    Query(Token { token }): Query<Token>,
) -> Result<Response, ApiError> {
    let is_proven = match proof_in(&pages, &headers) {
        Some(proof) => pages.accounts.is_proven(&token, proof).await?,
        None => false,
    };
    let sheet = visit.sheet(&pages);
    let page = confirm_page(&visit.words, &token, is_proven);
    Ok(visit.seal(view::page(&pages, StatusCode::OK, &page, &sheet)))
}

fn proof_in(pages: &Pages, headers: &HeaderMap) -> Option<SecretHash> {
    cookies::read(headers, Name::SignUp, pages.secure)
}

pub(super) async fn confirm(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Submitted { visit, fields: Confirmed { token, password } }: Submitted<Confirmed>,
) -> Result<Response, ApiError> {
    let answer = Confirmation {
        token: &token,
        proof: proof_in(&pages, &headers),
        password: Some(password.as_str()).filter(|password| !password.is_empty()),
        language: Some(visit.words.language),
    };
    match pages.accounts.verify(answer, device(&headers, visit.client)).await {
        Ok(logged_in) => enter(&pages, &logged_in, visit.session(), "/account").await,
        Err(error) => {
            let mut page = confirm_page(&visit.words, &token, false);
            // A link that is over cannot be tried again; another password can.
            if matches!(error, AccountError::InvalidLink) {
                page.forms.clear();
            }
            let refused = refusal::of(&visit.words, error, "password")?;
            Ok(refused.on(&pages, (page, "/signup/confirm"), &visit.sheet(&pages)))
        }
    }
}
