//! The command line: one file for each command.

mod audit;
mod backup;
mod catalog;
mod complaint;
mod doctor;
mod keys;
mod migrate;
mod newsletter;
mod notices;
mod probe;
mod reader;
pub mod replay;
mod serve;
mod site;
mod staff;
mod subscription;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    app,
    audit::anchor_file::AnchorMetrics,
    clock::{Clock, SystemClock},
    config::Config,
    http::text,
};

/// What clap ends with too where it does not know an argument.
const WRONG_ARGUMENTS: u8 = 2;

/// An open metered paywall and subscription service for publishers.
///
/// Settings come from files and the environment; `config/default.toml` in the source documents
/// each one.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service (the default).
    Serve,
    /// Bring the database up to date.
    Migrate,
    /// Sites: the publisher's titles, their keys and policies.
    #[command(subcommand)]
    Site(site::SiteCommand),
    /// Signing keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The people who run the installation.
    #[command(subcommand)]
    Staff(staff::StaffCommand),
    /// Readers: finding and showing them, logging them out, all that is held about one, and the end
    /// of it.
    #[command(subcommand)]
    Reader(reader::ReaderCommand),
    /// Subscriptions: finding and showing them, and what the office does with them.
    #[command(subcommand)]
    Subscription(subscription::SubscriptionCommand),
    /// Look whether everything is as it should be: here, in the database, and at what the service
    /// talks to.
    Doctor(doctor::DoctorArgs),
    /// Back up an installation on SQLite into one file, while the service runs.
    Backup(backup::BackupArgs),
    /// Restore a backup into an empty place, and check it there.
    Restore(backup::RestoreArgs),
    /// The audit log.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// The catalog: what is sold.
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
    /// Newsletters: who receives them, for the mail tool.
    #[command(subcommand)]
    Newsletter(newsletter::NewsletterCommand),
    /// What subscribers had to be told.
    #[command(subcommand)]
    Notices(notices::NoticesCommand),
    /// The meter.
    #[command(subcommand)]
    Meter(MeterCommand),
    /// Ask a running service whether it is ready; for container health checks.
    Probe,
}

#[derive(Debug, Subcommand)]
enum MeterCommand {
    /// What would each limit have meant for the visitors in an access log?
    Replay(Box<replay::ReplayArgs>),
}

/// Longest wait at the end for threads that are still at work.
const STOP_MAX: std::time::Duration = std::time::Duration::from_secs(1);

/// What a command may fail with; printed to people.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    if let Err(mistake) = check_arguments(std::env::args_os()) {
        crate::telemetry::print_last(&format!("pressgate: {mistake}"));
        return ExitCode::from(WRONG_ARGUMENTS);
    }
    let cli = Cli::parse();
    match start(cli.command.unwrap_or(Command::Serve)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
            if let Some(complaint) = failure.downcast_ref::<complaint::Complaint>() {
                complaint.print(&mut out, &mut err);
                return complaint.exit_code();
            }
            crate::telemetry::print_last(&format!("pressgate: {}", with_causes(&*failure)));
            let unwell = failure.downcast_ref::<doctor::Unwell>();
            unwell.map_or(ExitCode::FAILURE, doctor::Unwell::exit_code)
        }
    }
}

/// Names, addresses and reasons come in as arguments; none holds control characters.
fn check_arguments(arguments: impl Iterator<Item = OsString>) -> Result<(), String> {
    for (place, argument) in arguments.enumerate() {
        let argument = argument.to_string_lossy();
        let escaped = || argument.escape_debug().to_string();
        text::check_line(&argument)
            .map_err(|rule| format!("argument {place} {rule}: {}", escaped()))?;
    }
    Ok(())
}

fn with_causes(failure: &dyn std::error::Error) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        let said = error.to_string();
        // Some errors repeat their cause in their own words.
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

fn start(command: Command) -> Result<(), Failure> {
    let config = Config::load()?;
    crate::telemetry::init(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(run(command, config));
    // Work that blocks, such as a file system that does not answer, must not hold up the end.
    runtime.shutdown_timeout(STOP_MAX);
    crate::telemetry::flush();
    done
}

async fn run(command: Command, config: Config) -> Result<(), Failure> {
    let acts = match command {
        // They append nothing to the audit log; `serve` anchors by itself, and `restore` may not open
        // a database before it is there.
        Command::Serve
        | Command::Migrate
        | Command::Doctor(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::Audit(_)
        | Command::Catalog(_)
        | Command::Notices(_)
        | Command::Meter(_)
        | Command::Probe => false,
        Command::Site(_)
        | Command::Keys(_)
        | Command::Staff(_)
        | Command::Reader(_)
        | Command::Subscription(_)
        | Command::Newsletter(_) => true,
    };
    // What a command enters into the audit log is anchored before it says that it is done.
    let anchored = if acts { app::open_anchors(&config, AnchorMetrics::default())? } else { None };
    let settings = config.clone();
    let done = carry_out(command, config).await;
    if let Some(anchors) = anchored {
        let databases = app::Databases::open(&settings).await?;
        anchors.record_loudly(&databases.main, SystemClock::default().now()).await;
        databases.close().await;
    }
    done
}

async fn carry_out(command: Command, config: Config) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    match command {
        Command::Serve => serve::run(config, &mut out).await,
        Command::Migrate => migrate::run(&config, &mut out).await,
        Command::Site(command) => site::run(command, &config, &mut out).await,
        Command::Keys(command) => keys::run(command, &config, &mut out).await,
        Command::Staff(command) => staff::run(command, &config, &mut out).await,
        Command::Audit(command) => audit::run(command, &config, &mut out).await,
        Command::Catalog(command) => catalog::run(command, &config, &mut out).await,
        Command::Newsletter(command) => newsletter::run(command, config, &mut out).await,
        Command::Notices(command) => notices::run(command, &config, &mut out).await,
        Command::Reader(command) => reader::run(command, config, &mut out).await,
        Command::Subscription(command) => subscription::run(command, config, &mut out).await,
        Command::Backup(args) => backup::back_up(args, &config, &mut out).await,
        Command::Restore(args) => backup::restore(args, &config, &mut out).await,
        Command::Doctor(args) => doctor::run(args, &config, &mut out).await,
        Command::Meter(MeterCommand::Replay(args)) => Ok(replay::run(*args, &mut out).await?),
        Command::Probe => probe::run(&config).await,
    }
}
