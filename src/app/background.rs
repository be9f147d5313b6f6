//! Background tasks that belong to no service of their own.

use std::sync::Arc;

use crate::{
    clock::Clock,
    clock_skew,
    config::Config,
    db::Db,
    http::metrics::Metrics,
    metering::{self, store::MeterStore},
    site::directory::Directory,
    supervisor::{Supervisor, Watch},
    telemetry, upkeep,
};

/// Starts them; they end with `supervisor`.
pub(super) fn watch_over(
    supervisor: &Supervisor,
    config: &Config,
    (db, clock): (Db, Arc<dyn Clock>),
    (directory, store): (&Arc<Directory>, impl MeterStore),
    metrics: &Metrics,
) {
    // A sandbox's clock is moved by hand.
    if !config.is_sandbox() {
        let (db, clock, gauge) = (db.clone(), Arc::clone(&clock), metrics.clock_skew.clone());
        supervisor.spawn(Watch::background("clock_skew"), move |_| {
            clock_skew::watch(db.clone(), Arc::clone(&clock), gauge.clone())
        });
    }
    let (directory, every) = (Arc::clone(directory), config.sites_refresh);
    supervisor.spawn(Watch::essential("sites"), move |_| Arc::clone(&directory).keep_fresh(every));
    let (shared_clock, kept) = (Arc::clone(&clock), config.decisions);
    supervisor.spawn(Watch::background("retention"), move |_| {
        upkeep::run(db.clone(), Arc::clone(&shared_clock), kept)
    });
    let settings = config.meter.upkeep;
    supervisor.spawn(Watch::background("meter_retention"), move |_| {
        metering::upkeep::run(store.clone(), Arc::clone(&clock), settings)
    });
    supervisor.spawn(Watch::background("log_sampling"), |_| telemetry::report_suppressed());
}
