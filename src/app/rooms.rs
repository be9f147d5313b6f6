//! The rooms with everything that they need: who is handed what.

use std::{sync::Arc, time::Duration};

use tokio::sync::Mutex;

use super::StartError;
use crate::{
    access::{
        gate::Gate,
        log::{logged::CodeKey, recorder::Recorder},
    },
    audit::chain::ChainKey,
    auth::{
        guard::Guard, hashing::Hasher, mail_limits::MailLimits, network::NetworkLimits,
        revocation::Revocations, staff::device::DeviceKey, tokens::Tokens,
    },
    billing::{
        access::Standings,
        cancellation_notice::ReceivedNotices,
        card_limit::CardLimits,
        catalog::versions::Catalogs,
        engine::Billing,
        gateway::{Gateway, Sandbox},
        link::MailLinks,
        notice::duty::Duties,
        trial::TrialKey,
    },
    clock::Clock,
    config::{Config, GatewayKind},
    db::Db,
    http::metrics::Metrics,
    ids::Ids,
    mail::{
        MailRoom, queue_metrics,
        smtp::Smtp,
        worker::{Counts, Exchange, Pace, Worker},
    },
    metering::meter::Meter,
    newsletter::{link::LinkKey, newsletters::Newsletters},
    numbers::counts::{self, PageCounts},
    reader::{accounts::Accounts, last_read::LastReads},
    site::directory::Directory,
    staff::{desk::Desk, disclosures::Disclosures},
    supervisor::{Supervisor, Watch},
};

/// What all rooms are built on.
pub(super) struct Ground<'a> {
    pub(super) config: &'a Config,
    pub(super) db: Db,
    pub(super) meter_db: Db,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Ids,
    pub(super) metrics: &'a Metrics,
    pub(super) directory: Arc<Directory>,
    pub(super) meter: Meter,
    pub(super) duties: Arc<Duties>,
    pub(super) catalogs: Catalogs,
}

/// The rooms that answer requests.
pub(super) struct Rooms {
    pub(super) gate: Arc<Gate>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) billing: Arc<Billing>,
    pub(super) newsletters: Arc<Newsletters>,
    pub(super) desk: Arc<Desk>,
    pub(super) guard: Guard,
}

impl Ground<'_> {
    /// Builds the rooms; `tasks` runs their work in the background.
    pub(super) async fn furnish(self, tasks: &Supervisor) -> Result<Rooms, StartError> {
        let tokens = self.tokens(tasks).await?;
        let mail = self.mail_room(tasks)?;
        let hasher = Hasher::start(self.config.passwords, self.ids.clone())?;
        let billing = self.billing(tasks, &mail);
        let limits = &self.config.limits;
        let networks = Arc::new(NetworkLimits::new(limits.network));
        let mail_limits = Arc::new(MailLimits::new(limits.mail, limits.network_mail));
        let newsletters = Arc::new(self.newsletters(&mail, &mail_limits));
        let counters = (Arc::clone(&networks), mail_limits);
        let mail = (mail, Arc::clone(&billing));
        let accounts = Arc::new(self.accounts((&tokens, &hasher), counters, mail));
        let (db, clock) = (self.db.clone(), Arc::clone(&self.clock));
        let directory = Arc::clone(&self.directory);
        let counts = PageCounts::default();
        let shared = counts.clone();
        tasks.spawn(Watch::background("page_counts"), move |heartbeat| {
            let ground = (db.clone(), Arc::clone(&clock));
            counts::run(shared.clone(), ground, Arc::clone(&directory), heartbeat)
        });
        let gate = Arc::new(self.gate(tasks, &billing, counts.clone()));
        let desk = self.desk((tokens, hasher), (&accounts, &newsletters), (&counts, &gate));
        let guard = Guard { networks, clock: Arc::clone(&self.clock) };
        let desk = Arc::new(desk);
        Ok(Rooms { gate, accounts, billing, newsletters, desk, guard })
    }

    fn gate(&self, tasks: &Supervisor, billing: &Arc<Billing>, counts: PageCounts) -> Gate {
        let (log, writer) = Recorder::new(
            (self.db.clone(), Arc::clone(&self.clock), self.ids.clone()),
            CodeKey::of(&self.config.master),
            self.config.decisions,
            self.metrics.decisions_lost.clone(),
        );
        tasks.spawn(Watch::background("decision_log"), move |heartbeat| {
            Arc::clone(&writer).run(heartbeat)
        });
        let (reads, notes) = LastReads::new(self.db.clone());
        tasks.spawn(Watch::background("last_reads"), move |heartbeat| {
            Arc::clone(&notes).write_down(heartbeat)
        });
        Gate::new(
            Arc::clone(&self.directory),
            (self.meter.clone(), Arc::clone(billing)),
            (counts, log),
            (Arc::clone(&self.clock), self.ids.clone(), self.config.meter.token),
            self.metrics,
        )
        .noting(reads)
        .allowing_unmetered(self.config.meter.unmetered_max)
    }

    async fn tokens(&self, tasks: &Supervisor) -> Result<Arc<Tokens>, StartError> {
        let revocations =
            Arc::new(Revocations::open(self.db.clone(), Arc::clone(&self.clock)).await?);
        let (shared, every) = (Arc::clone(&revocations), self.config.sessions.refresh);
        tasks
            .spawn(Watch::essential("revocations"), move |_| Arc::clone(&shared).keep_fresh(every));
        Ok(Arc::new(Tokens::new(
            (Arc::clone(&self.directory), revocations),
            (Arc::clone(&self.clock), self.ids.clone()),
            &self.config.server.public_url,
            self.config.sessions.tokens_remembered,
            self.metrics,
        )))
    }

    fn mail_room(&self, tasks: &Supervisor) -> Result<MailRoom, StartError> {
        let mail = &self.config.mail;
        let room = MailRoom::new(&mail.from_name, self.ids.clone());
        let Some(settings) = &mail.smtp else { return Ok(room.that_keeps()) };
        let sender = (&mail.from_address, mail.from_name.as_str());
        let smtp = Arc::new(Smtp::new(settings, sender, &self.config.server.public_url)?);
        let pace = Arc::new(Pace::new(mail.sending.per_second_max));
        // A mail may take as long to connect and again as long to hand over.
        let hangs_after = 2 * settings.timeout + Duration::from_mins(1);
        for (name, lane) in ["outbox_security", "outbox"].into_iter().zip(mail.sending.lanes()) {
            let worker = Arc::new(Worker {
                db: self.db.clone(),
                clock: Arc::clone(&self.clock),
                ids: self.ids.clone(),
                smtp: Arc::clone(&smtp),
                arrivals: room.arrivals(),
                lane,
                pace: Arc::clone(&pace),
                counts: Counts {
                    sent: self.metrics.mails_sent.clone(),
                    failed: self.metrics.mails_failed.clone(),
                    dead: self.metrics.mails_dead.clone(),
                },
                exchange: Exchange::default(),
            });
            let watch = Watch::essential(name).hanging_after(hangs_after);
            tasks.spawn(watch, move |heartbeat| Arc::clone(&worker).run(heartbeat));
        }
        let (gauges, interval) = (self.metrics.mail_queue.clone(), mail.sending.check);
        let (db, clock) = (self.db.clone(), Arc::clone(&self.clock));
        tasks.spawn(Watch::background("mail_queue"), move |heartbeat| {
            queue_metrics::run(
                gauges.clone(),
                (db.clone(), Arc::clone(&clock)),
                interval,
                heartbeat,
            )
        });
        Ok(room)
    }

    fn billing(&self, tasks: &Supervisor, mail: &MailRoom) -> Arc<Billing> {
        let gateway = match self.config.billing.gateway {
            GatewayKind::None => Gateway::None,
            GatewayKind::Sandbox => {
                Gateway::Sandbox(Sandbox::new(self.db.clone(), Arc::clone(&self.clock)))
            }
        };
        let billing = Arc::new(Billing {
            db: self.db.clone(),
            clock: Arc::clone(&self.clock),
            ids: self.ids.clone(),
            catalogs: self.catalogs.clone(),
            gateway,
            mail: mail.clone(),
            audit_key: ChainKey::of(&self.config.master),
            cards: Arc::new(CardLimits::new(
                self.db.clone(),
                Arc::clone(&self.clock),
                self.config.limits.cards,
            )),
            refund_limits: self.config.billing.refund_alone_max.clone(),
            trials: TrialKey::of(&self.config.master),
            previews: self.config.master.derive("switch previews"),
            links: MailLinks::of(&self.config.master, &self.config.server.public_url),
            directory: Arc::clone(&self.directory),
            duties: Arc::clone(&self.duties),
            public_url: self.config.server.public_url.as_str().into(),
            standings: Standings::default(),
            received_notices: ReceivedNotices::default(),
            news: Arc::default(),
            turn: Mutex::default(),
        });
        if self.config.billing.worker {
            let worker = Arc::clone(&billing);
            tasks.spawn(Watch::essential("billing"), move |heartbeat| {
                Arc::clone(&worker).run(heartbeat)
            });
        }
        billing
    }

    fn accounts(
        &self,
        (tokens, hasher): (&Arc<Tokens>, &Hasher),
        (networks, mail_limits): (Arc<NetworkLimits>, Arc<MailLimits>),
        (mail, billing): (MailRoom, Arc<Billing>),
    ) -> Accounts {
        Accounts {
            db: self.db.clone(),
            clock: Arc::clone(&self.clock),
            ids: self.ids.clone(),
            hasher: hasher.clone(),
            tokens: Arc::clone(tokens),
            mail,
            billing,
            limits: self.config.limits,
            networks,
            mail_limits,
            lifetimes: self.config.sessions.reader,
            directory: Arc::clone(&self.directory),
            meter_db: self.meter_db.clone(),
            audit_key: ChainKey::of(&self.config.master),
            public_url: self.config.server.public_url.as_str().into(),
        }
    }

    fn newsletters(&self, mail: &MailRoom, limits: &Arc<MailLimits>) -> Newsletters {
        Newsletters {
            db: self.db.clone(),
            clock: Arc::clone(&self.clock),
            ids: self.ids.clone(),
            mail: mail.clone(),
            catalogs: self.catalogs.clone(),
            limits: Arc::clone(limits),
            links: LinkKey::of(&self.config.master),
            public_url: self.config.server.public_url.as_str().into(),
        }
    }

    fn desk(
        &self,
        (tokens, hasher): (Arc<Tokens>, Hasher),
        (accounts, newsletters): (&Arc<Accounts>, &Arc<Newsletters>),
        (counts, gate): (&PageCounts, &Arc<Gate>),
    ) -> Desk {
        Desk {
            db: self.db.clone(),
            clock: Arc::clone(&self.clock),
            ids: self.ids.clone(),
            hasher,
            tokens,
            limits: self.config.limits,
            lifetimes: self.config.sessions.staff,
            devices: DeviceKey::of(&self.config.master),
            master: self.config.master.clone(),
            audit_key: ChainKey::of(&self.config.master),
            needs_second_factor: !self.config.is_sandbox(),
            readers: Arc::clone(accounts),
            newsletters: Arc::clone(newsletters),
            counts: counts.clone(),
            gate: Arc::clone(gate),
            disclosures: Disclosures::default(),
        }
    }
}
