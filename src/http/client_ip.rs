//! Who asks: the address of the other end, or of whoever a trusted proxy says it speaks for.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, Request, request::Parts},
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Most proxies in a row, one behind the other.
const HOPS_MAX: usize = 32;

/// The other end of the connection, as the listener saw it.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Where a request came from; `None` when it came through no listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientIp(pub Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for ClientIp {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Self(None)))
    }
}

/// What one client has for itself: an IPv4 address, or an IPv6 /64, within which a host chooses its
/// addresses freely.
#[must_use]
pub fn network_of(client: IpAddr) -> IpNet {
    match client.to_canonical() {
        IpAddr::V4(address) => Ipv4Net::from(address).into(),
        IpAddr::V6(address) => Ipv6Net::new_assert(address, 64).trunc().into(),
    }
}

/// The proxies that are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// The text names no proxy that could be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must list addresses or blocks such as `10.0.0.0/8`, and none that holds every address: then \
     anybody could say that they are anybody"
)]
pub struct InvalidProxies;

impl TrustedProxies {
    /// Reads addresses and blocks of addresses.
    ///
    /// # Errors
    /// [`InvalidProxies`].
    pub fn parse(texts: &[&str]) -> Result<Self, InvalidProxies> {
        let block = |text: &&str| {
            let text = text.trim();
            let block = IpNet::from_str(text).or_else(|_| IpAddr::from_str(text).map(IpNet::from));
            block.ok().filter(|block| block.prefix_len() > 0).ok_or(InvalidProxies)
        };
        texts.iter().map(block).collect::<Result<_, _>>().map(Self)
    }

    /// Notes who asks, for [`ClientIp`] to find.
    pub(super) fn note<B>(&self, mut request: Request<B>) -> Request<B> {
        if let Some(&Peer(peer)) = request.extensions().get() {
            let client = self.client(peer, request.headers());
            request.extensions_mut().insert(ClientIp(Some(client)));
        }
        request
    }

    /// The peer whose `X-Forwarded-For` is ignored, if it sent one: it is no proxy that is trusted.
    pub(super) fn ignored<B>(&self, request: &Request<B>) -> Option<IpAddr> {
        let &Peer(peer) = request.extensions().get()?;
        let peer = peer.to_canonical();
        (request.headers().contains_key(FORWARDED_FOR) && !self.trusts(peer)).then_some(peer)
    }

    /// Each proxy adds the address that it was called from at the right end of `X-Forwarded-For`.
    /// So the right-most that is no proxy of ours is the client; what stands left of it came with
    /// the request, and may be anything.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let values = headers.get_all(FORWARDED_FOR).iter().rev();
        let hops = values.flat_map(|value| value.as_bytes().rsplit(|&byte| byte == b','));
        for hop in hops.take(HOPS_MAX) {
            if !self.trusts(client) {
                break;
            }
            // A proxy of ours that says nothing readable speaks for itself.
            let Some(before) = read_hop(hop) else { break };
            client = before;
        }
        client
    }

    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|block| block.contains(&address))
    }
}

/// An address, which some proxies write with a port.
fn read_hop(bytes: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(bytes).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse().map(|at: SocketAddr| at.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(peer: &str, lines: &[&[u8]]) -> String {
        let trusted = ["10.0.0.0/8", "192.0.2.1", "2001:db8:1::/48"];
        let trusted = TrustedProxies::parse(&trusted).unwrap();
        let mut request = Request::new(());
        for line in lines {
            let line = HeaderValue::from_bytes(line).unwrap();
            request.headers_mut().append(FORWARDED_FOR, line);
        }
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        let noted = trusted.note(request);
        noted.extensions().get::<ClientIp>().unwrap().0.unwrap().to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_for_what_it_saw() {
        for (peer, line, expected) in [
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
            ("192.0.2.2", "198.51.100.1", "192.0.2.2"),
            ("192.0.2.1", "198.51.100.1", "198.51.100.1"),
            ("10.1.2.3", "198.51.100.1", "198.51.100.1"),
            ("10.1.2.3", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
            ("10.1.2.3", "1.1.1.1, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
            ("10.1.2.3", "198.51.100.1,10.9.9.9 ,192.0.2.1", "198.51.100.1"),
            ("10.1.2.3", "10.4.4.4, 10.9.9.9", "10.4.4.4"),
            ("10.1.2.3", "10.4.4.4, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
            // With a port, in brackets, of IPv6, of IPv4 in IPv6.
            ("10.1.2.3", "198.51.100.1:4711", "198.51.100.1"),
            ("2001:db8:1::5", "[2001:db8:2::7]:443", "2001:db8:2::7"),
            ("2001:db8:1::5", "[2001:db8:2::7]", "2001:db8:2::7"),
            ("2001:db8:1::5", "2001:db8:2::7, 2001:db8:1::6", "2001:db8:2::7"),
            ("2001:db8:2::5", "198.51.100.1", "2001:db8:2::5"),
            ("::ffff:10.1.2.3", "::ffff:198.51.100.1", "198.51.100.1"),
            ("::ffff:203.0.113.9", "198.51.100.1", "203.0.113.9"),
            // Rubbish: the last that was readable.
            ("10.1.2.3", "", "10.1.2.3"),
            ("10.1.2.3", "unknown", "10.1.2.3"),
            ("10.1.2.3", "198.51.100.1, unknown", "10.1.2.3"),
            ("10.1.2.3", "unknown, 10.9.9.9", "10.9.9.9"),
            ("10.1.2.3", ",,,", "10.1.2.3"),
            ("10.1.2.3", "198.51.100.1.", "10.1.2.3"),
            ("10.1.2.3", "198.51.100.001", "10.1.2.3"),
            ("10.1.2.3", "fe80::1%eth0", "10.1.2.3"),
            ("10.1.2.3", "[", "10.1.2.3"),
        ] {
            assert_eq!(client(peer, &[line.as_bytes()]), expected, "{peer} says {line:?}");
        }
    }

    #[test]
    fn a_header_that_is_ignored_is_noticed() {
        let trusted = TrustedProxies::parse(&["10.0.0.0/8"]).unwrap();
        let ignored = |peer: &str, header: bool| {
            let mut request = Request::new(());
            request.extensions_mut().insert(Peer(peer.parse().unwrap()));
            if header {
                let value = HeaderValue::from_static("198.51.100.1");
                request.headers_mut().insert(FORWARDED_FOR, value);
            }
            trusted.ignored(&request).map(|peer| peer.to_string())
        };
        assert_eq!(ignored("10.1.2.3", true), None);
        assert_eq!(ignored("::ffff:10.1.2.3", true), None);
        assert_eq!(ignored("192.168.0.7", false), None);
        assert_eq!(ignored("192.168.0.7", true).as_deref(), Some("192.168.0.7"));
        assert_eq!(ignored("::ffff:192.168.0.7", true).as_deref(), Some("192.168.0.7"));
        assert_eq!(trusted.ignored(&Request::new(())), None, "it came through no listener");
    }

    #[test]
    fn many_headers_are_one_list() {
        assert_eq!(client("10.1.2.3", &[]), "10.1.2.3");
        let lines: [&[u8]; 3] = [b"1.1.1.1", b"2.2.2.2, 10.7.7.7", b"10.9.9.9"];
        assert_eq!(client("10.1.2.3", &lines), "2.2.2.2");
        assert_eq!(client("10.1.2.3", &[b"1.1.1.1", b"\xff\xfe"]), "10.1.2.3");
        let endless = "10.9.9.9,".repeat(10_000);
        assert_eq!(
            client("10.1.2.3", &[b"1.1.1.1", endless.trim_end_matches(',').as_bytes()]),
            "10.9.9.9"
        );
    }

    #[test]
    fn what_names_no_proxy_is_refused() {
        for text in ["", "proxy", "10.0.0.0/33", "0.0.0.0/0", "::/0", "10.0.0.1:80", "10.0.0.0/-1"]
        {
            assert_eq!(TrustedProxies::parse(&[text]).err(), Some(InvalidProxies), "{text}");
        }
        assert!(TrustedProxies::parse(&[]).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn no_header_moves_an_untrusted_peer(line in "\\PC{0,80}") {
            proptest::prop_assert_eq!(client("203.0.113.9", &[line.as_bytes()]), "203.0.113.9");
            let _ = client("10.1.2.3", &[line.as_bytes()]);
        }
    }
}
