//! `[server]`: where it listens, and its bounds.

use std::{net::SocketAddr, time::Duration};

use axum::http::{HeaderValue, Uri};

use super::{Mode, layers::Settings, parse_address};
use crate::http::client_ip::TrustedProxies;

/// `[server]`.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address from outside, without a slash at its end.
    pub public_url: String,
    /// The proxies that are believed when they say whom they speak for.
    pub trusted_proxies: TrustedProxies,
    /// Requests handled at once.
    pub requests_max: usize,
    /// Connections open at once.
    pub connections_max: usize,
    /// Longest time for one request.
    pub request_timeout: Duration,
    /// Longest time for a request's header.
    pub header_timeout: Duration,
    /// From "not ready" to "not accepting".
    pub drain_delay: Duration,
    /// Longest wait for requests in flight at the end.
    pub drain_timeout: Duration,
    /// What `Strict-Transport-Security` says; `None` where it is not sent.
    pub transport_security: Option<HeaderValue>,
}

/// Reads the section.
pub(super) fn read(settings: &mut Settings, mode: Option<Mode>) -> Option<Server> {
    let may_be_public = mode == Some(Mode::Live) || settings.flag("server.allow_public_sandbox");
    let listen = settings.parse_with("server.listen", |text| {
        let address = parse_address(text)?;
        if address.ip().is_loopback() || may_be_public {
            return Ok(address);
        }
        Err("must be a loopback address such as `127.0.0.1:8080`: a sandbox takes keys that \
             everybody knows (see `server.allow_public_sandbox`)"
            .to_owned())
    });
    let public_url = settings.parse_with("server.public_url", |text| parse_url(text, mode));
    let trusted_proxies = settings.texts_with("server.trusted_proxies", TrustedProxies::parse);
    Some(Server {
        trusted_proxies: trusted_proxies?,
        requests_max: settings.number("server.requests_max", 1..=1_000_000),
        connections_max: settings.number("server.connections_max", 1..=1_000_000),
        request_timeout: settings.seconds("server.request_timeout_secs", 1..=60),
        header_timeout: settings.seconds("server.header_timeout_secs", 1..=120),
        drain_delay: settings.seconds("server.drain_delay_secs", 0..=120),
        drain_timeout: settings.seconds("server.drain_timeout_secs", 1..=300),
        transport_security: read_transport_security(settings, mode),
        listen: listen?,
        public_url: public_url?,
    })
}

/// A sandbox sends nothing: a browser would remember it for the host, and no longer come by HTTP.
fn read_transport_security(settings: &mut Settings, mode: Option<Mode>) -> Option<HeaderValue> {
    let days: u32 = settings.number("server.hsts_days", 0..=3_650);
    let subdomains = settings.flag("server.hsts_include_subdomains");
    if days == 0 || mode != Some(Mode::Live) {
        return None;
    }
    let scope = if subdomains { "; includeSubDomains" } else { "" };
    HeaderValue::try_from(format!("max-age={}{scope}", days * 86_400)).ok()
}

fn parse_url(text: &str, mode: Option<Mode>) -> Result<String, String> {
    let uri: Uri = text.parse().map_err(|_| "must be an address such as `https://pay.example`")?;
    let bare = uri.path() == "/" && uri.query().is_none();
    match uri.scheme_str() {
        Some("http") if mode == Some(Mode::Live) => {
            Err("must begin with `https://`: tokens and cookies travel over it".to_owned())
        }
        Some("http" | "https") if bare => Ok(text.trim_end_matches('/').to_owned()),
        _ => {
            Err("must be a scheme, a host and at most a port, such as `https://pay.example`".into())
        }
    }
}
