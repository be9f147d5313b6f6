//! Who sits at a page: a member of staff in a session of this browser. Whoever is not on duty is led
//! to the log-in form, and back.

use axum::{
    extract::FromRequestParts,
    http::{Method, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

use super::{
    StaffPages,
    cookies::{self, Name},
    frame::{Frame, Place, Tokens},
};
use crate::{
    auth::{session::secret::SecretHash, staff::permission::Permission},
    http::problem::ApiError,
    staff::desk::{Acting, OnDuty, Origin},
};

/// A member of staff at a page, who may do nothing yet: see [`Seat::to`].
#[derive(Debug)]
pub(super) struct Seat {
    on_duty: OnDuty,
    /// What the tokens of this browser's forms are tied to.
    pub(super) holder: SecretHash,
    /// Where this page is found again; the beginning, where it is the answer to a form.
    here: String,
}

impl FromRequestParts<StaffPages> for Seat {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, pages: &StaffPages) -> Result<Self, Response> {
        let here = here(parts);
        let to_login = || Redirect::to(&login_address(&here)).into_response();
        let cookie = cookies::read(&parts.headers, Name::Session, pages.secure);
        let holder = cookie.ok_or_else(to_login)?;
        let origin = Origin::of(parts, pages.desk.clock.now());
        let found = pages.desk.at_the_browser(holder, origin).await;
        let found = found.map_err(|error| ApiError::internal(error).into_response())?;
        Ok(Self { on_duty: found.ok_or_else(to_login)?, holder, here })
    }
}

fn here(parts: &Parts) -> String {
    let path = parts.uri.path_and_query().map_or("/staff", |path| path.as_str());
    if parts.method == Method::GET { path.to_owned() } else { "/staff".to_owned() }
}

/// The log-in form that leads back to `here`.
fn login_address(here: &str) -> String {
    let query = serde_urlencoded::to_string([("return_to", here)]).unwrap_or_default();
    format!("/staff/login?{query}")
}

impl Seat {
    /// Lets them do what asks for `permission`. There is no other way to act.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`] when their role may not.
    pub(super) fn to(&self, permission: Permission) -> Result<&Acting, ApiError> {
        self.on_duty.check(permission)
    }

    /// Whether their role may, for what a page offers.
    #[must_use]
    pub(super) fn may(&self, permission: Permission) -> bool {
        self.on_duty.staff().role.may(permission)
    }

    /// Who sits there.
    #[must_use]
    pub(super) fn staff(&self) -> Uuid {
        self.on_duty.staff().id
    }

    /// Lets them see to their own account, as every role may.
    #[must_use]
    pub(super) fn into_acting(self) -> Acting {
        self.on_duty.to_self()
    }

    /// What a page with this title is drawn with; `place` is where it stands in the navigation.
    #[must_use]
    pub(super) fn frame(
        &self,
        pages: &StaffPages,
        title: impl Into<String>,
        place: Place,
    ) -> Frame {
        let tokens = Tokens::of(pages, self.holder);
        let staff = self.on_duty.staff();
        let who = (staff.email.typed().to_owned(), staff.role);
        Frame::of(pages, title.into(), &self.here).with_staff(who, place, tokens)
    }
}
