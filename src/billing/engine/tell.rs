//! What readers are told of each change.

use super::{Billing, BillingError};
use crate::{
    billing::{charge::model::Charge, event::Event, subscription::model::Subscription},
    clock::Timestamp,
    db::Tx,
};

impl Billing {
    pub(super) async fn tell_paid(
        &self,
        _tx: &mut Tx,
        _: (&Subscription, &Event),
        _charge: &Charge,
        _now: Timestamp,
    ) -> Result<(), BillingError> {
        Ok(())
    }

    pub(super) async fn tell_declined(
        &self,
        _tx: &mut Tx,
        _before: &Subscription,
        _: (&Subscription, &Event),
        _charge: &Charge,
        _now: Timestamp,
    ) -> Result<(), BillingError> {
        Ok(())
    }

    pub(super) async fn tell_confirmation(
        &self,
        _tx: &mut Tx,
        _: &Subscription,
        _charge: &Charge,
        _url: String,
        _now: Timestamp,
    ) -> Result<(), BillingError> {
        Ok(())
    }

    pub(super) async fn tell_trial(
        &self,
        _tx: &mut Tx,
        _: &Subscription,
        _now: Timestamp,
    ) -> Result<(), BillingError> {
        Ok(())
    }

    pub(super) async fn tell_change(
        &self,
        _tx: &mut Tx,
        _: (&Subscription, &Event),
        _now: Timestamp,
    ) -> Result<(), BillingError> {
        Ok(())
    }
}
