//! What taking the offer does: the account of somebody new, the subscription, and the session that
//! reads by it.

use uuid::Uuid;

use super::offer::Offer;
use crate::{
    billing::{
        engine::{BillingError, CheckedCard, Customer, PayBy},
        gateway::PaymentMethod,
        subscription::model::Subscription,
    },
    mail::address::Address,
    reader::{
        accounts::{AccountError, Device, LoggedIn},
        begin::{Found, Newcomer},
        model::Reader,
        pages::{Pages, visit::Visit},
    },
};

/// Who takes the offer.
pub(super) enum Who {
    /// Somebody with a session here.
    Known(Reader),
    /// Somebody who typed an address.
    New(Address),
}

/// What came of an order.
pub(super) enum Outcome {
    Begun(Box<Taking>),
    /// The address has an account: a mail leads on.
    ByMail,
}

/// An offer that was taken.
pub(super) struct Taking {
    pub(super) reader: Reader,
    pub(super) begun: Subscription,
    /// The session in which the reader reads, where it began with the subscription.
    pub(super) admitted: Option<LoggedIn>,
}

/// Why an offer cannot be taken.
pub(super) enum OrderError {
    Account(AccountError),
    Billing(BillingError),
}

impl From<AccountError> for OrderError {
    fn from(error: AccountError) -> Self {
        Self::Account(error)
    }
}

impl From<BillingError> for OrderError {
    fn from(error: BillingError) -> Self {
        Self::Billing(error)
    }
}

/// The browser that takes the offer.
pub(super) struct Taker<'a> {
    pub(super) visit: &'a Visit,
    pub(super) device: Device,
    /// Names this request: sent again it is the same order.
    pub(super) operation: Uuid,
}

pub(super) async fn take(
    pages: &Pages,
    offer: &Offer,
    taker: Taker<'_>,
    (who, method): (Who, Option<PaymentMethod>),
) -> Result<Outcome, OrderError> {
    let (accounts, billing) = (&pages.accounts, &pages.accounts.billing);
    let email = match who {
        Who::Known(reader) => {
            let card = method.map(PayBy::Named);
            return of_known(pages, offer, (reader, card), (taker.operation, false)).await;
        }
        Who::New(email) => email,
    };
    // Where a card is asked for, nobody has an account begun with the address of somebody else and
    // none.
    let card = match &method {
        Some(method) => Some(billing.check_card(method).await?),
        None => None,
    };
    let site = accounts.directory.site(&offer.wish.site);
    let newcomer = Newcomer {
        email,
        browser: taker.visit.holder,
        language: taker.visit.words.language,
        site: site.map(|site| site.site.id.clone()),
    };
    let mut found = accounts.look_up(&newcomer).await?;
    let mut refused = BillingError::Gone;
    if let Found::Nobody(reader) = found {
        match of_new(pages, offer, (reader, card.clone()), &taker).await {
            Ok(Some(taking)) => return Ok(Outcome::Begun(Box::new(taking))),
            // Sent twice at once, the second finds what the first has begun.
            Ok(None) => {}
            Err(OrderError::Billing(error @ BillingError::TrialAlreadyUsed)) => refused = error,
            Err(error) => return Err(error),
        }
        found = accounts.look_up(&newcomer).await?;
    }
    match found {
        Found::Nobody(_) => Err(refused.into()),
        Found::Begun(reader) => {
            let card = card.map(PayBy::Checked);
            of_known(pages, offer, (reader, card), (taker.operation, true)).await
        }
        Found::Somebody(reader) => {
            if let Some(card) = &card {
                billing.set_up(taker.operation, reader.id, card).await?;
            }
            accounts.lead_on(&reader, &offer.wish.here(), taker.visit.client).await?;
            Ok(Outcome::ByMail)
        }
    }
}

/// Begins an account with its subscription, and the session that reads by them where nothing has to
/// be paid first: all of it or nothing. Nothing where the address has got an account meanwhile.
async fn of_new(
    pages: &Pages,
    offer: &Offer,
    (reader, card): (Reader, Option<CheckedCard>),
    taker: &Taker<'_>,
) -> Result<Option<Taking>, OrderError> {
    let (accounts, billing) = (&pages.accounts, &pages.accounts.billing);
    let customer = Customer::New(Box::new(reader.clone()));
    let order = offer.order(pages, card.map(PayBy::Checked));
    let ready = billing.make_ready(customer, order, taker.operation).await?;
    let mut tx = accounts.db.write().await.map_err(AccountError::from)?;
    if !accounts.begin(&mut tx, &reader, taker.visit.holder).await? {
        return Ok(None);
    }
    let placed = billing.place(&mut tx, ready).await?;
    let mut admitted = None;
    if placed.is_settled() {
        admitted = Some(accounts.admit(&mut tx, reader.clone(), taker.device.clone()).await?);
    }
    tx.commit().await.map_err(AccountError::from)?;
    Ok(Some(Taking { reader, begun: billing.go_on(placed).await?, admitted }))
}

async fn of_known(
    pages: &Pages,
    offer: &Offer,
    (reader, card): (Reader, Option<PayBy>),
    (operation, began_here): (Uuid, bool),
) -> Result<Outcome, OrderError> {
    let billing = &pages.accounts.billing;
    let begun = match billing.start(reader.id, offer.order(pages, card), operation).await {
        Ok(begun) => begun,
        // The same again: what the first has begun may stand in the way of the second.
        Err(
            error @ (BillingError::AlreadySubscribed
            | BillingError::PaymentPending { .. }
            | BillingError::TrialAlreadyUsed),
        ) => {
            let begun = match billing.find(reader.id, operation).await {
                Ok(begun) => Some(begun),
                // The answer was lost, and with it the session that would have told.
                Err(_) if began_here => offer.running(pages, reader.id).await?,
                Err(_) => None,
            };
            begun.ok_or(error)?
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Outcome::Begun(Box::new(Taking { reader, begun, admitted: None })))
}

/// Lets the browser that began an account before read by it.
pub(super) async fn admit(
    pages: &Pages,
    reader: Reader,
    device: Device,
) -> Result<LoggedIn, AccountError> {
    let mut tx = pages.accounts.db.write().await?;
    let admitted = pages.accounts.admit(&mut tx, reader, device).await?;
    tx.commit().await?;
    Ok(admitted)
}
