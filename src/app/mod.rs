//! Putting everything together: open, serve, stop.
//!
//! `background` starts the tasks that belong to no room, `databases` opens what is kept, `exposure` keeps
//! its files from other users of the machine, `rooms` furnishes the rooms with the parts that they need.

mod background;
mod databases;
mod exposure;
mod rooms;
mod serving;

use std::{ops::Deref, sync::Arc};

use axum::{Router, body::Body, http::Request, middleware::from_fn_with_state};
use utoipa_axum::router::OpenApiRouter;

use self::rooms::{Ground, Rooms};
pub use self::{
    databases::{Databases, sqlite_files},
    exposure::{Exposed, exposed},
};
use crate::{
    access::{self, gate::Gate},
    audit::{
        anchor::AnchorError,
        anchor_file::{AnchorFile, AnchorMetrics},
        chain::ChainKey,
    },
    auth::{
        guard::Guard,
        hashing::HashError,
        staff::store::StaffStoreError,
        store::{self as key_store, KeyStoreError},
    },
    billing::{
        self,
        catalog::{
            source::{Source, SourceError},
            versions::Catalogs,
        },
        engine::Billing,
        gateway::{Gateway, control},
        notice::{InvalidDuties, duty::Duties},
    },
    clock::{Clock, SystemClock},
    config::{Config, Mode},
    db::{Db, StoreError},
    demo,
    http::{
        edge::{Edge, EdgeLimits},
        health,
        metrics::Metrics,
        openapi,
        problem::ApiError,
        readiness::Readiness,
    },
    ids::{Ids, NoRandomness},
    mail::{self, smtp::InvalidSmtp},
    metering::{
        meter::Meter,
        store::{MeterStore, PostgresStore, SqliteStore},
    },
    newsletter::{self, newsletters::Newsletters},
    numbers::proof,
    reader::{self, accounts::Accounts},
    sandbox,
    site::{
        self,
        directory::{Directory, DirectoryError},
        proof::note_site,
        store::SiteStoreError,
    },
    staff::{self, desk::Desk},
    supervisor::{Supervisor, Watch},
};

/// Why the application could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error("database.url: {0}")]
    Store(#[from] StoreError),
    /// The schema is older than this program.
    #[error(
        "the database lacks {0} migrations; run `pressgate migrate`, or set \
         database.migrate_on_start"
    )]
    NotMigrated(usize),
    /// The database was made by a sandbox.
    #[error(
        "the database holds the sandbox's demo site or its administrator, whose key and password \
         everybody knows: a live service needs a database of its own (database.url)"
    )]
    SandboxDatabase,
    /// The sandbox's site could not be made.
    #[error(transparent)]
    Site(#[from] SiteStoreError),
    /// The sandbox's administrator could not be added.
    #[error(transparent)]
    Staff(#[from] StaffStoreError),
    /// Signing keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
    /// Sites and keys cannot be read.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The catalog is wrong.
    #[error("billing.catalog: {0}")]
    Catalog(#[from] SourceError),
    /// What subscribers must be told is wrong.
    #[error(transparent)]
    Duties(#[from] InvalidDuties),
    /// The demonstration is broken.
    #[error(transparent)]
    Demo(#[from] demo::newspaper::NewspaperError),
    /// Mails cannot be sent.
    #[error(transparent)]
    Smtp(#[from] InvalidSmtp),
    /// Passwords cannot be hashed.
    #[error(transparent)]
    Hashing(#[from] HashError),
    /// The description of the API cannot be written.
    #[error("the description of the API: {0}")]
    Description(#[from] serde_json::Error),
    /// The audit log's anchors cannot be used.
    #[error("audit.anchor_file: {0}")]
    Anchors(#[from] AnchorError),
    /// The operating system gives no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Everything that handlers use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState(Arc<App>);

impl Deref for AppState {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

/// The application's parts.
#[derive(Debug)]
pub struct App {
    /// The settings.
    pub config: Config,
    /// The databases.
    pub databases: Databases,
    /// Decides.
    pub gate: Arc<Gate>,
    /// Readers' accounts.
    pub accounts: Arc<Accounts>,
    /// Subscriptions.
    pub billing: Arc<Billing>,
    /// Newsletters.
    pub newsletters: Arc<Newsletters>,
    /// The back office.
    pub desk: Arc<Desk>,
    /// Slows down those who guess.
    pub guard: Guard,
    /// What is sold.
    pub catalogs: Catalogs,
    /// What subscribers must be told.
    pub duties: Arc<Duties>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Whether requests should be sent here.
    pub readiness: Arc<Readiness>,
    /// The clock that a sandbox may move.
    pub movable_clock: Option<Arc<SystemClock>>,
    ids: Ids,
    /// Work in the background; ends with the application.
    supervisor: Supervisor,
    anchors: Option<Arc<AnchorFile>>,
}

impl AppState {
    /// Opens the databases and starts the meter and the work in the background. `clock` is the
    /// machine's, or a test's.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(config: Config, clock: Arc<dyn Clock>, ids: Ids) -> Result<Self, StartError> {
        let source = Source::read(config.billing.catalog.as_deref())?;
        let databases = Databases::open(&config).await?;
        prepare(&databases, &config, &*clock, &ids).await?;
        let catalogs = Catalogs::open(databases.main.clone(), &source, clock.now()).await?;
        proof::begin(&databases.main, clock.now()).await?;
        match databases.meter.clone() {
            Db::Sqlite { write, .. } => {
                let store = SqliteStore::new(write);
                Self::start(config, (databases, catalogs), (clock, ids), store).await
            }
            Db::Postgres(pool) => {
                let store = PostgresStore::new(pool);
                Self::start(config, (databases, catalogs), (clock, ids), store).await
            }
        }
    }

    /// [`AppState::open`] with the machine's clock, which a sandbox may move.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open_on_this_machine(config: Config) -> Result<Self, StartError> {
        let clock = Arc::new(SystemClock::default());
        let movable = config.is_sandbox().then(|| Arc::clone(&clock));
        let mut state = Self::open(config, clock, Ids::system()?).await?;
        if let Some(app) = Arc::get_mut(&mut state.0) {
            app.movable_clock = movable;
        }
        Ok(state)
    }

    async fn start(
        config: Config,
        (databases, catalogs): (Databases, Catalogs),
        (clock, ids): (Arc<dyn Clock>, Ids),
        store: impl MeterStore,
    ) -> Result<Self, StartError> {
        let metrics = Arc::new(Metrics::default());
        let db = databases.main.clone();
        let master = config.master.clone();
        let directory = Arc::new(Directory::open(db.clone(), Arc::clone(&clock), master).await?);
        let supervisor = Supervisor::new(metrics.task_restarts.clone());
        let meter = Meter::start(store.clone(), config.meter.limits, &supervisor);
        let ground = (db.clone(), Arc::clone(&clock));
        background::watch_over(&supervisor, &config, ground, (&directory, store.clone()), &metrics);
        let anchors = open_anchors(&config, metrics.anchors.clone())?;
        if let Some(anchors) = &anchors {
            let (anchors, db, clock) = (Arc::clone(anchors), db.clone(), Arc::clone(&clock));
            let every = config.audit.anchor_every;
            supervisor.spawn(Watch::background("audit_anchors"), move |_| {
                Arc::clone(&anchors).keep(db.clone(), Arc::clone(&clock), every)
            });
        }
        let meter_store = databases.has_own_meter().then_some(store);
        let readiness = Readiness::new(db.clone(), meter_store, &clock, supervisor.clone());
        let duties = Arc::new(Duties::shipped()?);
        let ground = Ground {
            config: &config,
            db,
            meter_db: databases.meter.clone(),
            clock,
            ids: ids.clone(),
            metrics: &metrics,
            directory,
            meter,
            catalogs: catalogs.clone(),
            duties: Arc::clone(&duties),
        };
        let Rooms { gate, accounts, billing, newsletters, desk, guard } =
            ground.furnish(&supervisor).await?;
        Ok(Self(Arc::new(App {
            config,
            databases,
            gate,
            accounts,
            billing,
            newsletters,
            desk,
            guard,
            catalogs,
            duties,
            metrics,
            readiness: Arc::new(readiness),
            movable_clock: None,
            ids,
            supervisor,
            anchors,
        })))
    }

    /// The whole service, as every request meets it.
    ///
    /// # Errors
    /// When the demonstration is broken.
    pub fn service(&self) -> Result<Edge, StartError> {
        let public_url = &self.config.server.public_url;
        let gate = || Arc::clone(&self.gate);
        let mut rooms = OpenApiRouter::new()
            .merge(access::api::routes(gate(), Arc::clone(&self.accounts.tokens), public_url))
            .merge(reader::api::routes(Arc::clone(&self.accounts), self.guard.clone()))
            .merge(billing::api::routes(billing::api::Counter {
                billing: Arc::clone(&self.billing),
                tokens: Arc::clone(&self.accounts.tokens),
                directory: Arc::clone(&self.gate.directory),
            }))
            .merge(newsletter::api::routes(newsletter::api::Rack {
                catalogs: self.catalogs.clone(),
                directory: Arc::clone(&self.gate.directory),
            }))
            .merge(staff::api::routes(Arc::clone(&self.desk), self.guard.clone()))
            .merge(health::routes(Arc::clone(&self.readiness)));
        if let Some(clock) = &self.movable_clock {
            let directory = Arc::clone(&self.gate.directory);
            let billing = Arc::clone(&self.billing);
            rooms = rooms.merge(sandbox::routes(Arc::clone(clock), directory, billing));
        }
        if let Gateway::Sandbox(sandbox) = &self.billing.gateway {
            let (sandbox, billing) = (sandbox.clone(), Arc::clone(&self.billing));
            rooms = rooms.merge(control::routes(control::Bank { sandbox, billing }));
        }
        if self.config.is_sandbox() {
            let mailbox = mail::sandbox::routes(
                self.databases.main.clone(),
                Arc::clone(&self.accounts.clock),
            );
            let billing = Arc::clone(&self.billing);
            rooms = rooms.merge(mailbox.layer(from_fn_with_state(billing, sandbox::with_notices)));
        }
        let looks = (Arc::clone(&self.gate.directory), self.databases.main.clone());
        let pages = self.reader_pages();
        let mut router = openapi::described(rooms)?
            .merge(reader::pages::routes(pages.clone(), self.guard.clone()))
            .merge(self.staff_pages())
            .merge(site::look::api::routes(looks.0, looks.1));
        if self.config.metrics_listen.is_none() {
            router = router.merge(self.metrics_route());
        }
        if self.config.is_sandbox() {
            router = router.merge(demo::api::routes(
                gate(),
                Arc::clone(&self.accounts),
                self.catalogs.clone(),
                public_url,
            )?);
        }
        let nothing = move |asked| reader::pages::nothing_here(pages.clone(), asked);
        Ok(self.edge(router.fallback(nothing)))
    }

    /// The service on `metrics.listen`: nothing but `/metrics`.
    #[must_use]
    pub fn metrics_service(&self) -> Edge {
        self.edge(self.metrics_route().fallback(|| async { ApiError::NotFound }))
    }

    fn reader_pages(&self) -> reader::pages::Pages {
        reader::pages::Pages {
            accounts: Arc::clone(&self.accounts),
            newsletters: Arc::clone(&self.newsletters),
            counts: self.desk.counts.clone(),
            publisher: self.config.mail.from_name.as_str().into(),
            secure: !self.config.is_sandbox(),
        }
    }

    fn staff_pages(&self) -> Router {
        let pages = staff::pages::StaffPages {
            desk: Arc::clone(&self.desk),
            publisher: self.config.mail.from_name.as_str().into(),
            secure: !self.config.is_sandbox(),
        };
        staff::pages::routes(pages)
    }

    fn metrics_route(&self) -> Router {
        health::metrics_route(Arc::clone(&self.metrics), self.gate.meter.clone())
    }

    fn edge(&self, router: Router) -> Edge {
        let router = router.method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed });
        let server = &self.config.server;
        let limits = EdgeLimits {
            requests_max: server.requests_max,
            timeout: server.request_timeout,
            trusted_proxies: server.trusted_proxies.clone(),
        };
        let directory = Arc::clone(&self.gate.directory);
        let site_of = move |request: &mut Request<Body>| note_site(&directory, request);
        Edge::new(router, self.ids.clone(), Arc::clone(&self.metrics), limits)
            .with_sites(Arc::new(site_of))
            .with_transport_security(server.transport_security.clone())
    }
}

/// The file of anchors that the settings name.
///
/// # Errors
/// When what is in it is not ours.
pub fn open_anchors(
    config: &Config,
    metrics: AnchorMetrics,
) -> Result<Option<Arc<AnchorFile>>, AnchorError> {
    let Some(path) = config.audit.anchor_file.as_deref() else { return Ok(None) };
    AnchorFile::open(path, ChainKey::of(&config.master), metrics).map(Arc::new).map(Some)
}

/// Sees to it that the databases are up to date and hold what the service needs.
async fn prepare(
    databases: &Databases,
    config: &Config,
    clock: &dyn Clock,
    ids: &Ids,
) -> Result<(), StartError> {
    if config.database.migrate_on_start {
        databases.migrate().await?;
    } else {
        match databases.pending_migrations().await? {
            0 => {}
            pending => return Err(StartError::NotMigrated(pending)),
        }
    }
    let now = clock.now();
    let mut tx = databases.main.write().await?;
    match config.mode {
        Mode::Sandbox => {
            sandbox::seed(&mut tx, &config.server.public_url, now).await?;
            sandbox::seed_staff(&mut tx, (&config.master, ids), now).await?;
        }
        Mode::Live if sandbox::is_seeded(&mut tx).await? => {
            return Err(StartError::SandboxDatabase);
        }
        Mode::Live => {}
    }
    key_store::ensure(&mut tx, &config.master, ids, now).await?;
    tx.commit().await?;
    Ok(())
}
