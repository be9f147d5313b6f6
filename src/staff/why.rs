//! Why somebody met the wall or did not, at any moment that is still written down.

use uuid::Uuid;

use super::desk::{Desk, DeskError};
use crate::{
    access::{
        log::{
            code::SupportCode,
            past::{Logged, Past, Subject},
            store as log,
            told::{self, Moment},
        },
        step::Step,
    },
    clock::Timestamp,
    mail::address::Address,
    metering::tally::Fingerprint,
    reader::{model::Reader, store as readers},
};

/// For how long before a moment left-out decisions are looked for.
const AROUND: time::Duration = time::Duration::minutes(10);

/// What is asked about decisions.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// About this reader.
    pub reader: Option<Uuid>,
    /// About this browser.
    pub visitor: Option<Uuid>,
    /// On this site only.
    pub site: Option<String>,
    /// About this article of the site only.
    pub article: Option<String>,
    /// As it was then; now where nothing is said.
    pub at: Option<Timestamp>,
    /// Decisions before this one only.
    pub before: Option<Uuid>,
    /// Most of them.
    pub limit: usize,
}

/// Decisions, and how things stood.
#[derive(Debug)]
pub struct Why {
    /// The moment that was asked about.
    pub at: Timestamp,
    /// What was so then, in words.
    pub then: Vec<Step>,
    /// Decisions until then, the latest first.
    pub decisions: Vec<Logged>,
    /// Before which the next ones are.
    pub next: Option<Uuid>,
}

/// One decision, and what would be decided now.
#[derive(Debug)]
pub struct Explained {
    /// The decision.
    pub decision: Logged,
    /// What it would be now, in steps; none where the site is no more.
    pub now: Option<Vec<Step>>,
}

impl Desk {
    /// The reader with exactly this address, if any.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reader_at(&self, email: &Address) -> Result<Option<Reader>, DeskError> {
        Ok(readers::find_by_email(&mut self.db.read().await?, email).await?)
    }

    /// The decision with this support code or id.
    ///
    /// # Errors
    /// [`DeskError::NotFound`].
    pub async fn decision(&self, name: &str) -> Result<Explained, DeskError> {
        self.gate.log.flush().await;
        let mut tx = self.db.read().await?;
        let found = if let Ok(id) = Uuid::parse_str(name) {
            log::find(&mut tx, id).await?
        } else {
            let code: SupportCode = name.parse().map_err(|_| DeskError::NotFound)?;
            log::find_by_code(&mut tx, code).await?
        };
        drop(tx);
        let decision = found.ok_or(DeskError::NotFound)?;
        let site = self.gate.directory.snapshot().site(&decision.site);
        let now = match site {
            Some(site) => {
                let who = (Some(decision.visitor), decision.reader);
                let article = (decision.article, decision.access);
                let place = decision.rule.as_ref().map(|(place, _)| *place);
                Some(self.gate.foretell(&site, who, article, place).await?)
            }
            None => None,
        };
        Ok(Explained { decision, now })
    }

    /// What is written down about a browser or a reader, and how things stood at a moment.
    ///
    /// # Errors
    /// [`DeskError::NotFound`] for a reader who is not there.
    pub async fn why(&self, asked: &Asked) -> Result<Why, DeskError> {
        self.gate.log.flush().await;
        let now = self.clock.now();
        let at = asked.at.unwrap_or(now);
        let mut tx = self.db.read().await?;
        if let Some(reader) = asked.reader {
            readers::find(&mut tx, reader).await?.ok_or(DeskError::NotFound)?;
        }
        let end = log::first_id(at.plus(time::Duration::milliseconds(1)));
        let mut rows = Vec::new();
        if let Some(visitor) = asked.visitor {
            rows.extend(log::of_visitor(&mut tx, visitor, end, log::LISTED_MAX).await?);
        }
        if let Some(reader) = asked.reader {
            rows.extend(log::of_reader(&mut tx, reader, end, log::LISTED_MAX).await?);
        }
        let lost = log::count_lost(&mut tx, at.minus(AROUND), at).await?;
        drop(tx);
        rows.sort_by_key(|row| row.id);
        rows.dedup_by_key(|row| row.id);
        rows.retain(|row| row.at <= at && asked.site.as_ref().is_none_or(|it| *it == row.site));
        let stood = stood(&rows, asked, at);
        let article = match (&asked.site, &asked.article) {
            (Some(site), Some(article)) => Some(Fingerprint::of(site, article)),
            _ => None,
        };
        rows.retain(|row| article.is_none_or(|article| row.article == article));
        let then = told::moment(&Moment {
            at,
            article,
            last: rows.last(),
            stood,
            kept_since: self.gate.log.limits().kept_since(now),
            lost,
        });
        rows.retain(|row| asked.before.is_none_or(|before| row.id < before));
        let has_more = rows.len() > asked.limit;
        let decisions: Vec<Logged> = rows.into_iter().rev().take(asked.limit).collect();
        let next = decisions.last().map(|last| last.id).filter(|_| has_more);
        Ok(Why { at, then, decisions, next })
    }
}

/// How each meter that is known from `rows` stood at `at`, for each who is asked about.
fn stood(rows: &[Logged], asked: &Asked, at: Timestamp) -> Vec<(Subject, String, Past)> {
    let pools = rows.iter().filter_map(|row| row.count.as_ref()).map(|count| &count.pool);
    let mut pools: Vec<&String> = pools.collect();
    pools.sort_unstable();
    pools.dedup();
    let subjects = [asked.visitor.map(Subject::Visitor), asked.reader.map(Subject::Reader)];
    let subjects: Vec<Subject> = subjects.into_iter().flatten().collect();
    let of = |pool: &String| {
        let past = |subject: &Subject| (*subject, pool.clone(), Past::of(rows, *subject, pool, at));
        subjects.iter().map(past).collect::<Vec<_>>()
    };
    pools.into_iter().flat_map(of).collect()
}
