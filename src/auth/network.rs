//! Failed attempts by network, counted in memory with a bound, by the arithmetic of the limits
//! per account.
//!
//! Only the bucket of a client's own network refuses anything: an IPv4 address, or an IPv6 /64.
//! Wider blocks and the instance as a whole lower a client's share of the hashing turns and
//! refuse nothing: otherwise one attacker could lock out every neighbour, or every reader. An
//! account is protected by its own limit, in the database.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use quick_cache::unsync::Cache;

use super::limits::{Policy, RetryAfter};
use crate::{clock::Timestamp, http::client_ip::network_of};

/// Networks remembered at once, about 100 bytes each; wider blocks are remembered apart from
/// them. Beyond it, those that were not seen for long are forgotten.
const NETWORKS_MAX: usize = 50_000;

/// The nested blocks of addresses that a client belongs to, the widest first: a /48, a /56 and a
/// /64 of IPv6; the /24 and the address itself of IPv4, which has nothing between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks([IpNet; 3]);

impl Blocks {
    /// The blocks of `client`. All requests without an address share one network.
    #[must_use]
    pub fn of(client: Option<IpAddr>) -> Self {
        let client = client.unwrap_or(Ipv4Addr::UNSPECIFIED.into()).to_canonical();
        let [wide, middle] = match client {
            IpAddr::V4(address) => [Ipv4Net::new_assert(address, 24).trunc().into(); 2],
            IpAddr::V6(address) => {
                [48, 56].map(|prefix| Ipv6Net::new_assert(address, prefix).trunc().into())
            }
        };
        Self([wide, middle, network_of(client)])
    }

    /// From the widest block down to the client's own.
    #[must_use]
    pub fn path(&self) -> &[IpNet] {
        &self.0
    }

    /// What one client has for itself. Within a /64 of IPv6 a host chooses its addresses freely.
    #[must_use]
    pub fn own(self) -> IpNet {
        let Self([_, _, own]) = self;
        own
    }

    /// The blocks around it, each once.
    pub(super) fn wider(self) -> impl Iterator<Item = IpNet> {
        let Self([wide, middle, _]) = self;
        std::iter::once(wide).chain(Some(middle).filter(move |middle| *middle != wide))
    }
}

/// How many failed attempts pass without consequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkPolicies {
    /// Of one network, and of each wider block.
    pub each: Policy,
    /// Of all networks together, against one instance.
    pub all: Policy,
}

/// Counts the failed attempts of each network.
pub struct NetworkLimits {
    policies: Option<NetworkPolicies>,
    counted: Mutex<Counted>,
}

struct Counted {
    own: Cache<IpNet, Timestamp>,
    wider: Cache<IpNet, Timestamp>,
    all: Option<Timestamp>,
}

impl fmt::Debug for NetworkLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkLimits").field("policies", &self.policies).finish_non_exhaustive()
    }
}

impl NetworkLimits {
    /// Counts under `policies`; with `None`, as in a sandbox, nothing is counted or refused.
    #[must_use]
    pub fn new(policies: Option<NetworkPolicies>) -> Self {
        let networks = if policies.is_some() { NETWORKS_MAX } else { 0 };
        let (own, wider) = (Cache::new(networks), Cache::new(networks));
        Self { policies, counted: Mutex::new(Counted { own, wider, all: None }) }
    }

    /// Whether `client` may make another attempt, by the failures of its own network alone.
    /// Changes nothing.
    ///
    /// # Errors
    /// [`RetryAfter`].
    pub fn check(&self, client: Option<IpAddr>, now: Timestamp) -> Result<(), RetryAfter> {
        let (Some(policies), Some(_)) = (self.policies, client) else { return Ok(()) };
        policies.each.check(self.counted().own.peek(&Blocks::of(client).own()).copied(), now)
    }

    /// Counts a failed attempt of `client`.
    pub fn record(&self, client: Option<IpAddr>, now: Timestamp) {
        let Some(NetworkPolicies { each, all }) = self.policies else { return };
        let mut counted = self.counted();
        counted.all = Some(all.count(counted.all, now));
        if client.is_none() {
            return;
        }
        let blocks = Blocks::of(client);
        count(&mut counted.own, each, blocks.own(), now);
        for block in blocks.wider() {
            count(&mut counted.wider, each, block, now);
        }
    }

    /// Whether the passwords of `client` are to be hashed after those of others: a block around
    /// it fails too often; or the whole instance is under attack, and this network has failed
    /// lately as well.
    #[must_use]
    pub fn has_low_share(&self, client: Option<IpAddr>, now: Timestamp) -> bool {
        let (Some(policies), Some(_)) = (self.policies, client) else { return false };
        let (counted, blocks) = (self.counted(), Blocks::of(client));
        let is_over = |policy: Policy, arrival| policy.check(arrival, now).is_err();
        let own = counted.own.peek(&blocks.own());
        let has_failed = own.is_some_and(|arrival| *arrival > now);
        let mut wider = blocks.wider();
        wider.any(|block| is_over(policies.each, counted.wider.peek(&block).copied()))
            || (has_failed && is_over(policies.all, counted.all))
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(arrivals: &mut Cache<IpNet, Timestamp>, policy: Policy, block: IpNet, now: Timestamp) {
    let before = arrivals.get(&block).copied();
    arrivals.insert(block, policy.count(before, now));
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    fn start() -> Timestamp {
        Timestamp::parse("2026-11-23T10:00:00Z").unwrap()
    }

    fn limits(each: u32, all: u32) -> NetworkLimits {
        let policy = |burst| Policy::new(burst, Duration::seconds(1));
        NetworkLimits::new(Some(NetworkPolicies { each: policy(each), all: policy(all) }))
    }

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn a_client_is_nested_in_its_blocks() {
        for (client, blocks) in [
            ("203.0.113.7", ["203.0.113.0/24", "203.0.113.0/24", "203.0.113.7/32"]),
            ("::ffff:203.0.113.7", ["203.0.113.0/24", "203.0.113.0/24", "203.0.113.7/32"]),
            (
                "2001:db8:1:23ff::7",
                ["2001:db8:1::/48", "2001:db8:1:2300::/56", "2001:db8:1:23ff::/64"],
            ),
        ] {
            let said = Blocks::of(ip(client));
            assert_eq!(said.path().iter().map(IpNet::to_string).collect::<Vec<_>>(), blocks);
        }
        assert_eq!(Blocks::of(ip("203.0.113.7")).wider().count(), 1);
        assert_eq!(Blocks::of(ip("2001:db8::1")).wider().count(), 2);
    }

    /// A block of many addresses that fails lowers the share of all in it, and refuses only those
    /// that failed.
    #[test]
    fn only_the_own_network_refuses() {
        for (failed, asked, is_refused, is_low) in [
            ("203.0.113.7", "203.0.113.7", true, true),
            ("203.0.113.7", "::ffff:203.0.113.7", true, true),
            ("203.0.113.7", "203.0.113.8", false, true),
            ("203.0.113.7", "203.0.114.7", false, false),
            ("2001:db8:0:ff00::1", "2001:db8:0:ff00:1:2:3:4", true, true),
            ("2001:db8:0:ff00::1", "2001:db8:0:ff01::1", false, true),
            ("2001:db8:0:ff00::1", "2001:db8:0:fe00::1", false, true),
            ("2001:db8:0:ff00::1", "2001:db8:1:ff00::1", false, false),
        ] {
            let limits = limits(2, 100);
            limits.record(ip(failed), start());
            assert_eq!(limits.check(ip(asked), start()), Ok(()));
            assert!(!limits.has_low_share(ip(asked), start()), "one failure: {asked}");
            limits.record(ip(failed), start());
            let said = (
                limits.check(ip(asked), start()).is_err(),
                limits.has_low_share(ip(asked), start()),
            );
            assert_eq!(said, (is_refused, is_low), "{failed} failed, {asked} asks");
            let later = start().plus(Duration::seconds(1));
            assert!(
                limits.check(ip(asked), later).is_ok() && !limits.has_low_share(ip(asked), later)
            );
        }
    }

    #[test]
    fn an_attack_from_everywhere_refuses_nobody_and_puts_those_who_failed_last() {
        let limits = limits(5, 3);
        for i in 0..100 {
            limits.record(ip(&format!("198.51.{i}.1")), start());
        }
        for (client, is_low) in
            [("198.51.7.1", true), ("198.51.7.2", false), ("203.0.113.7", false)]
        {
            assert_eq!(limits.check(ip(client), start()), Ok(()), "{client}");
            assert_eq!(limits.has_low_share(ip(client), start()), is_low, "{client}");
        }
        assert_eq!(limits.check(None, start()), Ok(()));
        assert!(!limits.has_low_share(None, start()));
    }

    #[test]
    fn however_many_networks_come_so_many_are_remembered() {
        let limits = limits(2, 1_000_000);
        for i in 0..3 * u32::try_from(NETWORKS_MAX).unwrap() {
            limits.record(Some(Ipv4Addr::from(i << 8).into()), start());
        }
        let counted = limits.counted();
        assert!(counted.own.len() <= NETWORKS_MAX && counted.wider.len() <= NETWORKS_MAX);
    }

    #[test]
    fn a_sandbox_refuses_no_network() {
        let limits = NetworkLimits::new(None);
        for _ in 0..10_000 {
            limits.record(ip("203.0.113.7"), start());
        }
        assert_eq!(limits.check(ip("203.0.113.7"), start()), Ok(()));
        assert!(!limits.has_low_share(ip("203.0.113.7"), start()));
    }
}
