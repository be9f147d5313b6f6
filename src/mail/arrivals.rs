//! Wakes the workers of this instance when mails are committed to the outbox.

use tokio::sync::Notify;

use super::priority::Priority;

/// One signal for each lane; a lane has one worker.
#[derive(Debug, Default)]
pub struct Arrivals {
    security: Notify,
    any: Notify,
}

impl Arrivals {
    /// A mail is in the outbox.
    pub(super) fn announce(&self, priority: Priority) {
        if priority == Priority::Security {
            self.security.notify_one();
        }
        self.any.notify_one();
    }

    /// Waits for a mail of at least this priority that was announced since the last call.
    pub async fn arrived(&self, least: Priority) {
        match least {
            Priority::Security => self.security.notified().await,
            _ => self.any.notified().await,
        }
    }
}
