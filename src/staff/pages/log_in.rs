//! `/staff/login`: coming on duty with both factors, and leaving.

use askama::Template;
use axum::{
    extract::{Query, Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    StaffPages,
    cookies::{self, Name},
    frame::{self, Frame, Tokens},
    refusal,
    submitted::Submitted,
};
use crate::{
    auth::{
        form,
        password::Password,
        session::{
            model::device_name,
            secret::{Secret, SecretHash, SecretKind},
        },
    },
    http::{
        form::{Fields, InvalidForm, Nothing, is_from_here},
        headers::user_agent,
        problem::ApiError,
        return_to,
    },
    mail::address::Address,
    sandbox,
    staff::{
        desk::{DeskError, Origin},
        log_in::{CameOnDuty, SecondFactor, StaffDevice},
    },
};

const PATH: &str = "/staff/login";
const HOME: &str = "/staff";

#[derive(Deserialize)]
pub(super) struct Return {
    #[serde(default)]
    return_to: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogIn {
    email: String,
    password: String,
    /// Of the app, or of the paper; none where an account has no second factor.
    #[serde(default)]
    code: String,
    #[serde(default)]
    return_to: String,
}

#[derive(Template)]
#[template(path = "staff/templates/log_in.html", config = ".config/askama.toml")]
struct LogInPage<'a> {
    frame: Frame,
    email: &'a str,
    return_to: &'a str,
    why: Option<String>,
    /// The sandbox's account, which everybody knows.
    known: Option<(&'static str, &'static str)>,
}

fn draw(
    pages: &StaffPages,
    status: StatusCode,
    holder: SecretHash,
    (sent, why): (&LogIn, Option<String>),
) -> Response {
    let frame = Frame::of(pages, "Log in".to_owned(), PATH);
    let page = LogInPage {
        frame: frame.with_tokens(Tokens::of(pages, holder)),
        email: &sent.email,
        return_to: &sent.return_to,
        why,
        known: (!pages.secure).then_some((sandbox::STAFF_EMAIL, sandbox::STAFF_PASSWORD)),
    };
    frame::answer(status, page.render())
}

/// The form.
pub(super) async fn form(
    State(pages): State<StaffPages>,
    Query(Return { return_to }): Query<Return>,
    headers: axum::http::HeaderMap,
) -> Result<Response, ApiError> {
    let sent = LogIn { return_to, ..LogIn::default() };
    if let Some(holder) = cookies::read(&headers, Name::Form, pages.secure) {
        return Ok(draw(&pages, StatusCode::OK, holder, (&sent, None)));
    }
    let secret = Secret::generate(&pages.desk.ids, SecretKind::Cookie);
    let secret = secret.map_err(ApiError::internal)?;
    let page = draw(&pages, StatusCode::OK, secret.hash(), (&sent, None));
    Ok(with_cookie(page, cookies::set(Name::Form, &secret, pages.secure)))
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Comes on duty, and goes on where it was asked for.
pub(super) async fn log_in(
    State(pages): State<StaffPages>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let refuse = |status, why| Ok(refusal::page(&pages, status, why));
    if !is_from_here(&parts.headers, &pages.desk.readers.public_url) {
        return refuse(StatusCode::FORBIDDEN, refusal::FOREIGN);
    }
    let unreadable = StatusCode::UNPROCESSABLE_ENTITY;
    let Ok(mut fields) = Fields::read(&parts.headers, body).await else {
        return refuse(unreadable, refusal::UNREADABLE);
    };
    let token = fields.take(form::FIELD);
    let keys = &pages.desk.readers.directory.snapshot().keys.form;
    let holder = cookies::read(&parts.headers, Name::Form, pages.secure);
    let holds =
        |holder: &SecretHash| form::holds(keys, (*holder, PATH), &token, pages.desk.clock.now());
    let Some(holder) = holder.filter(holds) else {
        return refuse(StatusCode::FORBIDDEN, refusal::STALE);
    };
    let sent = match fields.into::<LogIn>() {
        Ok(sent) => sent,
        Err(InvalidForm::Unreadable(_)) => return refuse(unreadable, refusal::UNREADABLE),
        Err(InvalidForm::Text(field)) => return Err(ApiError::InvalidFields(vec![field])),
    };
    match come_on_duty(&pages, &parts, &sent).await {
        Ok(came) => {
            let cookie = cookies::set(Name::Session, &came.secret, pages.secure);
            let token = came.device_token.as_deref();
            let device = token.and_then(|token| cookies::set_device(token, pages.secure));
            let response = Redirect::to(back(&sent.return_to)).into_response();
            Ok(with_cookie(with_cookie(response, cookie), device))
        }
        Err(error) => {
            let (status, why) = told(error)?;
            Ok(draw(&pages, status, holder, (&sent, Some(why))))
        }
    }
}

async fn come_on_duty(
    pages: &StaffPages,
    parts: &Parts,
    sent: &LogIn,
) -> Result<CameOnDuty, DeskError> {
    let email = Address::parse(sent.email.trim()).map_err(|_| DeskError::InvalidCredentials)?;
    let attempt = Password::attempt(&sent.password).ok_or(DeskError::InvalidCredentials)?;
    let code = sent.code.trim();
    let of = |code| SecondFactor::of_app(code).or_else(|| SecondFactor::of_paper(code));
    let factor = match code {
        "" => None,
        code => Some(of(code).ok_or(DeskError::InvalidSecondFactor)?),
    };
    let origin = Origin::of(parts, pages.desk.clock.now());
    let device = StaffDevice {
        name: device_name(user_agent(&parts.headers)),
        keeps: SecretKind::Cookie,
        token: cookies::device(&parts.headers, pages.secure),
        origin: &origin,
    };
    pages.desk.log_in(&email, &attempt, factor.as_ref(), device).await
}

/// What is said on the form.
fn told(error: DeskError) -> Result<(StatusCode, String), ApiError> {
    let unauthorized = StatusCode::UNAUTHORIZED;
    Ok(match error {
        DeskError::InvalidCredentials => {
            (unauthorized, "The address or the password is not right.".to_owned())
        }
        DeskError::SecondFactorRequired => {
            (unauthorized, "Type the code of your authenticator app too.".to_owned())
        }
        DeskError::InvalidSecondFactor => {
            let why = "This code is not right, or was used already. Wait for the next one.";
            (unauthorized, why.to_owned())
        }
        DeskError::NoSecondFactor => {
            let why = "This account has no second factor yet. An admin makes one with \
                       `pressgate staff reset-totp`.";
            (StatusCode::FORBIDDEN, why.to_owned())
        }
        error => return Err(error.into()),
    })
}

/// Only ever to a page of the back office.
fn back(wanted: &str) -> &str {
    let is_office = wanted == HOME
        || ["/staff/", "/staff?"].iter().any(|beginning| wanted.starts_with(beginning));
    if is_office { return_to::checked(wanted, HOME) } else { HOME }
}

/// Goes off duty.
pub(super) async fn log_out(
    State(pages): State<StaffPages>,
    Submitted { seat, fields: Nothing {} }: Submitted<Nothing>,
) -> Result<Response, ApiError> {
    pages.desk.log_out(&seat.into_acting()).await?;
    let cookie = cookies::clear(Name::Session, pages.secure);
    Ok(with_cookie(Redirect::to(PATH).into_response(), cookie))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logging_in_leads_to_the_office_only() {
        for path in ["/staff", "/staff/readers?q=a%40b", "/staff?x=1"] {
            assert_eq!(back(path), path);
        }
        for path in
            ["", "/", "/staffing", "//evil", "/staff/\\evil", "/staff/\r\nX: y", "https://e"]
        {
            assert_eq!(back(path), HOME, "{path}");
        }
    }
}
