//! What each role may do: one table, and no other place decides it.

use super::model::Role;

/// One thing that staff can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// See subscriptions and their history.
    SubscriptionsRead,
    /// See figures.
    MetricsRead,
    /// See sites and their policies.
    SitesRead,
    /// Cancel, extend, pause and resume subscriptions; give complimentary ones.
    SubscriptionsAct,
    /// Give money back.
    Refund,
    /// See who a reader is.
    ReadersRead,
    /// Log a reader out everywhere.
    ReaderSessionsEnd,
    /// Change a reader's address, or take it for confirmed.
    ReaderAddress,
    /// Write something to a reader once more.
    ReaderWrite,
    /// Take out all that is held about a reader.
    ReaderExport,
    /// See which mail waits or failed.
    MailQueueRead,
    /// Try failed mail again.
    MailQueueRetry,
    /// Erase a reader.
    ReaderErase,
    /// Take out the addresses that receive a newsletter.
    NewsletterExport,
    /// Take out a list of subscriptions with their addresses.
    SubscriptionExport,
    /// Read the audit log.
    AuditRead,
    /// Add staff, change their roles, close their accounts.
    StaffManage,
}

impl Permission {
    /// Every one of them.
    pub const ALL: [Self; 17] = [
        Self::SubscriptionsRead,
        Self::MetricsRead,
        Self::SitesRead,
        Self::SubscriptionsAct,
        Self::Refund,
        Self::ReadersRead,
        Self::ReaderSessionsEnd,
        Self::ReaderAddress,
        Self::ReaderWrite,
        Self::ReaderExport,
        Self::MailQueueRead,
        Self::MailQueueRetry,
        Self::ReaderErase,
        Self::NewsletterExport,
        Self::SubscriptionExport,
        Self::AuditRead,
        Self::StaffManage,
    ];

    /// The table: the least role that may.
    #[must_use]
    pub fn least(self) -> Role {
        match self {
            Self::SubscriptionsRead | Self::MetricsRead | Self::SitesRead => Role::Viewer,
            Self::SubscriptionsAct
            | Self::Refund
            | Self::ReadersRead
            | Self::ReaderSessionsEnd
            | Self::ReaderAddress
            | Self::ReaderWrite
            | Self::ReaderExport
            | Self::MailQueueRead
            | Self::MailQueueRetry => Role::Support,
            Self::ReaderErase
            | Self::NewsletterExport
            | Self::SubscriptionExport
            | Self::AuditRead
            | Self::StaffManage => Role::Admin,
        }
    }
}

impl Role {
    /// Whether this role may do it.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        self >= permission.least()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        let row = |permission: Permission| {
            let cell = |role: Role| if role.may(permission) { "yes" } else { "-" };
            let [viewer, support, admin] = Role::ALL.map(cell);
            let name = format!("{permission:?}");
            format!("{name:<18} {viewer:<4} {support:<4} {admin}")
        };
        assert_eq!(
            Permission::ALL.map(row).join("\n"),
            "\
SubscriptionsRead  yes  yes  yes
MetricsRead        yes  yes  yes
SitesRead          yes  yes  yes
SubscriptionsAct   -    yes  yes
Refund             -    yes  yes
ReadersRead        -    yes  yes
ReaderSessionsEnd  -    yes  yes
ReaderAddress      -    yes  yes
ReaderWrite        -    yes  yes
ReaderExport       -    yes  yes
MailQueueRead      -    yes  yes
MailQueueRetry     -    yes  yes
ReaderErase        -    -    yes
NewsletterExport   -    -    yes
SubscriptionExport -    -    yes
AuditRead          -    -    yes
StaffManage        -    -    yes"
        );
    }
}
