//! Counting by network, in memory with a bound: each block of addresses around a client by a policy of
//! its own, by the arithmetic of [`limits`](super::limits).
//!
//! What is counted, and what follows from it, is up to those who use it: failed attempts
//! ([`network`](super::network)), mails ([`mail_limits`](super::mail_limits)), declined cards.

use std::{
    fmt,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ipnet::IpNet;
use quick_cache::unsync::Cache;

use super::{
    blocks::Blocks,
    limits::{Policy, RetryAfter},
};
use crate::clock::Timestamp;

/// Networks remembered at once, about 100 bytes each; wider blocks are remembered apart from
/// them. Beyond it, those that were not seen for long are forgotten.
const NETWORKS_MAX: usize = 50_000;

/// The policy of each block around a client. Blocks without one are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockPolicies {
    /// Of an IPv4 address or an IPv6 /64.
    pub own: Policy,
    /// Of an IPv4 /24.
    pub v4_24: Option<Policy>,
    /// Of an IPv6 /56.
    pub v6_56: Option<Policy>,
    /// Of an IPv6 /48.
    pub v6_48: Option<Policy>,
}

impl BlockPolicies {
    fn of_wider(self, block: IpNet) -> Option<Policy> {
        match block {
            IpNet::V4(_) => self.v4_24,
            IpNet::V6(block) if block.prefix_len() == 56 => self.v6_56,
            IpNet::V6(_) => self.v6_48,
        }
    }
}

/// Counts by network. Clients without an address are neither counted nor refused.
pub struct NetworkCounter {
    policies: Option<BlockPolicies>,
    counted: Mutex<Counted>,
}

struct Counted {
    own: Cache<IpNet, Timestamp>,
    wider: Cache<IpNet, Timestamp>,
}

impl Counted {
    fn cache(&mut self, is_own: bool) -> &mut Cache<IpNet, Timestamp> {
        if is_own { &mut self.own } else { &mut self.wider }
    }
}

/// A block with its policy.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    block: IpNet,
    policy: Policy,
    is_own: bool,
}

impl Bucket {
    fn check(self, counted: &mut Counted, now: Timestamp) -> Result<(), RetryAfter> {
        self.policy.check(counted.cache(self.is_own).peek(&self.block).copied(), now)
    }

    fn count(self, counted: &mut Counted, now: Timestamp) {
        let cache = counted.cache(self.is_own);
        let before = cache.get(&self.block).copied();
        cache.insert(self.block, self.policy.count(before, now));
    }
}

impl fmt::Debug for NetworkCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkCounter").field("policies", &self.policies).finish_non_exhaustive()
    }
}

impl NetworkCounter {
    /// Counts under `policies`; with `None`, as in a sandbox, nothing is counted or refused.
    #[must_use]
    pub fn new(policies: Option<BlockPolicies>) -> Self {
        let networks = if policies.is_some() { NETWORKS_MAX } else { 0 };
        let (own, wider) = (Cache::new(networks), Cache::new(networks));
        Self { policies, counted: Mutex::new(Counted { own, wider }) }
    }

    /// Whether `client` may have one more, by every block around it. Changes nothing.
    ///
    /// # Errors
    /// [`RetryAfter`].
    pub fn check(&self, client: Option<IpAddr>, now: Timestamp) -> Result<(), RetryAfter> {
        let mut counted = self.counted();
        self.buckets(client).try_for_each(|bucket| bucket.check(&mut counted, now))
    }

    /// Whether `client` may have one more, by its own network alone. Changes nothing.
    ///
    /// # Errors
    /// [`RetryAfter`].
    pub fn check_own(&self, client: Option<IpAddr>, now: Timestamp) -> Result<(), RetryAfter> {
        let mut counted = self.counted();
        let mut own = self.buckets(client).filter(|bucket| bucket.is_own);
        own.try_for_each(|bucket| bucket.check(&mut counted, now))
    }

    /// Whether a block around the own network of `client` is over its limit.
    #[must_use]
    pub fn is_over_around(&self, client: Option<IpAddr>, now: Timestamp) -> bool {
        let mut counted = self.counted();
        let mut wider = self.buckets(client).filter(|bucket| !bucket.is_own);
        wider.any(|bucket| bucket.check(&mut counted, now).is_err())
    }

    /// Whether anything was counted lately for the own network of `client`.
    #[must_use]
    pub fn is_counted(&self, client: Option<IpAddr>, now: Timestamp) -> bool {
        let mut counted = self.counted();
        let mut own = self.buckets(client).filter(|bucket| bucket.is_own);
        own.any(|it| counted.cache(true).peek(&it.block).is_some_and(|arrival| *arrival > now))
    }

    /// Counts one more for every block around `client`, allowed or not.
    pub fn record(&self, client: Option<IpAddr>, now: Timestamp) {
        let mut counted = self.counted();
        self.buckets(client).for_each(|bucket| bucket.count(&mut counted, now));
    }

    /// Counts one more for every block around `client`, if all of them may have it.
    ///
    /// # Errors
    /// [`RetryAfter`].
    pub fn take(&self, client: Option<IpAddr>, now: Timestamp) -> Result<(), RetryAfter> {
        let mut counted = self.counted();
        self.buckets(client).try_for_each(|bucket| bucket.check(&mut counted, now))?;
        self.buckets(client).for_each(|bucket| bucket.count(&mut counted, now));
        Ok(())
    }

    /// Takes back one that was counted.
    pub fn give_back(&self, client: Option<IpAddr>) {
        let mut counted = self.counted();
        for Bucket { block, policy, is_own } in self.buckets(client) {
            let cache = counted.cache(is_own);
            if let Some(arrival) = cache.get(&block).copied() {
                cache.insert(block, policy.give_back(arrival));
            }
        }
    }

    fn buckets(&self, client: Option<IpAddr>) -> impl Iterator<Item = Bucket> {
        let known = self.policies.filter(|_| client.is_some());
        known.into_iter().flat_map(move |policies| {
            let blocks = Blocks::of(client);
            let own = Bucket { block: blocks.own(), policy: policies.own, is_own: true };
            let wider = blocks.wider().filter_map(move |block| {
                let policy = policies.of_wider(block)?;
                Some(Bucket { block, policy, is_own: false })
            });
            std::iter::once(own).chain(wider)
        })
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use time::Duration;

    use super::*;

    fn start() -> Timestamp {
        Timestamp::parse("2026-11-23T10:00:00Z").unwrap()
    }

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    fn policy(burst: u32) -> Policy {
        Policy::new(burst, Duration::minutes(2))
    }

    const NONE: Option<Policy> = None;

    fn counter(own: u32, wider: [Option<Policy>; 3]) -> NetworkCounter {
        let [v4_24, v6_56, v6_48] = wider;
        NetworkCounter::new(Some(BlockPolicies { own: policy(own), v4_24, v6_56, v6_48 }))
    }

    fn passed(counter: &NetworkCounter, clients: impl Iterator<Item = String>) -> usize {
        let asked = clients.map(|client| {
            let checked = counter.check(ip(&client), start());
            assert_eq!(counter.take(ip(&client), start()), checked);
            checked
        });
        asked.flatten().count()
    }

    #[test]
    fn each_block_has_a_policy_of_its_own() {
        for (wider, v4, v6_56, v6_48) in [
            ([NONE, NONE, NONE], 600, 600, 600),
            ([Some(policy(30)), NONE, NONE], 30, 600, 600),
            ([NONE, Some(policy(12)), NONE], 600, 12, 600),
            ([NONE, NONE, Some(policy(27))], 600, 27, 27),
            ([Some(policy(30)), Some(policy(12)), Some(policy(27))], 30, 12, 27),
        ] {
            let passed = |clients: &dyn Fn(usize) -> String| {
                passed(&counter(3, wider), (0..1_000).map(|i| clients(i % 200)))
            };
            assert_eq!(passed(&|_| "203.0.113.7".to_owned()), 3);
            assert_eq!(passed(&|i| format!("2001:db8:1:1::{i:x}")), 3, "one /64");
            assert_eq!(passed(&|i| format!("203.0.113.{i}")), v4);
            assert_eq!(passed(&|i| format!("2001:db8:1:{i:x}::1")), v6_56, "{wider:?}");
            assert_eq!(passed(&|i| format!("2001:db8:1:{i:x}00::1")), v6_48, "{wider:?}");
            assert_eq!(passed(&|i| format!("2001:db8:{i:x}::1")), 600);
        }
    }

    #[test]
    fn what_is_given_back_costs_nothing_and_time_gives_more() {
        let counter = counter(3, [Some(policy(3)); 3]);
        for client in ["203.0.113.7", "2001:db8::1"].map(ip) {
            for _ in 0..100 {
                counter.take(client, start()).unwrap();
                counter.give_back(client);
            }
            for _ in 0..3 {
                counter.take(client, start()).unwrap();
            }
            let wait = RetryAfter(Duration::minutes(2));
            assert_eq!(counter.take(client, start()), Err(wait));
            assert_eq!(counter.check_own(client, start()), Err(wait));
            assert!(counter.is_over_around(client, start()) && counter.is_counted(client, start()));
            let later = start().plus(Duration::minutes(2));
            assert_eq!(counter.check(client, later), Ok(()));
            assert!(!counter.is_counted(client, later.plus(Duration::hours(1))));
        }
        assert_eq!(counter.take(None, start()), Ok(()), "without an address nothing is counted");
    }

    #[test]
    fn a_neighbour_is_refused_by_the_block_alone() {
        let counter = counter(2, [Some(policy(3)), NONE, NONE]);
        for _ in 0..3 {
            counter.record(ip("203.0.113.7"), start());
        }
        let (here, there) = (ip("203.0.113.7"), ip("203.0.113.8"));
        assert!(counter.check_own(here, start()).is_err());
        assert!(counter.check_own(there, start()).is_ok());
        assert!(counter.check(there, start()).is_err());
        assert!(!counter.is_counted(there, start()));
    }

    #[test]
    fn however_many_networks_come_so_many_are_remembered() {
        let counter = counter(2, [Some(policy(2)); 3]);
        for i in 0..3 * u32::try_from(NETWORKS_MAX).unwrap() {
            counter.record(Some(Ipv4Addr::from(i << 8).into()), start());
        }
        let remembered = counter.counted();
        assert!(remembered.own.len() <= NETWORKS_MAX && remembered.wider.len() <= NETWORKS_MAX);
    }

    #[test]
    fn without_policies_nothing_is_limited() {
        let counter = NetworkCounter::new(None);
        assert_eq!(passed(&counter, vec!["203.0.113.7".to_owned(); 500].into_iter()), 500);
        assert!(!counter.is_counted(ip("203.0.113.7"), start()));
    }
}
