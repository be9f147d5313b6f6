//! A form that was sent: taken only from our own pages, bounded, and with the fields that it has.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{Pages, refusal, sheet::Sheet, visit::Visit};
use crate::{
    auth::form,
    http::form::{Fields, is_from_here},
};

/// A form whose token is good, and the browser that sent it.
pub(super) struct Submitted<T> {
    pub(super) visit: Visit,
    pub(super) fields: T,
}

/// A form that needs no token, since it does nothing in the name of whoever is logged in: what it
/// holds is all that counts. It works where cookies are off.
pub(super) struct Sent<T> {
    pub(super) visit: Visit,
    pub(super) fields: T,
}

/// A form as it came: the browser, the path, the token and the other fields.
struct Raw {
    visit: Visit,
    /// For a refusal. It has no forms: their cookie may be new, and is not given with it.
    sheet: Sheet,
    path: String,
    token: String,
    fields: Fields,
}

impl Raw {
    async fn read(request: Request, pages: &Pages) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        if !is_from_here(&parts.headers, &pages.accounts.public_url) {
            let sheet = Sheet::by_request(pages, &parts.uri, &parts.headers);
            return Err(refusal::foreign(pages, &sheet));
        }
        let visit = Visit::from_request_parts(&mut parts, pages).await;
        let visit = visit.map_err(IntoResponse::into_response)?;
        let sheet = visit.sheet(pages).without_forms();
        let fields = Fields::read(&parts.headers, body).await;
        let mut fields = fields.map_err(|_| refusal::unreadable(pages, &sheet))?;
        let token = fields.take(form::FIELD);
        Ok(Self { visit, sheet, path: parts.uri.path().to_owned(), token, fields })
    }

    /// The fields as `T` has them, or a page that says why not.
    fn fields<T: for<'de> Deserialize<'de>>(
        self,
        pages: &Pages,
    ) -> Result<(Visit, T), Box<Response>> {
        let Self { visit, sheet, fields, .. } = self;
        match fields.into() {
            Ok(fields) => Ok((visit, fields)),
            Err(form) => Err(Box::new(refusal::invalid(pages, &sheet, &form))),
        }
    }
}

impl<T: for<'de> Deserialize<'de>> FromRequest<Pages> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, pages: &Pages) -> Result<Self, Response> {
        let fields = Raw::read(request, pages).await?.fields(pages);
        let (visit, fields) = fields.map_err(|refused| *refused)?;
        Ok(Self { visit, fields })
    }
}

impl<T: for<'de> Deserialize<'de>> FromRequest<Pages> for Submitted<T> {
    type Rejection = Response;

    async fn from_request(request: Request, pages: &Pages) -> Result<Self, Response> {
        let raw = Raw::read(request, pages).await?;
        let keys = &pages.accounts.directory.snapshot().keys.form;
        let form = (raw.visit.holder, raw.path.as_str());
        if !form::holds(keys, form, &raw.token, pages.accounts.clock.now()) {
            let keeps = raw.visit.keeps_cookies;
            let told = if keeps { refusal::stale } else { refusal::no_cookies };
            return Err(told(pages, &raw.sheet));
        }
        let (visit, fields) = raw.fields(pages).map_err(|refused| *refused)?;
        Ok(Self { visit, fields })
    }
}
