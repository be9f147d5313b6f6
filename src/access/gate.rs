//! Gathers the facts of one question, asks the meter, and decides.

use std::{borrow::Cow, sync::Arc};

use prometheus_client::metrics::counter::Counter;
use uuid::Uuid;

use super::decision::{ArticleAccess, Facts, Reason, decide, explain};
use crate::{
    clock::{Clock, Timestamp},
    http::{metrics::Metrics, problem::ApiError},
    ids::{Ids, NoRandomness},
    metering::{
        meter::{Meter, MeterError},
        policy::Audience,
        store::Key,
        tally::{Fingerprint, Read, Reading},
        visitor::{self, Lifetime},
    },
    site::directory::{Directory, LiveSite},
};

/// An article as a question names it.
#[derive(Debug, Clone, Copy)]
pub struct Article<'a> {
    /// Its id on the site, 1 to 200 characters.
    pub id: &'a str,
    /// Its section, if any.
    pub section: Option<&'a str>,
    /// Its tags.
    pub tags: &'a [Cow<'a, str>],
    /// How it may be read.
    pub access: ArticleAccess,
}

/// May this visitor read this article?
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Which article.
    pub article: Article<'a>,
    /// The visitor's token, if any.
    pub visitor: Option<&'a str>,
    /// Whether only to say what would happen.
    pub dry_run: bool,
    /// Whether to say how it was decided.
    pub explain: bool,
}

/// What was decided.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// Why, and so what.
    pub reason: Reason,
    /// The meter afterwards, where one applies.
    pub meter: Option<Reading>,
    /// Who asked.
    pub visitor: Uuid,
    /// The token to show next time.
    pub token: Cow<'a, str>,
    /// When it was decided.
    pub at: Timestamp,
    /// How it was decided, where that was asked for.
    pub explain: Option<Vec<String>>,
}

/// Why there is no decision. Nothing was counted.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The meter cannot count.
    #[error(transparent)]
    Meter(#[from] MeterError),
    /// No new visitor can be named.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl From<GateError> for ApiError {
    fn from(error: GateError) -> Self {
        match error {
            GateError::Meter(MeterError::Overloaded) => {
                Self::Unavailable("overloaded", "more reads are waiting than can be counted".into())
            }
            GateError::Meter(_) => {
                Self::Unavailable("meter_unavailable", "reads cannot be counted now".into())
            }
            GateError::NoRandomness(error) => Self::internal(error),
        }
    }
}

/// Decides for every site of the installation.
pub struct Gate {
    /// Sites and keys.
    pub directory: Arc<Directory>,
    /// The count.
    pub meter: Meter,
    clock: Arc<dyn Clock>,
    ids: Ids,
    token_life: Lifetime,
    counters: [Counter; Reason::ALL.len()],
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("meter", &self.meter).finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate for the sites in `directory`.
    #[must_use]
    pub fn new(
        directory: Arc<Directory>,
        meter: Meter,
        (clock, ids): (Arc<dyn Clock>, Ids),
        token_life: Lifetime,
        metrics: &Metrics,
    ) -> Self {
        let counter =
            |reason: Reason| metrics.decisions(reason.decision().as_str(), reason.as_str());
        let counters = Reason::ALL.map(counter);
        Self { directory, meter, clock, ids, token_life, counters }
    }

    /// How long a visitor token lives.
    #[must_use]
    pub fn token_life(&self) -> time::Duration {
        self.token_life.total
    }

    /// Decides one question about an article of `site`.
    ///
    /// # Errors
    /// [`GateError`]; nothing was counted then.
    pub async fn ask<'a>(
        &self,
        site: &LiveSite,
        question: Question<'a>,
    ) -> Result<Answer<'a>, GateError> {
        let now = self.clock.now();
        let (visitor, is_new, token) = self.visitor(site, question.visitor, now)?;
        let article = question.article;
        // Readers who log in will be `Audience::Registered`.
        let rule = site.rule_for(Audience::Anonymous, article.section, article.tags);
        let mut facts = Facts { access: article.access, rule, reading: None };
        if let Some(rule) = facts.question_for_the_meter() {
            let key = Key { pool: Arc::clone(&rule.pool), subject: visitor };
            let read = Read {
                article: Fingerprint::of(&site.site.id, article.id),
                limit: rule.limit,
                window: rule.window.clone(),
                at: now,
                dry_run: question.dry_run,
            };
            facts.reading = Some(self.meter.read(key, is_new, read).await?);
        }
        let reason = decide(&facts);
        if !question.dry_run
            && let Some(counter) = self.counters.get(reason as usize)
        {
            counter.inc();
        }
        Ok(Answer {
            reason,
            meter: facts.reading,
            visitor,
            token,
            at: now,
            explain: question.explain.then(|| explain(&facts)),
        })
    }

    /// Who shows `token`, and what to show next time. Whoever shows no good one is new.
    fn visitor<'a>(
        &self,
        site: &LiveSite,
        token: Option<&'a str>,
        now: Timestamp,
    ) -> Result<(Uuid, bool, Cow<'a, str>), NoRandomness> {
        let keys = &self.directory.snapshot().keys.visitor;
        let known = token.and_then(|token| {
            let visitor = visitor::verify(keys, &site.believes, self.token_life, token, now)?;
            Some((visitor, token))
        });
        let issue = |id| Cow::Owned(visitor::issue(keys, site.tag, id, now));
        match known {
            Some((visitor, token)) if !visitor.renew => Ok((visitor.id, false, token.into())),
            Some((visitor, _)) => Ok((visitor.id, false, issue(visitor.id))),
            None => {
                let id = self.ids.uuid(now)?;
                Ok((id, true, issue(id)))
            }
        }
    }
}
