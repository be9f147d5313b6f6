//! The settings, checked. `config/default.toml` is their manual; `layers` merges the sources.

mod audit;
mod billing;
mod decisions;
mod layers;
mod limits;
mod mail;
mod passwords;
mod secrets;
mod server;
mod sessions;

use std::{fmt, net::SocketAddr, time::Duration};

use self::layers::Settings;
pub use self::{
    audit::Audit,
    billing::{Billing, GatewayKind},
    layers::Outside,
    limits::Limits,
    mail::Mail,
    secrets::ConfigFile,
    server::Server,
    sessions::Sessions,
};
use crate::{
    access::log::recorder::LogLimits,
    auth::{hashing::HashLimits, seal::MasterKey},
    db::{DatabaseUrl, Durability, PoolLimits},
    metering::{
        meter::MeterLimits,
        upkeep::Upkeep,
        visitor::{Lifetime, UNMETERED_MAX},
    },
};

/// The sandbox's master key is public knowledge.
const SANDBOX_MASTER: &str = "c2FuZGJveCBtYXN0ZXIga2V5LCBrbm93biB0byBhbGw=";

/// What the installation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Trying out.
    Sandbox,
    /// Readers.
    Live,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sandbox => "sandbox",
            Self::Live => "live",
        })
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// Text on a terminal, JSON elsewhere.
    Auto,
}

/// `[log]`.
#[derive(Debug, Clone)]
pub struct Log {
    /// Directives of `tracing-subscriber`.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// `[database]`.
#[derive(Clone)]
pub struct Database {
    /// Which database.
    pub url: DatabaseUrl,
    /// Connections and waits.
    pub limits: PoolLimits,
    /// Whether `serve` may migrate.
    pub migrate_on_start: bool,
}

/// `[meter]`.
#[derive(Debug, Clone, Copy)]
pub struct MeterSettings {
    /// What a count in SQLite survives.
    pub durability: Durability,
    /// Bounds of queue, batch and cache.
    pub limits: MeterLimits,
    /// How long visitor tokens live.
    pub token: Lifetime,
    /// Reads that a visitor is allowed while none can be counted, where a site wants that.
    pub unmetered_max: u8,
    /// How windows are forgotten.
    pub upkeep: Upkeep,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("Database").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Every setting.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that `PRESSGATE_CONFIG` names.
    pub file: Option<ConfigFile>,
    /// What the installation is for.
    pub mode: Mode,
    /// `[server]`.
    pub server: Server,
    /// `[log]`.
    pub log: Log,
    /// `[database]`.
    pub database: Database,
    /// `[meter]`.
    pub meter: MeterSettings,
    /// `[decisions]`.
    pub decisions: LogLimits,
    /// `[limits]`.
    pub limits: Limits,
    /// `[mail]`.
    pub mail: Mail,
    /// `[billing]`.
    pub billing: Billing,
    /// `[passwords]`.
    pub passwords: HashLimits,
    /// `keys.master`.
    pub master: MasterKey,
    /// `[audit]`.
    pub audit: Audit,
    /// `[sessions]`.
    pub sessions: Sessions,
    /// `sites.refresh_secs`.
    pub sites_refresh: Duration,
    /// `metrics.listen`.
    pub metrics_listen: Option<SocketAddr>,
}

/// Every mistake in the settings: the file or variable, the key and the reason, a line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is wrong:\n  {}", self.0.join("\n  "))]
pub struct InvalidConfig(pub Vec<String>);

impl Config {
    /// Reads the settings from the compiled-in files, the file that `PRESSGATE_CONFIG` names, and
    /// the environment.
    ///
    /// # Errors
    /// [`InvalidConfig`] with every mistake.
    pub fn load() -> Result<Self, InvalidConfig> {
        let file = match std::env::var("PRESSGATE_CONFIG") {
            Err(_) => None,
            Ok(path) => {
                let content = std::fs::read_to_string(&path).map_err(|error| {
                    InvalidConfig(vec![format!("{path} (from PRESSGATE_CONFIG): {error}")])
                })?;
                Some((path, content))
            }
        };
        let env = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::from_layers(&Outside { file, env })
    }

    /// Reads the settings from the compiled-in files and `outside`.
    ///
    /// # Errors
    /// [`InvalidConfig`] with every mistake.
    pub fn from_layers(outside: &Outside) -> Result<Self, InvalidConfig> {
        let mut settings = Settings::merge(outside);
        let config = read(&mut settings);
        match config {
            Some(config) if settings.mistakes.is_empty() => Ok(config),
            _ => Err(InvalidConfig(settings.mistakes)),
        }
    }

    /// Whether this is a sandbox.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        self.mode == Mode::Sandbox
    }
}

/// Reads every section before it gives up, so that all mistakes are found.
fn read(settings: &mut Settings) -> Option<Config> {
    let mode = settings.parse_with("mode", |text| match text {
        "sandbox" => Ok(Mode::Sandbox),
        "live" => Ok(Mode::Live),
        _ => Err("must be `sandbox` or `live`".to_owned()),
    });
    let server = server::read(settings, mode);
    let log = read_log(settings);
    let database = read_database(settings);
    let meter = read_meter(settings);
    let decisions = decisions::read(settings);
    let limits = limits::read(settings, mode);
    let mail = mail::read(settings, mode);
    let billing = billing::read(settings, mode);
    let passwords = passwords::read(settings);
    let master = settings.parse_with("keys.master", |text| {
        if mode == Some(Mode::Live) && text == SANDBOX_MASTER {
            return Err("is the sandbox's, which everybody knows; make one of your own with \
                        `openssl rand -base64 32`"
                .to_owned());
        }
        MasterKey::parse(text).map_err(|e| e.to_string())
    });
    let audit = audit::read(settings);
    let sessions = sessions::read(settings);
    let sites_refresh = settings.seconds("sites.refresh_secs", 1..=30);
    let metrics_listen = settings.parse_with("metrics.listen", |text| {
        if text.is_empty() { Ok(None) } else { parse_address(text).map(Some) }
    });
    Some(Config {
        file: settings.file.take(),
        mode: mode?,
        server: server?,
        log: log?,
        database: database?,
        meter: meter?,
        decisions,
        limits,
        mail: mail?,
        billing: billing?,
        passwords,
        master: master?,
        audit,
        sessions,
        sites_refresh,
        metrics_listen: metrics_listen?,
    })
}

fn read_log(settings: &mut Settings) -> Option<Log> {
    let level = settings.parse_with("log.level", |text| {
        let directives = tracing_subscriber::EnvFilter::builder().parse(text);
        directives.map(|_| text.to_owned()).map_err(|error| error.to_string())
    });
    let format = settings.parse_with("log.format", |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        "auto" => Ok(LogFormat::Auto),
        _ => Err("must be `text`, `json` or `auto`".to_owned()),
    });
    Some(Log { level: level?, format: format? })
}

fn read_database(settings: &mut Settings) -> Option<Database> {
    let url = settings.parse("database.url");
    Some(Database {
        limits: PoolLimits {
            connections_max: settings.number("database.connections_max", 2..=1_000),
            acquire_timeout: settings.seconds("database.acquire_timeout_secs", 1..=30),
            statement_timeout: settings.seconds("database.statement_timeout_secs", 1..=30),
        },
        migrate_on_start: settings.flag("database.migrate_on_start"),
        url: url?,
    })
}

fn read_meter(settings: &mut Settings) -> Option<MeterSettings> {
    settings.parse_with("meter.store", |text| match text {
        "database" => Ok(()),
        _ => Err("must be `database`".to_owned()),
    });
    let durability = settings.parse_with("meter.durability", |text| match text {
        "normal" => Ok(Durability::Normal),
        "full" => Ok(Durability::Full),
        _ => Err("must be `normal` or `full`".to_owned()),
    });
    let days: i64 = settings.number("meter.visitor_token_days", 1..=400);
    let renew_days: i64 = settings.number("meter.visitor_token_renew_days", 0..=400);
    let purge_after: i64 = settings.number("meter.purge_after_hours", 0..=8_784);
    Some(MeterSettings {
        limits: MeterLimits {
            queue_max: settings.number("meter.queue_max", 1..=1_000_000),
            batch_max: settings.number("meter.batch_max", 1..=4_096),
            cache_entries: settings.number("meter.cache_entries", 0..=100_000_000),
        },
        token: Lifetime {
            total: time::Duration::days(days),
            renew_after: time::Duration::days(renew_days),
        },
        unmetered_max: settings.number("meter.unmetered_max", 1..=UNMETERED_MAX),
        upkeep: Upkeep {
            every: settings.seconds("meter.purge_every_secs", 1..=86_400),
            step: settings.number("meter.purge_step", 1..=10_000),
            keep: time::Duration::hours(purge_after),
        },
        durability: durability?,
    })
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an address and a port, such as `127.0.0.1:8080`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(file: &str, env: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let outside = Outside {
            file: Some(("my.toml".to_owned(), file.to_owned())),
            env: env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        };
        Config::from_layers(&outside).map_err(|invalid| invalid.0)
    }

    #[test]
    fn later_layers_win() {
        let config = with(
            "[server]\nlisten = \"127.0.0.1:1\"\nrequests_max = 7",
            &[("PRESSGATE__SERVER__LISTEN", "127.0.0.1:2"), ("PATH", "/bin")],
        )
        .unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        assert_eq!((config.server.listen.port(), config.server.requests_max), (2, 7));
        assert!(config.database.migrate_on_start && config.is_sandbox());
    }

    #[test]
    fn every_mistake_is_reported_with_its_place_key_and_reason() {
        let mistakes = with(
            "[server]\nlisten = \"0.0.0.0:80\"\nlissten = 1\nrequests_max = \"many\"",
            &[
                ("PRESSGATE__DATABASE__CONNECTIONS_MAX", "ten"),
                ("PRESSGATE__DATABASE__URL", "mysql://x"),
                ("PRESSGATE__METER__QUEUE_MAX", "0"),
            ],
        )
        .err()
        .unwrap();
        let place = |start: &str| mistakes.iter().any(|mistake| mistake.starts_with(start));
        assert!(place("my.toml: `server.lissten` is no setting"), "{mistakes:#?}");
        assert!(place("my.toml: `server.requests_max` must be a whole number, not a text"));
        assert!(place("my.toml: `server.listen` must be a loopback address"));
        assert!(place("environment variable PRESSGATE__DATABASE__CONNECTIONS_MAX: `database.conn"));
        assert!(place(
            "environment variable PRESSGATE__DATABASE__URL: `database.url` must be `sql"
        ));
        assert!(place(
            "environment variable PRESSGATE__METER__QUEUE_MAX: `meter.queue_max` must be"
        ));
        assert_eq!(mistakes.len(), 6);
        assert!(with("this is no toml", &[]).err().unwrap()[0].starts_with("my.toml: "));
    }

    #[test]
    fn a_list_is_an_array_in_a_file_and_has_commas_in_the_environment() {
        let name = "PRESSGATE__SERVER__TRUSTED_PROXIES";
        let file = "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"2001:db8::1\"]";
        let proxies = |file, env: &[(&str, &str)]| {
            with(file, env).map(|config| config.server.trusted_proxies)
        };
        let listed = proxies(file, &[]).unwrap();
        assert_eq!(proxies("", &[(name, "10.0.0.0/8, 2001:db8::1,")]).unwrap(), listed);
        assert_eq!(proxies(file, &[(name, "")]), proxies("", &[]));
        for (file, env, reason) in [
            ("[server]\ntrusted_proxies = \"10.0.0.0/8\"", None, "must be a list, not a text"),
            ("[server]\ntrusted_proxies = [10]", None, "must be a list of texts"),
            ("", Some((name, "10.0.0.0/8,0.0.0.0/0")), "must list addresses or blocks"),
        ] {
            let mistakes = proxies(file, env.as_slice()).unwrap_err();
            assert!(mistakes.len() == 1 && mistakes[0].contains(reason), "{mistakes:?}");
        }
    }

    #[test]
    fn live_refuses_what_only_a_sandbox_may_have() {
        let live = ("PRESSGATE__MODE", "live");
        let url = ("PRESSGATE__SERVER__PUBLIC_URL", "https://pay.example");
        let mistakes = with("", &[live]).err().unwrap();
        assert!(mistakes.iter().any(|m| m.contains("`keys.master` must be 32 random bytes")));
        assert!(mistakes.iter().any(|m| m.contains("`server.public_url` must begin with `https")));
        assert!(mistakes.iter().any(|m| m.contains("`mail.host` must name the server")));
        assert!(mistakes.iter().any(|m| m.contains("`mail.from_address` must be an address of")));
        let mail = [
            ("PRESSGATE__MAIL__HOST", "mail.example"),
            ("PRESSGATE__MAIL__FROM_ADDRESS", "news@pay.example"),
        ];
        let with_master = |master, more: &[(&str, &str)]| {
            let master = ("PRESSGATE__KEYS__MASTER", master);
            let env: Vec<_> =
                [live, url, master].iter().chain(&mail).chain(more).copied().collect();
            with("", &env)
        };
        let known = with_master(SANDBOX_MASTER, &[]);
        assert!(known.err().unwrap()[0].contains("everybody knows"));
        let own = "q1LGgSPcZ0mC7ZSkZQ3nK4nOaXW8YV5tR2uJ6hE0fBw=";
        for (key, value, why) in [
            ("PRESSGATE__MAIL__TLS", "none", "only to this machine"),
            ("PRESSGATE__MAIL__TRANSPORT", "sandbox", "sends nothing"),
            ("PRESSGATE__MAIL__HOST", "smtps://mail.example", "must name the server"),
            ("PRESSGATE__MAIL__HOST", "mail.example:587", "must name the server"),
            ("PRESSGATE__MAIL__USER", "us", "`mail.password` must be set"),
            ("PRESSGATE__MAIL__PASSWORD", "secret", "must be set where `mail.user` is"),
        ] {
            assert!(with_master(own, &[(key, value)]).err().unwrap()[0].contains(why), "{value}");
        }
        let config = with_master(own, &[]).ok().unwrap();
        assert!(!config.database.migrate_on_start && config.limits.network.is_some());
        for (settings, expected) in [
            (&[][..], Some("max-age=31536000")),
            (&[("PRESSGATE__SERVER__HSTS_DAYS", "0")][..], None),
            (
                &[
                    ("PRESSGATE__SERVER__HSTS_DAYS", "730"),
                    ("PRESSGATE__SERVER__HSTS_INCLUDE_SUBDOMAINS", "true"),
                ],
                Some("max-age=63072000; includeSubDomains"),
            ),
        ] {
            let sent = with_master(own, settings).ok().unwrap().server.transport_security;
            assert_eq!(sent.as_ref().map(|value| value.to_str().unwrap()), expected);
        }
        assert_eq!(with("", &[]).unwrap().server.transport_security, None);
        assert!(with("", &[]).unwrap().limits.network.is_none());
    }
}
