//! Handing mails to an SMTP server (RFC 5321). lettre speaks the protocol.
//!
//! lettre's pool is not used: it keeps a connection on which we gave up waiting, and the next mail
//! would take the late answer for its own. Here a [`Connection`] serves one round and is dropped
//! after anything that leaves doubt.
//!
//! Servers like to repeat addresses in what they say, so nothing of it is kept but the codes.

mod message;
mod wire;

use std::{fmt, net::IpAddr, time::Duration};

use axum::http::Uri;
use lettre::{
    Message,
    message::Mailbox,
    transport::smtp::{
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters},
        commands::{Data, Mail, Rcpt, Rset},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret, SecretString};

use self::wire::{InvalidTls, PrivateWire};
use super::{address::Address, outbox::StoredMail};

/// The server wants a login or another one: that is about us and not about a mail.
const LOGIN_WANTED: [u16; 4] = [530, 534, 535, 538];
/// The server ends the session, whatever it was asked (RFC 5321, section 3.8).
const CLOSING: u16 = 421;
/// Longest wait for a polite end.
const GOODBYE: Duration = Duration::from_secs(1);

/// How the connection is kept from being read on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte (RFC 8314).
    Implicit,
    /// After asking for it; a server that does not offer it gets nothing.
    StartTls,
    /// Not at all; to this machine only.
    None,
}

/// How mails are handed over.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept private.
    pub tls: Tls,
    /// Who we are there.
    pub credentials: Option<(String, SecretString)>,
    /// Longest time to connect, and to hand over one mail.
    pub timeout: Duration,
}

/// The server cannot be used as it is set up.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSmtp {
    /// STARTTLS cannot be set up.
    #[error("mail.host: {0}")]
    StartTls(#[source] lettre::transport::smtp::Error),
    /// TLS cannot be set up.
    #[error("mail.host: {0}")]
    Tls(#[from] InvalidTls),
    /// The sender's address cannot be written.
    #[error("mail.from_address: {0}")]
    From(#[from] lettre::address::AddressError),
}

/// Why a mail was not sent. The texts hold no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The server cannot be used, or not by us; no mail would go.
    #[error("{0}")]
    Server(String),
    /// It ended the session in the middle of this mail, which it did not take.
    #[error("{0}")]
    Closed(String),
    /// It did not take this mail now.
    #[error("{0}")]
    Later(String),
    /// It may have taken this mail or not.
    #[error("{0}")]
    NoAnswer(String),
    /// It will never take this mail.
    #[error("{0}")]
    Refused(String),
}

impl SendError {
    /// Whether this is the server's word on this mail, so that others may do better.
    #[must_use]
    pub fn is_about_mail(&self) -> bool {
        matches!(self, Self::Later(_) | Self::Refused(_))
    }
}

/// A server that mails can be handed to.
pub struct Smtp {
    settings: SmtpSettings,
    from: Mailbox,
    /// Our name in `EHLO` and in each `Message-ID`.
    domain: String,
    private: Option<PrivateWire>,
    starttls: Option<TlsParameters>,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// An open connection, ready for mails.
pub struct Connection<'a> {
    smtp: &'a Smtp,
    wire: AsyncSmtpConnection,
}

impl fmt::Debug for Connection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("smtp", self.smtp).finish_non_exhaustive()
    }
}

impl Smtp {
    /// Mails from `from` with that name, one line without control characters, by a service at `public_url`.
    ///
    /// # Errors
    /// [`InvalidSmtp`].
    pub fn new(
        settings: &SmtpSettings,
        (from, name): (&Address, &str),
        public_url: &str,
    ) -> Result<Self, InvalidSmtp> {
        let (mut private, mut starttls) = (None, None);
        match settings.tls {
            Tls::None => {}
            Tls::Implicit => private = Some(PrivateWire::to(&settings.host)?),
            Tls::StartTls => {
                let parameters = TlsParameters::new(settings.host.clone());
                starttls = Some(parameters.map_err(InvalidSmtp::StartTls)?);
            }
        }
        let from = Mailbox::new(Some(name.to_owned()), from.key().parse()?);
        let domain = public_url.parse::<Uri>().ok();
        let domain = domain.as_ref().and_then(Uri::host).unwrap_or("localhost").to_owned();
        Ok(Self { settings: settings.clone(), from, domain, private, starttls })
    }

    /// Connects, and logs in where that is set.
    ///
    /// # Errors
    /// [`SendError::Server`].
    pub async fn connect(&self) -> Result<Connection<'_>, SendError> {
        let opened = tokio::time::timeout(self.settings.timeout, self.open()).await;
        let wire = opened.unwrap_or_else(|_| Err(SendError::Server(NO_ANSWER.to_owned())))?;
        Ok(Connection { smtp: self, wire })
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, SendError> {
        let SmtpSettings { host, port, credentials, .. } = &self.settings;
        let place = (host.as_str(), *port);
        let stream = wire::connect(place, self.private.as_ref()).await;
        // The words are those of this machine.
        let stream = stream.map_err(|error| SendError::Server(error.to_string()))?;
        let greeted = self.greet(stream, credentials.as_ref()).await;
        greeted.map_err(|error| SendError::Server(in_words(&error)))
    }

    async fn greet(
        &self,
        stream: Box<dyn AsyncTokioStream>,
        credentials: Option<&(String, SecretString)>,
    ) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let hello = match self.domain.trim_matches(['[', ']']).parse() {
            Ok(IpAddr::V4(ip)) => ClientId::Ipv4(ip),
            Ok(IpAddr::V6(ip)) => ClientId::Ipv6(ip),
            Err(_) => ClientId::Domain(self.domain.clone()),
        };
        let mut wire = AsyncSmtpConnection::connect_with_transport(stream, &hello).await?;
        if let Some(tls) = &self.starttls {
            wire.starttls(tls.clone(), &hello).await?;
        }
        if let Some((user, password)) = credentials {
            let password = password.expose_secret().to_owned();
            let credentials = Credentials::new(user.clone(), password);
            wire.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(wire)
    }
}

impl Connection<'_> {
    /// Hands over one mail.
    ///
    /// # Errors
    /// [`SendError`]; go on only with what [`Connection::after`] gives.
    pub async fn send(&mut self, mail: &StoredMail) -> Result<(), SendError> {
        let unwritable = |_| SendError::Refused("it cannot be written as a mail".to_owned());
        let message = self.smtp.message(mail).map_err(unwritable)?;
        let timeout = self.smtp.settings.timeout;
        let sent = tokio::time::timeout(timeout, self.hand_over(&message)).await;
        sent.unwrap_or_else(|_| Err(SendError::NoAnswer(NO_ANSWER.to_owned())))
    }

    /// Step by step, to know whether the server speaks of us or of the mail.
    async fn hand_over(&mut self, message: &Message) -> Result<(), SendError> {
        let envelope = message.envelope();
        let from = Mail::new(envelope.from().cloned(), Vec::new());
        let of_us = |error| SendError::Server(in_words(&error));
        let of_mail = |error| of_mail(&error, SendError::Closed);
        self.wire.command(from).await.map_err(of_us)?;
        for to in envelope.to() {
            let to = Rcpt::new(to.clone(), Vec::new());
            self.wire.command(to).await.map_err(of_mail)?;
        }
        self.wire.command(Data).await.map_err(of_mail)?;
        let sent = self.wire.message(&message.formatted()).await;
        // The server may have the whole mail, and only its answer is lost.
        sent.map_err(|error| self::of_mail(&error, SendError::NoAnswer))?;
        Ok(())
    }

    /// Makes ready for the next mail after `outcome`; `None` when the connection is no good.
    pub async fn after(mut self, outcome: &Result<(), SendError>) -> Option<Self> {
        match outcome {
            Ok(()) => Some(self),
            // An answer that is still under way must not be taken for that to the next mail.
            Err(SendError::Server(_) | SendError::Closed(_) | SendError::NoAnswer(_)) => None,
            Err(SendError::Refused(_) | SendError::Later(_)) => {
                let reset = tokio::time::timeout(GOODBYE, self.wire.command(Rset)).await;
                matches!(reset, Ok(Ok(_))).then_some(self)
            }
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        // Whether it is heard or not, we are done.
        let _ = tokio::time::timeout(GOODBYE, self.wire.quit()).await;
    }
}

const NO_ANSWER: &str = "no answer in time";

/// What an error after `MAIL FROM` means; `lost` where the connection broke.
fn of_mail(
    error: &lettre::transport::smtp::Error,
    lost: impl FnOnce(String) -> SendError,
) -> SendError {
    let why = in_words(error);
    match error.status().map(u16::from) {
        Some(code) if LOGIN_WANTED.contains(&code) => SendError::Server(why),
        Some(CLOSING) => SendError::Closed(why),
        Some(_) if error.is_permanent() => SendError::Refused(why),
        Some(_) => SendError::Later(why),
        None if error.is_timeout() || error.is_response() => SendError::NoAnswer(why),
        None => lost(why),
    }
}

/// What went wrong, without the server's own words.
fn in_words(error: &lettre::transport::smtp::Error) -> String {
    let said = std::error::Error::source(error).map(ToString::to_string);
    match error.status() {
        Some(code) => match said.as_deref().and_then(enhanced_code) {
            Some(enhanced) => format!("the server said {code} {enhanced}"),
            None => format!("the server said {code}"),
        },
        None if error.is_timeout() => NO_ANSWER.to_owned(),
        None if error.is_response() => "the server's answer was no SMTP".to_owned(),
        // From here on the words are those of this machine.
        None => error.to_string(),
    }
}

/// A code such as `5.1.1` at the beginning of what a server said (RFC 3463).
fn enhanced_code(said: &str) -> Option<&str> {
    let code = said.split_whitespace().next()?;
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.parse::<u16>().is_ok();
    let is_code = code.split('.').count() == 3 && code.split('.').all(is_number);
    is_code.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_a_server_says_only_the_code_is_kept() {
        assert_eq!(enhanced_code("5.1.1 <anna@example.org> unknown"), Some("5.1.1"));
        for said in ["", "anna@example.org", "5.1 x", "5.1.1.1", "a.b.c", "5..1", "5.1.1234"] {
            assert_eq!(enhanced_code(said), None, "{said}");
        }
    }
}
