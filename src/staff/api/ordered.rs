//! What somebody on duty orders, and why: what every act of the office begins with.

use std::{marker::PhantomData, sync::Arc};

use axum::{
    RequestExt,
    body::Bytes,
    extract::{FromRequest, Request},
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::subscription_bodies::invalid;
use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::engine::{BillingError, Office, REASON_MAX},
    http::{
        body::{JsonBytes, parse},
        path::{PathId, parse_id},
        problem::ApiError,
    },
    staff::desk::{Acting, Desk, OnDuty},
};

/// A body that says why, and perhaps what was seen before.
pub(super) trait Order: DeserializeOwned {
    /// The reason as it was sent, and the `revision` that was seen. The order is left without them.
    fn take_why(&mut self) -> (Option<String>, Option<i64>);
}

/// An order about the thing whose id is in the path, by somebody whose permission is not known yet:
/// see [`Ordered::by`].
pub(super) struct Ordered<T> {
    on_duty: OnDuty,
    id: PathId,
    body: Bytes,
    order: PhantomData<T>,
}

impl<T: Send> FromRequest<Arc<Desk>> for Ordered<T> {
    type Rejection = ApiError;

    async fn from_request(mut request: Request, desk: &Arc<Desk>) -> Result<Self, ApiError> {
        let on_duty = request.extract_parts_with_state::<OnDuty, _>(desk).await?;
        let Ok(id) = request.extract_parts_with_state::<PathId, _>(desk).await;
        let JsonBytes(body) = JsonBytes::from_request(request, desk).await?;
        Ok(Self { on_duty, id, body, order: PhantomData })
    }
}

impl<T: Order> Ordered<T> {
    /// What it is about, the order, and who answers for it, where their role gives `permission`.
    /// Nothing of the body is looked at before that.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`]; the field and the rule where the order is not as it must be;
    /// [`ApiError::NotFound`] where nothing can have this id.
    pub(super) fn by(
        self,
        permission: Permission,
        action: Action,
    ) -> Result<(Uuid, T, Office), ApiError> {
        let acting = self.on_duty.to(permission)?;
        let mut order: T = parse(&self.body)?;
        let office = office(&acting, action, order.take_why())?;
        Ok((parse_id(self.id)?, order, office))
    }
}

/// Who acts, and why.
///
/// # Errors
/// [`ApiError::InvalidFields`] for a reason that is too long.
pub(super) fn office(
    acting: &Acting,
    action: Action,
    (reason, seen): (Option<String>, Option<i64>),
) -> Result<Office, ApiError> {
    let reason = reason.unwrap_or_default();
    if reason.chars().count() > REASON_MAX {
        return Err(invalid("reason", "may have at most 500 characters"));
    }
    let entry = acting.entry(action);
    Ok(Office { entry, reason, seen, operation: acting.operation() })
}

/// An act that was done, be it by the same request when it came first.
pub(super) fn once<T>(act: Result<T, BillingError>) -> Result<(), ApiError> {
    match act {
        Ok(_) | Err(BillingError::Repeated) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
