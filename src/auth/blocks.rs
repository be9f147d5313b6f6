//! The nested blocks of network addresses that a client belongs to. Pure.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::http::client_ip::network_of;

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

#[cfg(test)]
mod tests {
    use super::*;

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
            let found = Blocks::of(client.parse().ok());
            assert_eq!(found.path().iter().map(IpNet::to_string).collect::<Vec<_>>(), blocks);
        }
        let wider = |client: &str| Blocks::of(client.parse().ok()).wider().count();
        assert_eq!((wider("203.0.113.7"), wider("2001:db8::1")), (1, 2));
    }
}
