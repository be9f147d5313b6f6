//! The way to a mail server: TCP without delay, and TLS from the first byte where that is wanted.
//!
//! lettre opens connections, too, but leaves Nagle's algorithm on. SMTP waits for an answer after
//! each small write; together with the server's delayed acknowledgements that made 40 ms of each
//! mail.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, ClientConfig, RootCertStore,
        crypto::aws_lc_rs::default_provider,
        pki_types::{InvalidDnsNameError, ServerName},
    },
};

/// TLS to one server, whose certificate this machine trusts.
#[derive(Clone)]
pub(super) struct PrivateWire {
    connector: TlsConnector,
    server: ServerName<'static>,
}

impl PrivateWire {
    /// To `host`.
    ///
    /// # Errors
    /// Where that is no name of a server, or TLS cannot be set up.
    pub(super) fn to(host: &str) -> Result<Self, InvalidTls> {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        // A certificate of this machine that cannot be read trusts nothing, and others may do.
        let _ = roots.add_parsable_certificates(found.certs);
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let server = ServerName::try_from(host.to_owned())?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), server })
    }
}

/// TLS to a server cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTls {
    /// The host has no name that a certificate could hold.
    #[error("it is no name of a server")]
    Name(#[from] InvalidDnsNameError),
    /// The library refuses.
    #[error(transparent)]
    Library(#[from] rustls::Error),
}

/// Connects to `host`, whose port is `port`.
pub(super) async fn connect(
    (host, port): (&str, u16),
    private: Option<&PrivateWire>,
) -> io::Result<Box<dyn AsyncTokioStream>> {
    let tcp = connect_tcp((host, port)).await?;
    let Some(PrivateWire { connector, server }) = private else { return Ok(Box::new(tcp)) };
    let tls = connector.connect(server.clone(), tcp).await?;
    Ok(Box::new(Private(tls)))
}

async fn connect_tcp(place: (&str, u16)) -> io::Result<TcpStream> {
    let tcp = TcpStream::connect(place).await?;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

/// A TLS stream as lettre takes it.
struct Private(TlsStream<TcpStream>);

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Private")
    }
}

impl AsyncTokioStream for Private {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Private {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Private {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn small_writes_leave_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let tcp = connect_tcp(("localhost", port)).await.unwrap();
        assert!(tcp.nodelay().unwrap());
    }

    #[test]
    fn a_private_wire_needs_a_name() {
        for (host, is_one) in
            [("smtp.example", true), ("127.0.0.1", true), ("::1", true), ("", false)]
        {
            assert_eq!(PrivateWire::to(host).is_ok(), is_one, "{host}");
        }
    }
}
