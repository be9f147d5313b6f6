//! Gathers the facts of one question, asks the meter, and decides.

use std::{borrow::Cow, sync::Arc};

use prometheus_client::metrics::counter::Counter;
use time::Duration;
use uuid::Uuid;

use super::{
    decision::{ArticleAccess, Decision, Facts, Reason, decide, explain},
    log::{
        code::SupportCode,
        logged::{Decided, Rule},
        recorder::Recorder,
    },
    step::{Step, for_programs},
};
use crate::{
    billing::{
        access::Standing,
        engine::{Billing, BillingError},
    },
    clock::{Clock, Timestamp},
    http::{metrics::Metrics, problem::ApiError},
    ids::{Ids, NoRandomness},
    metering::{
        meter::{Asker, Meter, MeterError, Past},
        policy::Audience,
        tally::{Fingerprint, Read, Reading},
        visitor::{self, Lifetime, UNMETERED_MAX, Visitor},
    },
    numbers::counts::PageCounts,
    reader::last_read::LastReads,
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
    /// The reader who is logged in there, if any: the caller has checked that.
    pub reader: Option<Uuid>,
    /// Whether only to say what would happen.
    pub dry_run: bool,
    /// Whether to say how it was decided.
    pub explain: bool,
    /// Whether to name a denial by its support code.
    pub support_code: bool,
}

/// What was decided.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// What to do.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// The meter afterwards, where one applies.
    pub meter: Option<Reading>,
    /// The browser that asked.
    pub visitor: Uuid,
    /// The reader who is logged in there, if any.
    pub reader: Option<Uuid>,
    /// The token to show next time.
    pub token: Cow<'a, str>,
    /// When it was decided.
    pub at: Timestamp,
    /// How it was decided, where that was asked for.
    pub explain: Option<Vec<String>>,
    /// By which staff find this denial, where that was asked for.
    pub support_code: Option<SupportCode>,
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
    /// It cannot be looked up whether the reader subscribes.
    #[error("subscriptions cannot be looked up: {0}")]
    Standing(#[from] BillingError),
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
            GateError::Standing(_) => Self::Unavailable(
                "subscriptions_unavailable",
                "subscriptions cannot be looked up now".into(),
            ),
        }
    }
}

/// The visitor behind a question, what is known of earlier reads, and the token to show next time.
pub(super) struct Shown<'a> {
    pub(super) visitor: Visitor,
    past: Past,
    pub(super) token: Cow<'a, str>,
}

/// Decides for every site of the installation.
pub struct Gate {
    /// Sites and keys.
    pub directory: Arc<Directory>,
    /// The count.
    pub meter: Meter,
    /// Who subscribes.
    pub billing: Arc<Billing>,
    /// What was decided.
    pub log: Recorder,
    clock: Arc<dyn Clock>,
    ids: Ids,
    token_life: Lifetime,
    counters: [Counter; Reason::ALL.len()],
    counts: PageCounts,
    reads: Option<LastReads>,
    /// Counts what was allowed and could not be counted by the meter.
    unmetered: Counter,
    pub(super) unmetered_max: u8,
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
        (meter, billing): (Meter, Arc<Billing>),
        (counts, log): (PageCounts, Recorder),
        (clock, ids, token_life): (Arc<dyn Clock>, Ids, Lifetime),
        metrics: &Metrics,
    ) -> Self {
        let counter =
            |reason: Reason| metrics.decisions(reason.decision().as_str(), reason.as_str());
        let counters = Reason::ALL.map(counter);
        Self {
            directory,
            meter,
            billing,
            log,
            clock,
            ids,
            token_life,
            counters,
            counts,
            reads: None,
            unmetered: metrics
                .decisions(Decision::Allow.as_str(), Reason::MeterUnavailable.as_str()),
            unmetered_max: 0,
        }
    }

    /// Allows each visitor so many reads while none can be counted, on sites whose policy is open
    /// on failure; at most [`UNMETERED_MAX`].
    #[must_use]
    pub fn allowing_unmetered(self, max: u8) -> Self {
        Self { unmetered_max: max.min(UNMETERED_MAX), ..self }
    }

    /// Notes on which days readers read.
    #[must_use]
    pub fn noting(self, reads: LastReads) -> Self {
        Self { reads: Some(reads), ..self }
    }

    /// How long a visitor token lives.
    #[must_use]
    pub fn token_life(&self) -> time::Duration {
        self.token_life.total
    }

    /// Decides one question about an article of `site`.
    ///
    /// # Errors
    /// [`GateError`], unless the site's policy decides what happens then; nothing was counted.
    pub async fn ask<'a>(
        &self,
        site: &LiveSite,
        question: Question<'a>,
    ) -> Result<Answer<'a>, GateError> {
        let now = self.clock.now();
        let Question { article, reader, .. } = question;
        let shown = self.visitor(site, question, now)?;
        let audience = reader.map_or(Audience::Anonymous, |_| Audience::Registered);
        let facts = Facts {
            access: article.access,
            is_reader: reader.is_some(),
            entitlement: None,
            rule: site.rule_for(audience, article.section, article.tags),
            reading: None,
        };
        let (facts, standing) = match self.gather((site, now), question, &shown, facts).await {
            Ok(gathered) => gathered,
            Err(error) => return self.without_meter((site, now), question, (shown, facts), error),
        };
        let reason = decide(&facts);
        let decision = reason.decision();
        let visitor = shown.visitor;
        if !question.dry_run {
            self.count(site, reason, decision);
            if let (Decision::Allow, Some(reads), Some(reader)) = (decision, &self.reads, reader) {
                reads.note(reader, now);
            }
        }
        // Reads are counted again, so those that were not are no longer held against the visitor.
        let is_over = visitor.unmetered > 0 && facts.reading.is_some() && !question.dry_run;
        let token = if is_over {
            self.token(site, Visitor { unmetered: 0, ..visitor }, now)
        } else {
            shown.token
        };
        let asked = (question, visitor.id, standing);
        let support_code = self.write_down((site, now), asked, (&facts, reason));
        Ok(Answer {
            decision,
            reason,
            meter: facts.reading,
            visitor: visitor.id,
            reader,
            token,
            at: now,
            explain: question.explain.then(|| for_programs(&explain(&facts))),
            support_code,
        })
    }

    /// Completes the facts by what the stores say, and counts the read where it is to be counted.
    async fn gather<'s>(
        &self,
        (site, now): (&LiveSite, Timestamp),
        question: Question<'_>,
        shown: &Shown<'_>,
        facts: Facts<'s>,
    ) -> Result<(Facts<'s>, Option<(Uuid, Arc<Standing>)>), GateError> {
        let Question { article, reader, .. } = question;
        let standing = match reader {
            Some(reader) if article.access != ArticleAccess::Free => {
                Some((reader, self.billing.standing(reader).await?))
            }
            _ => None,
        };
        let entitlement = standing.as_ref().and_then(|(_, it)| it.entitles(&site.site.id, now));
        let facts = Facts { entitlement, ..facts };
        let Some(rule) = facts.question_for_the_meter() else { return Ok((facts, standing)) };
        let (visitor, past) = (shown.visitor.id, shown.past);
        let asker = Asker { pool: Arc::clone(&rule.pool), visitor, past, reader };
        let read = Read {
            article: Fingerprint::of(&site.site.id, article.id),
            limit: rule.limit,
            window: rule.window.clone(),
            at: now,
            dry_run: question.dry_run,
        };
        let reading = Some(self.meter.read(asker, read).await?);
        Ok((Facts { reading, ..facts }, standing))
    }

    /// Counts a decision in the figures.
    pub(super) fn count(&self, site: &LiveSite, reason: Reason, decision: Decision) {
        let counter = match (reason, decision) {
            (Reason::MeterUnavailable, Decision::Allow) => Some(&self.unmetered),
            _ => self.counters.get(reason as usize),
        };
        if let Some(counter) = counter {
            counter.inc();
            self.counts.decided(&site.site.id, reason);
        }
    }

    pub(super) fn token<'a>(
        &self,
        site: &LiveSite,
        visitor: Visitor,
        now: Timestamp,
    ) -> Cow<'a, str> {
        let keys = &self.directory.snapshot().keys.visitor;
        Cow::Owned(visitor::issue(keys, site.tag, visitor, now))
    }

    /// Hands a decision to the log, if it takes it, and names a denial where that was asked for.
    pub(super) fn write_down(
        &self,
        (site, at): (&LiveSite, Timestamp),
        (question, visitor, reader): (Question<'_>, Uuid, Option<(Uuid, Arc<Standing>)>),
        (facts, reason): (&Facts<'_>, Reason),
    ) -> Option<SupportCode> {
        if question.dry_run || !self.log.takes(reason, facts.is_reader) {
            return None;
        }
        let rule = facts.rule.map(|(place, rule)| Rule {
            place,
            text: Arc::clone(&rule.text),
            pool: Arc::clone(&rule.pool),
        });
        let decided = Decided {
            site: site.site.id.as_str().into(),
            at,
            visitor,
            reader,
            article: Fingerprint::of(&site.site.id, question.article.id),
            access: facts.access,
            reason,
            rule,
            reading: facts.reading,
        };
        let is_named = question.support_code && reason.decision() == Decision::Deny;
        let code = is_named.then(|| self.log.code(&decided));
        self.log.record(decided);
        code
    }

    /// What would be decided now about an article of which only the fingerprint may be known, for
    /// staff: nothing is counted or written down. `place` is the rule that applied before, where
    /// the policy still has it; the section and the tags of the article are not known.
    ///
    /// # Errors
    /// [`GateError`].
    pub async fn foretell(
        &self,
        site: &LiveSite,
        (visitor, reader): (Option<Uuid>, Option<Uuid>),
        (article, access): (Fingerprint, ArticleAccess),
        place: Option<usize>,
    ) -> Result<Vec<Step>, GateError> {
        let now = self.clock.now();
        let audience = reader.map_or(Audience::Anonymous, |_| Audience::Registered);
        let none: &[&str] = &[];
        let known = place.and_then(|place| site.rule_at(place).map(|rule| (place, rule)));
        let rule = known.or_else(|| site.rule_for(audience, None, none));
        let entitlement = match reader {
            Some(reader) => self.billing.standing(reader).await?.entitles(&site.site.id, now),
            None => None,
        };
        let is_reader = reader.is_some();
        let mut facts = Facts { access, is_reader, entitlement, rule, reading: None };
        if let Some(rule) = facts.question_for_the_meter() {
            // With a browser that nobody has seen, what the reader read counts alone.
            let (visitor, past) = match visitor {
                Some(visitor) => (visitor, Past::WithReader),
                None => (self.ids.uuid(now)?, Past::New),
            };
            let asker = Asker { pool: Arc::clone(&rule.pool), visitor, past, reader };
            let (limit, window) = (rule.limit, rule.window.clone());
            let read = Read { article, limit, window, at: now, dry_run: true };
            facts.reading = Some(self.meter.read(asker, read).await?);
        }
        Ok(explain(&facts))
    }

    /// The visitor behind a token of any site, however old; `None` where it is none of ours.
    #[must_use]
    pub fn visitor_of(&self, token: &str) -> Option<Uuid> {
        let snapshot = self.directory.snapshot();
        let lifetime = Lifetime { total: Duration::days(36_500), ..self.token_life };
        let now = self.clock.now();
        let known = visitor::verify(&snapshot.keys.visitor, &snapshot.tags(), lifetime, token, now);
        known.map(|known| known.visitor.id)
    }

    /// Who shows the question's token, and what to show next time. A visitor without a good token
    /// is new; one who comes with a reader gets a token that says so.
    fn visitor<'a>(
        &self,
        site: &LiveSite,
        question: Question<'a>,
        now: Timestamp,
    ) -> Result<Shown<'a>, NoRandomness> {
        let keys = &self.directory.snapshot().keys.visitor;
        let known = question.visitor.and_then(|token| {
            let known = visitor::verify(keys, &site.believes, self.token_life, token, now)?;
            Some((known, token))
        });
        let comes_with_reader = question.reader.is_some();
        let Some((known, token)) = known else {
            let id = self.ids.uuid(now)?;
            let visitor = Visitor { id, with_reader: comes_with_reader, unmetered: 0 };
            return Ok(Shown { visitor, past: Past::New, token: self.token(site, visitor, now) });
        };
        let past = if known.visitor.with_reader { Past::WithReader } else { Past::Alone };
        let with_reader = known.visitor.with_reader || comes_with_reader;
        let visitor = Visitor { with_reader, ..known.visitor };
        let is_good = !known.renew && known.visitor == visitor;
        let token = if is_good { token.into() } else { self.token(site, visitor, now) };
        Ok(Shown { visitor, past, token })
    }
}
