//! How many mails may be asked for: to one mailbox, and from one network.
//!
//! Every mail that an outsider can have sent passes here, whether its address is known or not. The
//! mailbox is counted in the database, the network in memory.

use std::net::IpAddr;

use super::{
    limit_store::{self, LimitError, LimitKey},
    limits::{Policy, RetryAfter},
    network_counter::{BlockPolicies, NetworkCounter},
};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    mail::address::Address,
};

/// What a whole /48 of IPv6 may have sent, as a multiple of what one network may: it is often one
/// customer's, who can use each of its 65,536 networks once.
const OF_A_SITE: u32 = 10;

/// The limits on mails that are asked for.
#[derive(Debug)]
pub struct MailLimits {
    mailbox: Policy,
    networks: NetworkCounter,
}

impl MailLimits {
    /// So many to one `mailbox`, and so many from one `network`; with `None`, as in a sandbox,
    /// networks are not limited.
    #[must_use]
    pub fn new(mailbox: Policy, network: Option<Policy>) -> Self {
        let policies = network.map(|own| BlockPolicies {
            own,
            v4_24: None,
            v6_56: None,
            v6_48: Some(own.times(OF_A_SITE)),
        });
        Self { mailbox, networks: NetworkCounter::new(policies) }
    }

    /// Whether `client` may have a mail sent to `to`. Changes nothing, so that work can be saved
    /// where it may not; only [`MailLimits::take`] decides.
    ///
    /// # Errors
    /// [`LimitError`].
    pub async fn check(
        &self,
        tx: &mut Tx,
        client: Option<IpAddr>,
        to: &Address,
        now: Timestamp,
    ) -> Result<(), LimitError> {
        self.check_network(client, now).map_err(LimitError::Exceeded)?;
        limit_store::check(tx, LimitKey::mail(to), self.mailbox, now).await
    }

    /// Whether `client` may have a mail sent to anybody. Changes nothing.
    ///
    /// # Errors
    /// [`RetryAfter`].
    pub fn check_network(&self, client: Option<IpAddr>, now: Timestamp) -> Result<(), RetryAfter> {
        self.networks.check(client, now)
    }

    /// Counts a mail to `to` that `client` has asked for, if both may have one more.
    ///
    /// # Errors
    /// [`LimitError`].
    pub async fn take(
        &self,
        tx: &mut Tx,
        client: Option<IpAddr>,
        to: &Address,
        now: Timestamp,
    ) -> Result<(), LimitError> {
        self.networks.take(client, now).map_err(LimitError::Exceeded)?;
        let taken = limit_store::take(tx, LimitKey::mail(to), self.mailbox, now).await;
        if taken.is_err() {
            self.networks.give_back(client);
        }
        taken
    }

    /// [`MailLimits::take`] that only says whether both may have one more. Whether a statement runs
    /// depends on the network alone, never on the address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn try_take(
        &self,
        tx: &mut Tx,
        client: Option<IpAddr>,
        to: &Address,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if self.networks.take(client, now).is_err() {
            return Ok(false);
        }
        let taken = limit_store::try_take(tx, LimitKey::mail(to), self.mailbox, now).await;
        if !matches!(taken, Ok(true)) {
            self.networks.give_back(client);
        }
        taken
    }

    /// Counts a mail that `client` asked for against its network alone.
    pub fn record_network(&self, client: Option<IpAddr>, now: Timestamp) {
        self.networks.record(client, now);
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    fn start() -> Timestamp {
        Timestamp::parse("2026-11-23T10:00:00Z").unwrap()
    }

    fn limits(network: Option<Policy>) -> MailLimits {
        MailLimits::new(Policy::new(5, Duration::minutes(5)), network)
    }

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    /// How many of `clients` may have a mail sent, one after the other.
    fn passed(limits: &MailLimits, clients: impl Iterator<Item = String>) -> usize {
        let asked = clients.map(|client| {
            let checked = limits.check_network(ip(&client), start());
            assert_eq!(limits.networks.take(ip(&client), start()), checked);
            checked
        });
        asked.flatten().count()
    }

    #[test]
    fn each_network_has_its_own_and_a_site_of_ipv6_ten_times_that() {
        let limits = limits(Some(Policy::new(3, Duration::minutes(2))));
        let of = |client: &str| vec![client.to_owned(); 5].into_iter();
        assert_eq!(passed(&limits, of("203.0.113.7")), 3);
        assert_eq!(passed(&limits, of("203.0.113.8")), 3, "a neighbour is left alone");
        assert_eq!(passed(&limits, (0..9).map(|i| format!("2001:db8:1:1::{i}"))), 3, "one /64");
        assert_eq!(passed(&limits, (2..90).map(|i| format!("2001:db8:1:{i}::1"))), 27);
        assert_eq!(passed(&limits, of("2001:db8:2:1::1")), 3, "another /48");
        let wait = Err(RetryAfter(Duration::minutes(2)));
        assert_eq!(limits.check_network(ip("203.0.113.7"), start()), wait);
        let later = start().plus(Duration::minutes(2));
        assert_eq!(limits.check_network(ip("203.0.113.7"), later), Ok(()));
        assert_eq!(limits.check_network(None, start()), Ok(()));
    }

    #[test]
    fn a_sandbox_limits_no_network() {
        let limits = limits(None);
        assert_eq!(passed(&limits, vec!["203.0.113.7".to_owned(); 500].into_iter()), 500);
    }
}
