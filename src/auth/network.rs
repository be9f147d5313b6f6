//! Failed attempts by network.
//!
//! Only the bucket of a client's own network refuses anything: an IPv4 address, or an IPv6 /64.
//! Wider blocks and the instance as a whole lower a client's share of the hashing turns and
//! refuse nothing: otherwise one attacker could lock out every neighbour, or every reader. An
//! account is protected by its own limit, in the database.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    limits::{Policy, RetryAfter},
    network_counter::{BlockPolicies, NetworkCounter},
};
use crate::clock::Timestamp;

/// How many failed attempts pass without consequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkPolicies {
    /// Of one network, and of each wider block.
    pub each: Policy,
    /// Of all networks together, against one instance.
    pub all: Policy,
}

/// Counts the failed attempts of each network.
#[derive(Debug)]
pub struct NetworkLimits {
    counter: NetworkCounter,
    all: Option<Policy>,
    counted: Mutex<Option<Timestamp>>,
}

impl NetworkLimits {
    /// Counts under `policies`; with `None`, as in a sandbox, nothing is counted or refused.
    #[must_use]
    pub fn new(policies: Option<NetworkPolicies>) -> Self {
        let blocks = policies.map(|NetworkPolicies { each, .. }| BlockPolicies {
            own: each,
            v4_24: Some(each),
            v6_56: Some(each),
            v6_48: Some(each),
        });
        let all = policies.map(|policies| policies.all);
        Self { counter: NetworkCounter::new(blocks), all, counted: Mutex::default() }
    }

    /// Whether `client` may make another attempt, by the failures of its own network alone.
    /// Changes nothing.
    ///
    /// # Errors
    /// [`RetryAfter`].
    pub fn check(&self, client: Option<IpAddr>, now: Timestamp) -> Result<(), RetryAfter> {
        self.counter.check_own(client, now)
    }

    /// Counts a failed attempt of `client`.
    pub fn record(&self, client: Option<IpAddr>, now: Timestamp) {
        let Some(all) = self.all else { return };
        let mut counted = self.counted();
        *counted = Some(all.count(*counted, now));
        drop(counted);
        self.counter.record(client, now);
    }

    /// Whether the passwords of `client` are to be hashed after those of others: a block around
    /// it fails too often; or the whole instance is under attack, and this network has failed
    /// lately as well.
    #[must_use]
    pub fn has_low_share(&self, client: Option<IpAddr>, now: Timestamp) -> bool {
        let is_over = |all: Policy| all.check(*self.counted(), now).is_err();
        self.counter.is_over_around(client, now)
            || (self.counter.is_counted(client, now) && self.all.is_some_and(is_over))
    }

    fn counted(&self) -> MutexGuard<'_, Option<Timestamp>> {
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

    fn limits(each: u32, all: u32) -> NetworkLimits {
        let policy = |burst| Policy::new(burst, Duration::seconds(1));
        NetworkLimits::new(Some(NetworkPolicies { each: policy(each), all: policy(all) }))
    }

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
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
    fn a_sandbox_refuses_no_network() {
        let limits = NetworkLimits::new(None);
        for _ in 0..10_000 {
            limits.record(ip("203.0.113.7"), start());
        }
        assert_eq!(limits.check(ip("203.0.113.7"), start()), Ok(()));
        assert!(!limits.has_low_share(ip("203.0.113.7"), start()));
    }
}
