//! Every site, key and signing key, in memory: looked up at each request, read anew from the
//! database every few seconds. So a revoked key is refused everywhere after that time at most,
//! while a new one works at once: an unknown key is looked for in the database.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use tokio::sync::Mutex;

use super::{
    key::{KeyHash, KeyKind},
    look::{
        model::{Look, Style},
        store as look_store,
    },
    model::Site,
    store,
};
use crate::{
    auth::{
        keys::{KeyRing, NoSigningKey},
        seal::MasterKey,
        store::{self as key_store, KeyStoreError},
    },
    clock::{Clock, Timestamp},
    db::{Db, StoreError},
    metering::{
        policy::{Audience, Rule},
        visitor::SiteTag,
        window::Window,
    },
};

/// Longest wait for a turn to look for an unknown key.
const TURN_MAX: Duration = Duration::from_secs(1);
/// Longest wait for everything to be read anew.
const REFRESH_MAX: Duration = Duration::from_secs(10);

/// A rule, ready to be applied.
#[derive(Debug, Clone)]
pub struct LiveRule {
    /// Where its reads count.
    pub pool: Arc<str>,
    /// Its window in the site's time zone.
    pub window: Window,
    /// Distinct articles a window allows.
    pub limit: u32,
    /// The rule in words.
    pub text: Arc<str>,
}

/// A site, ready to answer for.
#[derive(Debug)]
pub struct LiveSite {
    /// The site.
    pub site: Site,
    /// How its readers' pages look.
    pub look: Look,
    /// The style that this becomes.
    pub style: Style,
    /// Its name inside visitor tokens.
    pub tag: SiteTag,
    /// Whose visitor tokens it takes: its own, and those of sites that share a pool with it.
    pub believes: Vec<SiteTag>,
    rules: Vec<LiveRule>,
    zone: TimeZone,
}

impl LiveSite {
    /// The day that `at` falls on in the site's time zone.
    #[must_use]
    pub fn local_date(&self, at: Timestamp) -> time::Date {
        let utc = at.date_time();
        let offset = jiff::Timestamp::from_microsecond(at.micros())
            .map_or(0, |instant| self.zone.to_offset(instant).seconds());
        utc.saturating_add(time::Duration::seconds(offset.into())).date()
    }

    /// The rule at this place of the policy, if there is one.
    #[must_use]
    pub fn rule_at(&self, place: usize) -> Option<&LiveRule> {
        self.rules.get(place)
    }

    /// The position and the rule that applies to an article, if any.
    #[must_use]
    pub fn rule_for(
        &self,
        audience: Audience,
        section: Option<&str>,
        tags: &[impl AsRef<str>],
    ) -> Option<(usize, &LiveRule)> {
        let (i, _) = self.site.policy.rule_for(audience, section, tags)?;
        self.rules.get(i).map(|rule| (i, rule))
    }
}

/// What was known at one moment.
#[derive(Debug)]
pub struct Snapshot {
    sites: HashMap<String, Arc<LiveSite>>,
    first: Option<Arc<LiveSite>>,
    by_secret: HashMap<KeyHash, Arc<LiveSite>>,
    /// The signing keys.
    pub keys: KeyRing,
}

impl Snapshot {
    /// The site with this id.
    #[must_use]
    pub fn site(&self, id: &str) -> Option<Arc<LiveSite>> {
        self.sites.get(id).cloned()
    }

    /// The site that was added first.
    #[must_use]
    pub fn first_site(&self) -> Option<Arc<LiveSite>> {
        self.first.clone()
    }

    /// The ids of the sites, in order.
    #[must_use]
    pub fn site_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.sites.keys().cloned().collect();
        ids.sort_unstable();
        ids
    }

    /// What the sites are called.
    #[must_use]
    pub fn site_names(&self) -> Vec<String> {
        self.sites.values().map(|site| site.site.name.clone()).collect()
    }

    /// What the sites are called inside visitor tokens.
    #[must_use]
    pub fn tags(&self) -> Vec<SiteTag> {
        self.sites.values().map(|site| site.tag).collect()
    }

    /// Every pool that reads count in.
    #[must_use]
    pub fn pools(&self) -> Vec<Arc<str>> {
        let rules = self.sites.values().flat_map(|site| &site.rules);
        let mut pools: Vec<Arc<str>> = rules.map(|rule| Arc::clone(&rule.pool)).collect();
        pools.sort_unstable();
        pools.dedup();
        pools
    }
}

/// Why the directory could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Signing keys could not be read.
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
    /// Too many unknown keys are being looked for.
    #[error("too many unknown keys are being looked for")]
    Busy,
    /// There is none to sign with.
    #[error(transparent)]
    NoSigningKey(#[from] NoSigningKey),
}

/// The directory; shared by all requests.
pub struct Directory {
    db: Db,
    clock: Arc<dyn Clock>,
    master: MasterKey,
    snapshot: ArcSwap<Snapshot>,
    /// One request at a time looks for an unknown key, so that rubbish cannot crowd the database.
    looking: Mutex<()>,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}

impl Directory {
    /// Reads everything for the first time.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn open(
        db: Db,
        clock: Arc<dyn Clock>,
        master: MasterKey,
    ) -> Result<Self, DirectoryError> {
        let snapshot = ArcSwap::from_pointee(load(&db, &*clock, &master).await?);
        Ok(Self { db, clock, master, snapshot, looking: Mutex::new(()) })
    }

    /// What is known now.
    #[must_use]
    pub fn snapshot(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// The site with this id.
    #[must_use]
    pub fn site(&self, id: &str) -> Option<Arc<LiveSite>> {
        self.snapshot.load().site(id)
    }

    /// The site that holds the secret key `key`, as far as is known without asking the database.
    #[must_use]
    pub fn known_site_of_secret(&self, key: &str) -> Option<Arc<LiveSite>> {
        self.snapshot.load().by_secret.get(&KeyHash::of(key)).cloned()
    }

    /// The site that holds the secret key `key`.
    ///
    /// # Errors
    /// When the key is unknown here and the database cannot be asked.
    pub async fn site_of_secret(&self, key: &str) -> Result<Option<Arc<LiveSite>>, DirectoryError> {
        let hash = KeyHash::of(key);
        if let Some(site) = self.snapshot.load().by_secret.get(&hash) {
            return Ok(Some(Arc::clone(site)));
        }
        // Boxed, so that the requests that never come here need not make room for it.
        Box::pin(self.look_for(hash)).await
    }

    async fn look_for(&self, hash: KeyHash) -> Result<Option<Arc<LiveSite>>, DirectoryError> {
        let turn = tokio::time::timeout(TURN_MAX, self.looking.lock());
        let _turn = turn.await.map_err(|_| DirectoryError::Busy)?;
        if !store::key_exists(&mut self.db.read().await?, &hash.to_text()).await? {
            return Ok(None);
        }
        self.refresh().await?;
        Ok(self.snapshot.load().by_secret.get(&hash).cloned())
    }

    /// Reads everything anew.
    ///
    /// # Errors
    /// [`DirectoryError`]; what was known before stays.
    pub async fn refresh(&self) -> Result<(), DirectoryError> {
        let fresh = load(&self.db, &*self.clock, &self.master).await?;
        self.snapshot.store(Arc::new(fresh));
        Ok(())
    }

    /// Refreshes every `every`, for ever. Ends when it is dropped.
    pub async fn keep_fresh(self: Arc<Self>, every: Duration) {
        loop {
            tokio::time::sleep(every).await;
            // A database that is gone from the network says nothing, not even no.
            match tokio::time::timeout(REFRESH_MAX, self.refresh()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!("sites and keys could not be read anew: {error}");
                }
                Err(_) => tracing::warn!("sites and keys could not be read anew in time"),
            }
        }
    }
}

async fn load(db: &Db, clock: &dyn Clock, master: &MasterKey) -> Result<Snapshot, DirectoryError> {
    let mut tx = db.read().await?;
    let now = clock.now();
    let sites = store::list(&mut tx).await?;
    let mut looks = look_store::list(&mut tx).await?;
    let stored_keys = store::list_keys(&mut tx).await?;
    let signing_keys = key_store::list(&mut tx, master, now).await?;
    let live: HashMap<String, Arc<LiveSite>> = sites
        .iter()
        .map(|site| {
            let look = looks.remove(&site.id).unwrap_or_default();
            Ok((site.id.clone(), Arc::new(enliven(site, &sites, look)?)))
        })
        .collect::<Result<_, StoreError>>()?;
    let mut by_secret = HashMap::new();
    for key in stored_keys.into_iter().filter(|key| key.kind == KeyKind::Secret) {
        let corrupt =
            |column| StoreError::Corrupt { table: "site_keys", column, id: key.id.clone() };
        let hash = KeyHash::parse(&key.fingerprint).ok_or_else(|| corrupt("fingerprint"))?;
        let site = live.get(&key.site_id).ok_or_else(|| corrupt("site_id"))?;
        by_secret.insert(hash, Arc::clone(site));
    }
    let first = sites.iter().min_by_key(|site| (site.created_at, &site.id));
    let first = first.and_then(|site| live.get(&site.id).cloned());
    Ok(Snapshot { sites: live, first, by_secret, keys: KeyRing::at(&signing_keys, now)? })
}

fn enliven(site: &Site, all: &[Site], look: Look) -> Result<LiveSite, StoreError> {
    let zone = TimeZone::get(&site.time_zone).map_err(|_| StoreError::Corrupt {
        table: "sites",
        column: "time_zone",
        id: site.id.clone(),
    })?;
    let rules = site.policy.rules.iter().map(|rule| LiveRule {
        pool: pool_name(site, rule).into(),
        window: Window::new(rule.window, zone.clone()),
        limit: rule.limit,
        text: rule.to_string().into(),
    });
    let shares = |other: &&Site| other.id == site.id || share_a_pool(site, other);
    let mut believes: Vec<SiteTag> =
        all.iter().filter(shares).map(|other| SiteTag::of(&other.id)).collect();
    let tag = SiteTag::of(&site.id);
    believes.sort_by_key(|other| *other != tag);
    let style = Style::of(&look);
    Ok(LiveSite { rules: rules.collect(), look, style, tag, believes, site: site.clone(), zone })
}

/// A site's own pool and a shared one never have the same name.
fn pool_name(site: &Site, rule: &Rule) -> String {
    match &rule.pool {
        Some(shared) => format!("pool/{shared}"),
        None => format!("site/{}", site.id),
    }
}

fn share_a_pool(one: &Site, other: &Site) -> bool {
    let pools =
        |site: &Site| site.policy.rules.iter().filter_map(|rule| rule.pool.clone()).collect();
    let (one, other): (Vec<String>, Vec<String>) = (pools(one), pools(other));
    one.iter().any(|pool| other.contains(pool))
}
