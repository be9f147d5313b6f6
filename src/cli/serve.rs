//! `pressgate serve`.

use std::io::Write;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use super::Failure;
use crate::{
    app::AppState,
    config::Config,
    http::{
        open_files::{self, TooFewFiles},
        serve,
    },
    sandbox, telemetry,
};

pub(super) async fn run(mut config: Config, out: &mut impl Write) -> Result<(), Failure> {
    telemetry::log_panics();
    ignore_hang_ups()?;
    let (version, mode) = (env!("CARGO_PKG_VERSION"), config.mode);
    tracing::info!(version, %mode, "pressgate {version} starts");
    config.server.connections_max = fitting_connections(&config)?;
    let state = AppState::open_on_this_machine(config).await?;
    let config = &state.config;
    let listener = serve::listen(config.server.listen).await?;
    let address = listener.local_addr()?;
    if let Some(metrics) = config.metrics_listen {
        state.serve_metrics(serve::listen(metrics).await?)?;
    }
    tracing::info!(mode = %config.mode, "listening on http://{address}");
    if config.is_sandbox() {
        // A service without anything to read its output serves all the same.
        let _ = write!(out, "{}", welcome(&config.server.public_url)).and_then(|()| out.flush());
    }
    let mut signals = StopSignals::listen()?;
    let (ask, asked) = oneshot::channel();
    let serving = state.serve(listener, async {
        let _ = asked.await;
    });
    let asked_twice = async {
        signals.next().await;
        tracing::info!("asked to stop: finishing what is in flight");
        let _ = ask.send(());
        signals.next().await;
    };
    tokio::select! {
        served = serving => served?,
        () = asked_twice => return Err("asked to stop twice: requests in flight are cut off".into()),
    }
    tracing::info!("stopped");
    Ok(())
}

/// `server.connections_max`, or as many as the operating system lets the process have.
fn fitting_connections(config: &Config) -> Result<usize, TooFewFiles> {
    let limit = open_files::raise().unwrap_or_else(|error| {
        tracing::warn!("the limit of open files could not be raised: {error}");
        open_files::limit()
    });
    let wanted = config.server.connections_max;
    let connections =
        open_files::connections(limit, wanted, config.database.limits.connections_max)?;
    if connections < wanted {
        tracing::warn!(
            limit,
            connections_max = connections,
            "server.connections_max is {wanted}, but this process may have only {limit} files open: \
             it takes {connections} connections at once. Raise the limit (`LimitNOFILE=` of systemd, \
             `--ulimit nofile=` of a container), or lower the setting"
        );
    }
    Ok(connections)
}

/// SIGTERM and SIGINT.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// SIGHUP would end the process. It comes when a terminal closes, and from tools that expect a
/// service to read its settings anew.
fn ignore_hang_ups() -> std::io::Result<()> {
    let mut hang_ups = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hang_ups.recv().await.is_some() {
            tracing::warn!("SIGHUP is ignored: settings are read at the start only");
        }
    });
    Ok(())
}

fn welcome(url: &str) -> String {
    let (secret, publishable) = (sandbox::SECRET_KEY, sandbox::PUBLISHABLE_KEY);
    let (email, password) = (sandbox::STAFF_EMAIL, sandbox::STAFF_PASSWORD);
    format!(
        "
  Pressgate is running as a sandbox.

    {url}/demo/   a small newspaper: the first article is free, the second meets the wall
    {url}/        what else there is
    {url}/signup  an account; nothing is sent: the mails are at {url}/sandbox/mail
    {url}/staff   the back office: {email} with the password {password}
    {url}/docs    the API, browsable

  Keys of the site `demo`: secret {secret}, publishable {publishable}. Ask for a decision:

    curl -s {url}/v1/access -H 'Authorization: Bearer {secret}' \\
      -H 'Content-Type: application/json' -d '{{\"article\": {{\"id\": \"how-tides-work\"}}}}'

"
    )
}
