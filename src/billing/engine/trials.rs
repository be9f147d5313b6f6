//! Who may have a free trial, and for whom a subscription may begin.
//!
//! An address that was only typed claims nothing for good: until a mail to it is answered the
//! trial is claimed for the account, the browser and the card. What the address itself says (that
//! another account has it, or that it had the trial) decides only once the card is known to be good, so
//! that it costs one to ask.

use uuid::Uuid;

use super::{
    Billing, BillingError,
    order::{Customer, ReadyOrder},
};
use crate::{
    billing::{
        event::{Actor, Event},
        subscription::{
            model::{State, Subscription},
            store,
        },
        trial::{self, Claim},
    },
    clock::Timestamp,
    db::Tx,
    mail::address::Address,
    reader::{model::Reader, store as readers},
};

impl Billing {
    /// What stands for a person who wants a trial, before and after: the account, the card where the
    /// gateway tells cards apart, and the address, or the browser while the address is not proved.
    fn claims(
        &self,
        (customer, reader): (&Customer, &Reader),
        fingerprint: Option<&str>,
    ) -> [Claim; 3] {
        let account = self.trials.reader(reader.id);
        let card = fingerprint.map_or(account, |fingerprint| self.trials.card(fingerprint));
        let person = match customer {
            Customer::New { browser, .. } => self.trials.browser(*browser),
            Customer::Known(_) if reader.is_proved() => self.trials.address(&reader.email),
            Customer::Known(_) => account,
        };
        [account, card, person]
    }

    /// Refuses a trial before the card is touched, where that can be known. The rows settle races.
    pub(super) async fn foresee_trial(
        &self,
        tx: &mut Tx,
        of: (&Customer, &Reader),
        (product, makes_room): (&str, Option<Uuid>),
        fingerprint: Option<&str>,
    ) -> Result<(), BillingError> {
        let claims = self.claims(of, fingerprint);
        let of = (product, makes_room.unwrap_or_default());
        let claimed = trial::is_claimed(tx, of, &claims).await?;
        if claimed { Err(BillingError::TrialAlreadyUsed) } else { Ok(()) }
    }

    /// Claims the trial that begins.
    pub(super) async fn claim_trial(
        &self,
        tx: &mut Tx,
        ready: &ReadyOrder,
        reader: &Reader,
    ) -> Result<(), BillingError> {
        let fresh = &ready.fresh;
        let mut claims = Vec::from(self.claims((&ready.customer, reader), ready.fingerprint()));
        claims.sort_unstable();
        claims.dedup();
        let of = (fresh.product(), fresh.id);
        let is_new = trial::claim(tx, of, &claims, fresh.created_at).await?;
        is_new.then_some(()).ok_or(BillingError::TrialAlreadyUsed)
    }

    /// Refuses to begin `fresh` for an address that is not proved, where that belongs to another
    /// account, or has had the trial. To be asked once the card is known to be good.
    pub(super) async fn check_address(
        &self,
        tx: &mut Tx,
        reader: &Reader,
        fresh: &Subscription,
    ) -> Result<(), BillingError> {
        if reader.is_proved() {
            return Ok(());
        }
        let mut is_free = readers::has_own_address(tx, reader).await?;
        if is_free && matches!(fresh.state, State::Incomplete { begins_trial: true, .. }) {
            let claims = [self.trials.address(&reader.email); 3];
            is_free = !trial::is_claimed(tx, (fresh.product(), fresh.id), &claims).await?;
        }
        if is_free { Ok(()) } else { Err(BillingError::AddressInUse) }
    }

    /// [`Billing::check_address`] for one that waited for the bank, whose reader may be gone.
    pub(super) async fn may_begin(
        &self,
        tx: &mut Tx,
        waiting: &Subscription,
    ) -> Result<bool, BillingError> {
        let Some(reader) = readers::find(tx, waiting.reader).await? else { return Ok(true) };
        match self.check_address(tx, &reader, waiting).await {
            Ok(()) => Ok(true),
            Err(BillingError::AddressInUse) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Settles whose trials those of a provisional account are, now that `email` is proved to be its
    /// owner's. To be called before that is written down; changes nothing where the account was a
    /// whole one already.
    ///
    /// A trial that has ended is let go: the owner had nothing of it. One that runs goes on and is
    /// claimed for the address. It goes on also where the address had one before, since it was given to
    /// a card and a browser that had not; the timeline says so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn address_proved(
        &self,
        tx: &mut Tx,
        (reader, email): (Uuid, &Address),
        now: Timestamp,
    ) -> Result<(), BillingError> {
        let Some(browser) = readers::take_browser(tx, reader).await? else { return Ok(()) };
        let account = self.trials.reader(reader);
        for (product, id) in trial::list_of(tx, reader, account).await? {
            let Some(it) = store::find(tx, &self.catalogs, id).await? else { continue };
            let of = (product.as_str(), id);
            if it.clone().as_of(now).state.ended().is_some() {
                trial::release_claim(tx, of, account).await?;
                continue;
            }
            trial::release_claim(tx, of, self.trials.browser(browser)).await?;
            if !trial::claim(tx, of, &[self.trials.address(email)], now).await? {
                self.write_event(tx, (&it, &Event::TrialRepeated), Actor::System, now)?;
            }
        }
        Ok(())
    }
}
