//! Who may have one of a fixed number of places, so that no tenant can take them all. Pure.
//!
//! A tenant may hold as many places as are free, times a factor (the dynamic threshold of Choudhury and
//! Hahne, 1998). So one that asks for everything gets nearly all of a quiet service and always
//! leaves some places; several that do leave fewer to each other, and as places come back their shares
//! become equal. Nothing has to be known of how many there are, and only those who hold something
//! are remembered.

use std::collections::HashMap;

use ipnet::IpNet;

/// On whose account a place is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tenant {
    /// A site that proved itself by its key, by a number made from its id.
    Site(u64),
    /// A network: an IPv4 address, or an IPv6 /64.
    Network(IpNet),
}

/// How many places there are, and how they are shared.
#[derive(Debug, Clone, Copy)]
pub struct ShareRule {
    /// All places.
    pub places: usize,
    /// Of these, how many only sites may have.
    pub for_sites: usize,
    /// A site may hold so many times the places that are free.
    pub site_factor: usize,
    /// A network may hold so many times the places that are free for networks.
    pub network_factor: usize,
}

/// The places, and who holds them.
#[derive(Debug)]
pub struct Shares {
    rule: ShareRule,
    taken: usize,
    taken_by_networks: usize,
    held: HashMap<Tenant, usize>,
}

impl Shares {
    /// All places free.
    #[must_use]
    pub fn new(rule: ShareRule) -> Self {
        Self { rule, taken: 0, taken_by_networks: 0, held: HashMap::new() }
    }

    /// Takes a place for `tenant`; whether there was one. Work of our own has no tenant, and takes any.
    #[must_use]
    pub fn take(&mut self, tenant: Option<Tenant>) -> bool {
        let free = self.rule.places.saturating_sub(self.taken);
        let (free, factor) = match tenant {
            None => (free, usize::MAX),
            Some(Tenant::Site(_)) => (free, self.rule.site_factor),
            Some(Tenant::Network(_)) => {
                let open = self.rule.places.saturating_sub(self.rule.for_sites);
                let free_for_networks = open.saturating_sub(self.taken_by_networks);
                (free.min(free_for_networks), self.rule.network_factor)
            }
        };
        let held = tenant.map_or(0, |tenant| self.held.get(&tenant).copied().unwrap_or_default());
        if held >= free.saturating_mul(factor) {
            return false;
        }
        self.taken += 1;
        if let Some(tenant) = tenant {
            *self.held.entry(tenant).or_default() += 1;
            self.taken_by_networks += usize::from(matches!(tenant, Tenant::Network(_)));
        }
        true
    }

    /// Gives back a place that `tenant` holds.
    pub fn give_back(&mut self, tenant: Option<Tenant>) {
        self.taken = self.taken.saturating_sub(1);
        let Some(tenant) = tenant else { return };
        if matches!(tenant, Tenant::Network(_)) {
            self.taken_by_networks = self.taken_by_networks.saturating_sub(1);
        }
        if let Some(held) = self.held.get_mut(&tenant) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULE: ShareRule =
        ShareRule { places: 1_024, for_sites: 256, site_factor: 8, network_factor: 2 };

    #[expect(clippy::unnecessary_wraps, reason = "as it is asked for")]
    fn network(i: u8) -> Option<Tenant> {
        Some(Tenant::Network(format!("192.0.2.{i}/32").parse().unwrap()))
    }

    #[expect(clippy::unnecessary_wraps, reason = "as it is asked for")]
    fn site(i: u64) -> Option<Tenant> {
        Some(Tenant::Site(i))
    }

    /// How many places `tenant` gets that asks for all of them.
    fn fill(shares: &mut Shares, tenant: Option<Tenant>) -> usize {
        std::iter::repeat_with(|| shares.take(tenant)).take_while(|taken| *taken).count()
    }

    #[test]
    fn one_that_asks_for_everything_leaves_something() {
        let mut shares = Shares::new(RULE);
        assert_eq!(fill(&mut shares, network(1)), 512);
        assert_eq!(fill(&mut shares, network(2)), 171);
        // Whatever networks do, these are left to sites.
        while (3..=u8::MAX).any(|i| shares.take(network(i))) {}
        assert_eq!(shares.taken, 768);
        assert_eq!(fill(&mut shares, site(1)), 228);
        assert_eq!(fill(&mut shares, site(2)), 25);
        assert_eq!(fill(&mut shares, None), 3, "our own takes what is left");
        assert!(!shares.take(site(3)) && !shares.take(None));
    }

    #[test]
    fn a_few_places_are_enough_for_one_at_least() {
        for places in 1..20 {
            let rule = ShareRule { places, for_sites: places / 4, ..RULE };
            assert!(fill(&mut Shares::new(rule), site(1)) >= places - places / 9 - 1);
            assert!(fill(&mut Shares::new(rule), network(1)) >= 1);
            assert_eq!(fill(&mut Shares::new(rule), None), places);
        }
        assert_eq!(fill(&mut Shares::new(ShareRule { places: 0, ..RULE }), site(1)), 0);
    }

    #[test]
    fn shares_of_those_who_always_want_more_become_equal() {
        let mut shares = Shares::new(RULE);
        fill(&mut shares, site(1));
        for i in 0..100_000 {
            // One place comes back at a time, and the three want it in turn.
            let holders = [1, 2, 3].map(|i| (shares.held.get(&Tenant::Site(i)).copied(), i));
            let (_, most) = holders.into_iter().max().unwrap();
            shares.give_back(site(most));
            let _ = [0, 1, 2].map(|j| shares.take(site(1 + (i + j) % 3)));
        }
        let held = [1, 2, 3].map(|i| shares.held[&Tenant::Site(i)]);
        assert!(held.iter().max().unwrap() - held.iter().min().unwrap() <= 2, "{held:?}");
    }

    #[derive(Debug, Clone)]
    enum Act {
        Take(Option<Tenant>),
        GiveBack(usize),
    }

    fn act() -> impl Strategy<Value = Act> {
        let tenant =
            prop_oneof![Just(None), (0_u64..4).prop_map(site), (0_u8..4).prop_map(network),];
        prop_oneof![3 => tenant.prop_map(Act::Take), 1 => any::<usize>().prop_map(Act::GiveBack)]
    }

    proptest! {
        #[test]
        fn what_is_taken_is_held_and_comes_back(
            places in 1_usize..40,
            acts in prop::collection::vec(act(), 0..200),
        ) {
            let rule = ShareRule { places, for_sites: places / 4, ..RULE };
            let mut shares = Shares::new(rule);
            let mut holders: Vec<Option<Tenant>> = Vec::new();
            for act in acts {
                match act {
                    Act::Take(tenant) => {
                        let holds_none = !holders.contains(&tenant);
                        let is_site = matches!(tenant, Some(Tenant::Site(_)));
                        let free = places - holders.len();
                        let taken = shares.take(tenant);
                        if taken {
                            holders.push(tenant);
                        }
                        if holds_none && is_site && free > 0 {
                            prop_assert!(taken, "a site that holds nothing has a place");
                        }
                    }
                    Act::GiveBack(i) if !holders.is_empty() => {
                        let tenant = holders.swap_remove(i % holders.len());
                        shares.give_back(tenant);
                    }
                    Act::GiveBack(_) => {}
                }
                prop_assert!(holders.len() <= places);
                let networks = |it: &&Option<Tenant>| matches!(it, Some(Tenant::Network(_)));
                prop_assert!(holders.iter().filter(networks).count() <= places - places / 4);
                prop_assert_eq!(shares.taken, holders.len());
                prop_assert!(shares.held.len() <= holders.len(), "only holders are remembered");
            }
            for tenant in holders {
                shares.give_back(tenant);
            }
            prop_assert_eq!((shares.taken, shares.taken_by_networks, shares.held.len()), (0, 0, 0));
        }
    }
}
