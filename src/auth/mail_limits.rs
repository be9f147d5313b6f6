//! How many mails may be asked for: to one mailbox, and from one network.
//!
//! Every mail that an outsider can have sent passes here, whether its address is known or not. The
//! mailbox is counted in the database, the network in memory.

use std::{
    fmt,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ipnet::IpNet;
use quick_cache::unsync::Cache;

use super::{
    limit_store::{self, LimitError, LimitKey},
    limits::{Policy, RetryAfter},
    network::Blocks,
};
use crate::{
    clock::Timestamp,
    db::{StoreError, Tx},
    mail::address::Address,
};

/// Networks remembered at once, about 100 bytes each.
const NETWORKS_MAX: usize = 50_000;

/// What a whole /48 of IPv6 may have sent, as a multiple of what one network may: it is often one
/// customer's, who can use each of its 65,536 networks once.
const OF_A_SITE: u32 = 10;

/// The limits on mails that are asked for.
pub struct MailLimits {
    mailbox: Policy,
    network: Option<Policy>,
    counted: Mutex<Cache<IpNet, Timestamp>>,
}

impl fmt::Debug for MailLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mailbox, network) = (&self.mailbox, &self.network);
        let mut f = f.debug_struct("MailLimits");
        f.field("mailbox", mailbox).field("network", network).finish_non_exhaustive()
    }
}

impl MailLimits {
    /// So many to one `mailbox`, and so many from one `network`; with `None`, as in a sandbox,
    /// networks are not limited.
    #[must_use]
    pub fn new(mailbox: Policy, network: Option<Policy>) -> Self {
        let networks = if network.is_some() { NETWORKS_MAX } else { 0 };
        Self { mailbox, network, counted: Mutex::new(Cache::new(networks)) }
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
        let counted = self.counted();
        self.buckets(client)
            .try_for_each(|(block, policy)| policy.check(counted.peek(&block).copied(), now))
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
        self.take_of_network(client, now).map_err(LimitError::Exceeded)?;
        let taken = limit_store::take(tx, LimitKey::mail(to), self.mailbox, now).await;
        if taken.is_err() {
            self.give_back(client);
        }
        taken
    }

    /// [`MailLimits::take`] that only says whether both may have one more, by the same statement
    /// whatever the answer is.
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
        let has_network = self.take_of_network(client, now).is_ok();
        let taken = limit_store::try_take(tx, LimitKey::mail(to), self.mailbox, now).await;
        if has_network && !matches!(taken, Ok(true)) {
            self.give_back(client);
        }
        Ok(taken? && has_network)
    }

    /// Counts a mail that `client` asked for against its network alone.
    pub fn record_network(&self, client: Option<IpAddr>, now: Timestamp) {
        let mut counted = self.counted();
        for (block, policy) in self.buckets(client) {
            let before = counted.get(&block).copied();
            counted.insert(block, policy.count(before, now));
        }
    }

    fn take_of_network(&self, client: Option<IpAddr>, now: Timestamp) -> Result<(), RetryAfter> {
        let mut counted = self.counted();
        for (block, policy) in self.buckets(client) {
            policy.check(counted.peek(&block).copied(), now)?;
        }
        for (block, policy) in self.buckets(client) {
            let before = counted.get(&block).copied();
            counted.insert(block, policy.count(before, now));
        }
        Ok(())
    }

    /// A mail that was not sent costs a network nothing.
    fn give_back(&self, client: Option<IpAddr>) {
        let mut counted = self.counted();
        for (block, policy) in self.buckets(client) {
            if let Some(arrival) = counted.get(&block).copied() {
                counted.insert(block, arrival.minus(policy.refill()));
            }
        }
    }

    /// The network of `client`, and the /48 around it.
    fn buckets(&self, client: Option<IpAddr>) -> impl Iterator<Item = (IpNet, Policy)> {
        let policies = self.network.zip(client).into_iter();
        policies.flat_map(move |(policy, _)| {
            let blocks = Blocks::of(client);
            let site = blocks.wider().next().filter(|block| matches!(block, IpNet::V6(_)));
            let site = site.map(|site| (site, policy.times(OF_A_SITE)));
            [(blocks.own(), policy)].into_iter().chain(site)
        })
    }

    fn counted(&self) -> MutexGuard<'_, Cache<IpNet, Timestamp>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
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
            assert_eq!(limits.take_of_network(ip(&client), start()), checked);
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
    fn what_is_not_sent_is_given_back() {
        let limits = limits(Some(Policy::new(3, Duration::minutes(2))));
        for _ in 0..100 {
            for client in ["203.0.113.7", "2001:db8::1"].map(ip) {
                limits.take_of_network(client, start()).unwrap();
                limits.give_back(client);
            }
        }
        assert_eq!(passed(&limits, vec!["203.0.113.7".to_owned(); 5].into_iter()), 3);
    }

    #[test]
    fn a_sandbox_limits_no_network() {
        let limits = limits(None);
        assert_eq!(passed(&limits, vec!["203.0.113.7".to_owned(); 500].into_iter()), 500);
    }
}
