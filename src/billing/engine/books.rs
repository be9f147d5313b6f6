//! What every change means for the books.

use uuid::Uuid;

use super::{Billing, BillingError};
use crate::{
    billing::{charge::model::Charge, subscription::model::Subscription},
    clock::Timestamp,
    db::Tx,
    money::Money,
};

impl Billing {
    pub(super) async fn balance_for(
        &self,
        _tx: &mut Tx,
        _subscription: &Subscription,
        due: Money,
    ) -> Result<Money, BillingError> {
        Ok(Money::zero(due.currency))
    }

    pub(super) async fn balance_of(
        &self,
        _tx: &mut Tx,
        _reader: Uuid,
        due: Money,
    ) -> Result<Money, BillingError> {
        Ok(Money::zero(due.currency))
    }

    pub(super) async fn unreserve(
        &self,
        _tx: &mut Tx,
        _charge: &Charge,
        _now: Timestamp,
    ) -> Result<(), BillingError> {
        Ok(())
    }

    pub(super) async fn void_unpaid(
        &self,
        _tx: &mut Tx,
        _: &Subscription,
        _now: Timestamp,
    ) -> Result<(), BillingError> {
        Ok(())
    }

    pub(super) async fn withdraw(
        &self,
        _tx: &mut Tx,
        _: Subscription,
        _now: Timestamp,
    ) -> Result<Subscription, BillingError> {
        Err(BillingError::Refused(
            crate::billing::subscription::change::Refusal::InvalidTransition(
                "you can cancel to the end of the period",
            ),
        ))
    }

    pub(super) async fn bill_paid(
        &self,
        _tx: &mut Tx,
        _: (&Subscription, &Charge),
        _now: Timestamp,
    ) -> Result<Option<Uuid>, BillingError> {
        Ok(None)
    }

    pub(super) async fn bill_unpaid(
        &self,
        _tx: &mut Tx,
        _: (&Subscription, &Charge),
        _now: Timestamp,
    ) -> Result<Option<Uuid>, BillingError> {
        Ok(None)
    }

    pub(super) async fn give_back_late(
        &self,
        _tx: &mut Tx,
        _: (&Subscription, &Charge),
        _now: Timestamp,
    ) -> Result<(), BillingError> {
        Ok(())
    }
}
