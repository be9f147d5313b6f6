//! Handing mails to a server by SMTP (RFC 5321), over TLS.

use std::{fmt, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error as SmtpError, PoolConfig,
        authentication::Credentials,
        client::{Tls as LettreTls, TlsParameters},
    },
};
use secrecy::{ExposeSecret, SecretString};

use super::{address::Address, outbox::StoredMail};

/// Most connections at once.
const CONNECTIONS_MAX: u32 = 4;

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
    /// Longest wait for any answer.
    pub timeout: Duration,
}

/// Why a mail was not taken. The words hold no address, though a server's own answer may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It never will be.
    #[error("{0}")]
    Permanent(String),
    /// It may be later.
    #[error("{0}")]
    Transient(String),
}

/// A server that takes mails.
#[derive(Clone)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// The host in `Message-ID`.
    host: String,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").finish_non_exhaustive()
    }
}

/// The server, or what mails come from, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSmtp {
    /// The settings of the server.
    #[error("[mail]: {0}")]
    Server(#[from] SmtpError),
    /// The sender.
    #[error("mail.from_address: {0}")]
    From(#[from] lettre::address::AddressError),
}

/// No vacation notice answers a mail that a program wrote (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Smtp {
    /// Mails from `address` in the name of `name`, by the server of `settings`. Connects to
    /// nobody yet.
    ///
    /// # Errors
    /// [`InvalidSmtp`].
    pub fn new(
        settings: &SmtpSettings,
        (address, name): (&Address, &str),
        public_url: &str,
    ) -> Result<Self, InvalidSmtp> {
        let parameters = || TlsParameters::new(settings.host.clone());
        let tls = match settings.tls {
            Tls::Implicit => LettreTls::Wrapper(parameters()?),
            Tls::StartTls => LettreTls::Required(parameters()?),
            Tls::None => LettreTls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(tls)
            .timeout(Some(settings.timeout))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS_MAX));
        if let Some((user, password)) = &settings.credentials {
            let password = password.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        let from = Mailbox::new(Some(name.to_owned()), address.key().parse()?);
        let host = public_url.split("://").nth(1).unwrap_or("localhost");
        let host = host.split(':').next().unwrap_or(host).to_owned();
        Ok(Self { transport: builder.build(), from, host })
    }

    /// Hands a mail over.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(&self, mail: &StoredMail) -> Result<(), SendError> {
        let message = self.message(mail)?;
        self.transport.send(message).await.map(drop).map_err(|error| explain(&error))
    }

    fn message(&self, mail: &StoredMail) -> Result<Message, SendError> {
        let broken = |what: &str| SendError::Permanent(format!("the mail has no usable {what}"));
        let to = mail.recipient.parse().map_err(|_| broken("address"))?;
        let micros = u64::try_from(mail.created_at.micros()).map_err(|_| broken("date"))?;
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject.as_str())
            .date(std::time::UNIX_EPOCH + Duration::from_micros(micros))
            .message_id(Some(format!("<{}@{}>", mail.id, self.host)))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(
                mail.body_text.clone(),
                mail.body_html.clone(),
            ))
            .map_err(|_| broken("content"))
    }
}

/// A server's words may repeat the address; its code does not.
fn explain(error: &SmtpError) -> SendError {
    if let Some(code) = error.status() {
        let what = format!("the mail server answered {code}");
        return if error.is_permanent() {
            SendError::Permanent(what)
        } else {
            SendError::Transient(what)
        };
    }
    SendError::Transient(
        if error.is_timeout() {
            "the mail server did not answer in time"
        } else if error.is_tls() {
            "no private connection to the mail server could be had"
        } else {
            "the mail server could not be reached"
        }
        .to_owned(),
    )
}
