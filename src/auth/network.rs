//! How often wrong secrets may come from one network, and to this instance altogether: kept in
//! memory, with a bound, by the same arithmetic as the limits per account.
//!
//! This only slows down who guesses at many accounts from one place. What guards an account is its
//! own limit, in the database.

use std::{
    fmt,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use quick_cache::unsync::Cache;

use super::limits::{Policy, RetryAfter};
use crate::clock::Timestamp;

/// Networks that are remembered at once: about 100 bytes each. Beyond it those are forgotten that
/// were not seen for long; then the limit of the whole instance remains.
const NETWORKS_MAX: usize = 50_000;

/// What one network, and all of them together, may try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkPolicies {
    /// Wrong secrets from one network.
    pub each: Policy,
    /// Wrong secrets from all networks, to one instance.
    pub all: Policy,
}

/// Counts the wrong secrets of each network.
pub struct NetworkLimits {
    policies: Option<NetworkPolicies>,
    counted: Mutex<Counted>,
}

struct Counted {
    each: Cache<IpNet, Timestamp>,
    all: Option<Timestamp>,
}

impl fmt::Debug for NetworkLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkLimits").field("policies", &self.policies).finish_non_exhaustive()
    }
}

impl NetworkLimits {
    /// Counts under `policies`; with `None`, as in a sandbox, nothing is ever refused.
    #[must_use]
    pub fn new(policies: Option<NetworkPolicies>) -> Self {
        let networks = if policies.is_some() { NETWORKS_MAX } else { 0 };
        let counted = Counted { each: Cache::new(networks), all: None };
        Self { policies, counted: Mutex::new(counted) }
    }

    /// Whether `client` may try a secret. Changes nothing.
    ///
    /// # Errors
    /// [`RetryAfter`].
    pub fn check(&self, client: Option<IpAddr>, now: Timestamp) -> Result<(), RetryAfter> {
        let Some(policies) = self.policies else { return Ok(()) };
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(network) = client.map(network_of) {
            policies.each.check(counted.each.peek(&network).copied(), now)?;
        }
        policies.all.check(counted.all, now)
    }

    /// Counts a wrong secret from `client`.
    pub fn record(&self, client: Option<IpAddr>, now: Timestamp) {
        let Some(policies) = self.policies else { return };
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.all = Some(policies.all.count(counted.all, now));
        if let Some(network) = client.map(network_of) {
            let before = counted.each.get(&network).copied();
            counted.each.insert(network, policies.each.count(before, now));
        }
    }
}

/// What one customer of a provider usually has: a household's IPv6 block has 56 bits in front, and
/// an address of IPv4 is changed for one of its neighbours with little effort.
fn network_of(client: IpAddr) -> IpNet {
    const WHOLE_V4: u8 = 24;
    const WHOLE_V6: u8 = 56;
    match client.to_canonical() {
        IpAddr::V4(address) => Ipv4Net::new_assert(address, WHOLE_V4).trunc().into(),
        IpAddr::V6(address) => Ipv6Net::new_assert(address, WHOLE_V6).trunc().into(),
    }
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

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn neighbours_count_together_and_strangers_do_not() {
        for (counted, asked, is_same) in [
            ("203.0.113.7", "203.0.113.250", true),
            ("203.0.113.7", "::ffff:203.0.113.8", true),
            ("203.0.113.7", "203.0.114.7", false),
            ("2001:db8:0:ff00::1", "2001:db8:0:ffff:1:2:3:4", true),
            ("2001:db8:0:ff00::1", "2001:db8:0:fe00::1", false),
        ] {
            let limits = limits(2, 100);
            limits.record(Some(ip(counted)), start());
            assert_eq!(limits.check(Some(ip(asked)), start()), Ok(()));
            limits.record(Some(ip(counted)), start());
            let refused = limits.check(Some(ip(asked)), start()).is_err();
            assert_eq!(refused, is_same, "{counted} and {asked}");
            assert!(limits.check(Some(ip(asked)), start().plus(Duration::seconds(1))).is_ok());
        }
    }

    #[test]
    fn all_networks_together_have_a_limit_too() {
        let limits = limits(2, 3);
        for i in 0..3 {
            limits.record(Some(ip(&format!("198.51.{i}.1"))), start());
        }
        let refused = Err(RetryAfter(Duration::seconds(1)));
        assert_eq!(limits.check(Some(ip("203.0.113.7")), start()), refused);
        assert_eq!(limits.check(None, start()), refused);
    }

    #[test]
    fn however_many_networks_come_so_many_are_remembered() {
        let limits = limits(2, 1_000_000);
        for i in 0..3 * u32::try_from(NETWORKS_MAX).unwrap() {
            limits.record(Some(std::net::Ipv4Addr::from(i << 8).into()), start());
        }
        assert!(limits.counted.lock().unwrap().each.len() <= NETWORKS_MAX);
    }

    #[test]
    fn a_sandbox_refuses_no_network() {
        let limits = NetworkLimits::new(None);
        for _ in 0..10_000 {
            limits.record(Some(ip("203.0.113.7")), start());
        }
        assert_eq!(limits.check(Some(ip("203.0.113.7")), start()), Ok(()));
    }
}
