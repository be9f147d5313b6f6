//! A form that was sent: taken only from the back office's own pages, bounded, and with the fields
//! that it has.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{StaffPages, refusal, seat::Seat};
use crate::{
    auth::form,
    http::{
        form::{Fields, InvalidForm, is_from_here},
        problem::ApiError,
    },
};

/// A form whose token is good, and who sent it.
pub(super) struct Submitted<T> {
    pub(super) seat: Seat,
    pub(super) fields: T,
}

impl<T: for<'de> Deserialize<'de>> FromRequest<StaffPages> for Submitted<T> {
    type Rejection = Response;

    async fn from_request(request: Request, pages: &StaffPages) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let refuse = |status, why| refusal::page(pages, status, why);
        if !is_from_here(&parts.headers, &pages.desk.readers.public_url) {
            return Err(refuse(StatusCode::FORBIDDEN, refusal::FOREIGN));
        }
        let seat = Seat::from_request_parts(&mut parts, pages).await;
        let seat = seat.map_err(IntoResponse::into_response)?;
        let unreadable = || refuse(StatusCode::UNPROCESSABLE_ENTITY, refusal::UNREADABLE);
        let mut fields = Fields::read(&parts.headers, body).await.map_err(|_| unreadable())?;
        let token = fields.take(form::FIELD);
        let keys = &pages.desk.readers.directory.snapshot().keys.form;
        let holder = (seat.holder, parts.uri.path());
        if !form::holds(keys, holder, &token, pages.desk.clock.now()) {
            return Err(refuse(StatusCode::FORBIDDEN, refusal::STALE));
        }
        let fields = fields.into().map_err(|form| match form {
            InvalidForm::Unreadable(_) => unreadable(),
            InvalidForm::Text(field) => ApiError::InvalidFields(vec![field]).into_response(),
        })?;
        Ok(Self { seat, fields })
    }
}
