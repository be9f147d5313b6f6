//! Whether the work in the background keeps up: what is due, and mails that wait.

use time::Duration;

use super::report::Check;
use crate::{
    billing::subscription::search as subscriptions,
    clock::Timestamp,
    config::Config,
    db::{StoreError, Tx},
    mail::outbox,
};

/// Work that has been due for longer than this is late.
const LATE: Duration = Duration::minutes(5);
/// And for longer than this, is not done at all.
const STUCK: Duration = Duration::hours(1);

/// How late the oldest due work on subscriptions and the oldest due mail are.
pub(super) async fn lag(
    tx: &mut Tx,
    config: &Config,
    now: Timestamp,
) -> Result<Vec<Check>, StoreError> {
    let due = subscriptions::oldest_due(tx).await?;
    let mut checks = vec![judge("worker", "work on subscriptions", due, now)];
    // In a sandbox that keeps them, mails wait for ever.
    if config.mail.smtp.is_some() {
        checks.push(judge("mail_queue", "a mail", outbox::oldest_due(tx).await?, now));
    }
    Ok(checks)
}

fn judge(name: &'static str, what: &str, due: Option<Timestamp>, now: Timestamp) -> Check {
    let late = due.map_or(Duration::ZERO, |due| now.since(due));
    let told = || {
        let minutes = late.whole_minutes();
        format!(
            "{what} has been due for {minutes} minutes: the service does not run, is overloaded, or its log \
             says why it fails"
        )
    };
    if late > STUCK {
        Check::error(name, told())
    } else if late > LATE {
        Check::warning(name, told())
    } else {
        Check::ok(name, format!("no {} is late", what.trim_start_matches("a ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::report::Severity;

    #[test]
    fn late_work_is_a_warning_and_work_that_is_not_done_an_error() {
        let now = Timestamp::parse("2026-12-01T12:00:00Z").unwrap();
        for (late, severity) in [
            (None, Severity::Ok),
            (Some(-600), Severity::Ok),
            (Some(300), Severity::Ok),
            (Some(301), Severity::Warning),
            (Some(3_600), Severity::Warning),
            (Some(3_601), Severity::Error),
        ] {
            let due = late.map(|seconds| now.minus(Duration::seconds(seconds)));
            assert_eq!(judge("worker", "a mail", due, now).severity, severity, "{late:?}");
        }
    }
}
