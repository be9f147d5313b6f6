//! Answers while the stores cannot be asked, by the site's `on_failure`.

use super::{
    decision::{self, Decision, Facts, Reason},
    gate::{Answer, Gate, GateError, Question, Shown},
};
use crate::{clock::Timestamp, metering::visitor::Visitor, site::directory::LiveSite};

impl Gate {
    /// Decides by the site's policy, as the stores could not be asked.
    pub(super) fn without_meter<'a>(
        &self,
        (site, now): (&LiveSite, Timestamp),
        question: Question<'a>,
        (shown, facts): (Shown<'a>, Facts<'_>),
        error: GateError,
    ) -> Result<Answer<'a>, GateError> {
        let (policy, visitor) = (site.site.policy.on_failure, shown.visitor);
        let decided = decision::without_meter(policy, visitor.unmetered, self.unmetered_max);
        let Some(decision) = decided else { return Err(error) };
        let reason = Reason::MeterUnavailable;
        if !question.dry_run {
            self.count(site, reason, decision);
        }
        let (token, support_code) = match decision {
            Decision::Allow if !question.dry_run => {
                let unmetered = visitor.unmetered.saturating_add(1);
                (self.token(site, Visitor { unmetered, ..visitor }, now), None)
            }
            Decision::Allow => (shown.token, None),
            Decision::Deny => {
                let asked = (question, visitor.id, None);
                (shown.token, self.write_down((site, now), asked, (&facts, reason)))
            }
        };
        let explain = || {
            let policy = policy.as_str();
            let (decision, reason) = (decision.as_str(), reason.as_str());
            vec![
                format!("Reads cannot be counted now; the site's `on_failure` is `{policy}`."),
                format!("So: {decision}, because `{reason}`."),
            ]
        };
        Ok(Answer {
            decision,
            reason,
            meter: None,
            visitor: visitor.id,
            reader: question.reader,
            token,
            at: now,
            explain: question.explain.then(explain),
            support_code,
        })
    }
}
