//! What the installation talks to: the service that runs, the mail server, the payment gateway. Each
//! is asked under a time limit.

use std::time::Duration;

use super::report::Check;
use crate::{
    cli::probe::{self, Answer},
    config::{Config, GatewayKind},
    mail::smtp::{Smtp, SmtpSettings, Tls},
};

/// Longest wait for one of them.
const WAIT_MAX: Duration = Duration::from_secs(10);
const FORWARDED: &str = "pressgate_http_untrusted_forwarded_for_total";

/// What the service says that listens where these settings have it listen.
pub(super) async fn service(config: &Config) -> Vec<Check> {
    const NAME: &str = "service";
    let listen = config.server.listen;
    match probe::ask(listen).await {
        Ok(Answer::Ready) => {
            let ready = Check::ok(NAME, "the service that runs is ready");
            [ready].into_iter().chain(proxies(config).await).collect()
        }
        Ok(Answer::NotReady(why)) => {
            vec![Check::error(NAME, format!("the service that runs is not ready: {why}"))]
        }
        Err(_) => vec![Check::ok(NAME, format!("no service runs at {listen} that could be asked"))],
    }
}

/// Whether the service met proxies that it does not trust. `None` where its metrics do not say.
async fn proxies(config: &Config) -> Option<Check> {
    const NAME: &str = "trusted_proxies";
    let listen = config.metrics_listen.unwrap_or(config.server.listen);
    let metrics = probe::get(listen, "/metrics").await.ok()?;
    let count =
        metrics.lines().find_map(|line| line.strip_prefix(FORWARDED)?.trim().parse().ok())?;
    Some(judge_proxies(NAME, count))
}

fn judge_proxies(name: &'static str, count: u64) -> Check {
    if count == 0 {
        return Check::ok(name, "no peer but trusted proxies sent X-Forwarded-For");
    }
    Check::warning(
        name,
        format!(
            "{count} requests since the service started carried X-Forwarded-For from peers that are not in \
             server.trusted_proxies, and it was ignored. If a proxy stands in front, list its address, or \
             every reader counts as that one network; the service's log names private peers. If none does, \
             clients send the header themselves, which does no harm"
        ),
    )
}

/// Whether the mail server takes a connection, TLS and login as configured. Nothing is sent.
pub(super) async fn mail_server(config: &Config) -> Check {
    const NAME: &str = "mail_server";
    let Some(settings) = &config.mail.smtp else {
        return Check::ok(NAME, "mails are kept in the sandbox, and none is sent");
    };
    let settings = SmtpSettings { timeout: settings.timeout.min(WAIT_MAX), ..settings.clone() };
    let place = format!("the mail server {}:{}", settings.host, settings.port);
    let tls = match settings.tls {
        Tls::Implicit => "TLS from the first byte",
        Tls::StartTls => "STARTTLS",
        Tls::None => "no TLS",
    };
    let sender = (&config.mail.from_address, config.mail.from_name.as_str());
    let smtp = match Smtp::new(&settings, sender, &config.server.public_url) {
        Ok(smtp) => smtp,
        Err(error) => return Check::error(NAME, error.to_string()),
    };
    match smtp.connect().await {
        Ok(connection) => {
            connection.close().await;
            let login = if settings.credentials.is_some() { ", and takes our login" } else { "" };
            Check::ok(NAME, format!("{place} answers, with {tls}{login}"))
        }
        Err(error) => Check::error(
            NAME,
            format!(
                "{place} cannot be used with {tls}: {error}. See mail.host, mail.port, mail.tls, mail.user"
            ),
        ),
    }
}

/// Whether the payment gateway answers.
pub(super) fn gateway(config: &Config) -> Check {
    const NAME: &str = "payment_gateway";
    match config.billing.gateway {
        GatewayKind::None => Check::ok(NAME, "no payment gateway is set: nothing is charged"),
        GatewayKind::Sandbox => {
            Check::ok(NAME, "the sandbox's payment gateway is part of the service")
        }
    }
}
