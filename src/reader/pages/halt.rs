//! Why a page is not drawn: somebody has to log in first, or something failed.

use axum::response::{IntoResponse, Response};

use super::visit::ToLogin;
use crate::{
    billing::engine::BillingError, http::problem::ApiError,
    newsletter::newsletters::NewsletterError, reader::accounts::AccountError,
};

/// What a handler answers instead of its page.
#[derive(Debug)]
pub(super) enum Halt {
    /// The way to the log-in page.
    ToLogin(ToLogin),
    /// Something failed; the page that says so is drawn by `refusal::in_a_page`.
    Failed(ApiError),
}

impl IntoResponse for Halt {
    fn into_response(self) -> Response {
        match self {
            Self::ToLogin(to_login) => to_login.into_response(),
            Self::Failed(error) => error.into_response(),
        }
    }
}

impl From<ToLogin> for Halt {
    fn from(to_login: ToLogin) -> Self {
        Self::ToLogin(to_login)
    }
}

impl From<ApiError> for Halt {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<BillingError> for Halt {
    fn from(error: BillingError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<AccountError> for Halt {
    fn from(error: AccountError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NewsletterError> for Halt {
    fn from(error: NewsletterError) -> Self {
        Self::Failed(error.into())
    }
}
