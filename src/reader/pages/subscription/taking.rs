//! What taking the offer does: the account of somebody new, the subscription, and the session that
//! reads by it.

use uuid::Uuid;

use super::{card_turn, offer::Offer};
use crate::{
    billing::{
        card_limit::{CardTurn, Initiated},
        engine::{BillingError, Customer},
        gateway::PaymentMethod,
        subscription::model::Subscription,
    },
    mail::address::Address,
    reader::{
        accounts::{AccountError, Device, LoggedIn},
        begin::Newcomer,
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
    /// The address is in use already: a mail to it leads on.
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
    match who {
        Who::Known(reader) => {
            let turn = card_turn(pages, reader.id, taker.visit.client.0).await?;
            of_known(pages, offer, (reader, method), (&taker, false, &turn)).await
        }
        Who::New(email) => of_address(pages, offer, &taker, (email, method)).await,
    }
}

/// An order with an address that was typed. Only what this browser did before is looked up first:
/// whether the address has an account, and whether it had the trial, matters once the card is known to
/// be good.
async fn of_address(
    pages: &Pages,
    offer: &Offer,
    taker: &Taker<'_>,
    (email, method): (Address, Option<PaymentMethod>),
) -> Result<Outcome, OrderError> {
    let accounts = &pages.accounts;
    let site = accounts.directory.site(&offer.wish.site);
    let newcomer = Newcomer {
        email,
        browser: taker.visit.holder,
        language: taker.visit.words.language,
        site: site.map(|site| site.site.id.clone()),
    };
    // Each order with an address sends a mail there: a network that may have none sent is refused
    // before anything is looked up.
    accounts.check_network(taker.visit.client)?;
    let turn = card_turn(pages, newcomer.account_id(), taker.visit.client.0).await?;
    let mut refused = BillingError::Gone;
    for _ in 0..2 {
        if let Some(begun) = accounts.begun_before(&newcomer).await? {
            return of_known(pages, offer, (begun, method), (taker, true, &turn)).await;
        }
        let reader = accounts.prospect(&newcomer).await?;
        match of_new(pages, offer, (reader, method.clone()), (taker, &turn)).await {
            Ok(Some(outcome)) => return Ok(outcome),
            // Sent twice at once, the second finds what the first has begun.
            Ok(None) => {}
            Err(OrderError::Billing(error @ BillingError::TrialAlreadyUsed)) => refused = error,
            Err(error) => return Err(error),
        }
    }
    Err(refused.into())
}

/// Begins an account with its subscription, and the session that reads by them where nothing has to
/// be paid first: all of it or nothing. `None` where this browser has begun the account meanwhile.
async fn of_new(
    pages: &Pages,
    offer: &Offer,
    (reader, card): (Reader, Option<PaymentMethod>),
    (taker, turn): (&Taker<'_>, &CardTurn),
) -> Result<Option<Outcome>, OrderError> {
    let (accounts, billing) = (&pages.accounts, &pages.accounts.billing);
    let browser = taker.visit.holder;
    let customer = Customer::New { reader: Box::new(reader.clone()), browser };
    let order = offer.order(pages, card);
    let permit = turn.admit_alone().await.map_err(BillingError::from)?;
    let by = Initiated::ByCustomer(&permit);
    let ready = billing.make_ready(customer, order, taker.operation, by).await?;
    let mut tx = accounts.db.write().await.map_err(AccountError::from)?;
    if !accounts.begin(&mut tx, &reader, browser).await? {
        return Ok(None);
    }
    let placed = match billing.place(&mut tx, ready).await {
        Err(BillingError::AddressInUse) => {
            drop(tx);
            return by_mail(pages, offer, (taker.visit, &reader)).await.map(Some);
        }
        placed => placed?,
    };
    let mut admitted = None;
    if placed.is_settled() {
        admitted = Some(accounts.admit(&mut tx, reader.clone(), taker.device.clone()).await?);
    } else {
        // What comes of it once the bank has an answer tells whether the address was free, so that
        // question counts here: no mail goes out that would count.
        accounts.count_for_network(taker.visit.client);
    }
    tx.commit().await.map_err(AccountError::from)?;
    let begun = billing.go_on(placed, by).await?;
    Ok(Some(Outcome::Begun(Box::new(Taking { reader, begun, admitted }))))
}

/// Leads on by a mail to the address: its owner may have an account, or has had the trial.
async fn by_mail(
    pages: &Pages,
    offer: &Offer,
    (visit, reader): (&Visit, &Reader),
) -> Result<Outcome, OrderError> {
    pages.accounts.lead_on(visit.asks(&reader.email), &offer.wish.here()).await?;
    Ok(Outcome::ByMail)
}

async fn of_known(
    pages: &Pages,
    offer: &Offer,
    (reader, card): (Reader, Option<PaymentMethod>),
    (taker, began_here, turn): (&Taker<'_>, bool, &CardTurn),
) -> Result<Outcome, OrderError> {
    let operation = taker.operation;
    let billing = &pages.accounts.billing;
    let begun = match billing.start(reader.id, offer.order(pages, card), operation, turn).await {
        Ok(begun) => begun,
        Err(BillingError::AddressInUse) => {
            return by_mail(pages, offer, (taker.visit, &reader)).await;
        }
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
