//! Which mails leave before which others. Pure.
//!
//! A log-in link that comes after its reader has gone is worth nothing; a reminder of next month may
//! wait for an hour. Every kind of letter has its priority in `OF_LETTERS`, by its subject.

/// How soon a mail must leave; the first is the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// It lets its reader into an account, or warns of what happened to it.
    Security,
    /// It answers what its reader, or staff for them, did just now.
    Transactional,
    /// It tells of what happens by itself: renewals, reminders, payments that failed.
    Notice,
    /// It goes to a list that can be left.
    Bulk,
}

/// The priority of each kind of letter, named by the message of its subject.
const OF_LETTERS: [(&str, Priority); 49] = [
    ("letter-account-exists-subject", Priority::Security),
    ("letter-account-log-in-subject", Priority::Security),
    ("letter-account-go-on-subject", Priority::Security),
    ("letter-account-reset-subject", Priority::Security),
    ("letter-account-password-subject", Priority::Security),
    ("letter-account-move-subject", Priority::Security),
    ("letter-account-staff-move-subject", Priority::Security),
    ("letter-account-new-address-subject", Priority::Security),
    ("letter-account-taken-subject", Priority::Security),
    ("letter-account-moved-subject", Priority::Security),
    ("letter-account-reused-subject", Priority::Security),
    ("letter-account-confirm-subject", Priority::Security),
    ("letter-account-open-subject", Priority::Security),
    ("letter-account-none-subject", Priority::Security),
    ("letter-account-trial-subject", Priority::Transactional),
    ("letter-newsletter-subject", Priority::Transactional),
    ("letter-account-erased-subject", Priority::Transactional),
    ("letter-account-notice-subject", Priority::Transactional),
    ("letter-account-guest-over-subject", Priority::Transactional),
    ("letter-account-gift-subject", Priority::Transactional),
    ("letter-billing-trial-started-subject", Priority::Transactional),
    ("letter-billing-subscribed-subject", Priority::Transactional),
    ("letter-billing-confirm-subject", Priority::Transactional),
    ("letter-billing-recovered-subject", Priority::Transactional),
    ("letter-billing-refunded-subject", Priority::Transactional),
    ("letter-billing-settled-subject", Priority::Transactional),
    ("letter-billing-paid-out-subject", Priority::Transactional),
    ("letter-billing-canceled-subject", Priority::Transactional),
    ("letter-billing-canceled-trial-subject", Priority::Transactional),
    ("letter-billing-canceled-now-subject", Priority::Transactional),
    ("letter-billing-withdrawn-subject", Priority::Transactional),
    ("letter-billing-resumed-subject", Priority::Transactional),
    ("letter-billing-paused-subject", Priority::Transactional),
    ("letter-billing-unpaused-subject", Priority::Transactional),
    ("letter-billing-switched-subject", Priority::Transactional),
    ("letter-billing-switch-later-subject", Priority::Transactional),
    ("letter-billing-days-subject", Priority::Transactional),
    ("letter-billing-gift-subject", Priority::Transactional),
    ("letter-billing-renewed-subject", Priority::Notice),
    ("letter-billing-first-paid-subject", Priority::Notice),
    ("letter-billing-trial-ending-subject", Priority::Notice),
    ("letter-billing-renewal-subject", Priority::Notice),
    ("letter-billing-yearly-subject", Priority::Notice),
    ("letter-billing-price-change-subject", Priority::Notice),
    ("letter-billing-card-expiring-subject", Priority::Notice),
    ("letter-billing-failed-subject", Priority::Notice),
    ("letter-billing-still-failing-subject", Priority::Notice),
    ("letter-billing-ended-subject", Priority::Notice),
    ("letter-billing-trial-over-subject", Priority::Notice),
];

impl Priority {
    /// The highest first.
    pub const ALL: [Self; 4] = [Self::Security, Self::Transactional, Self::Notice, Self::Bulk];

    /// The priority of a letter with this message as its subject.
    #[must_use]
    pub fn of_letter(subject: &str) -> Self {
        let known = OF_LETTERS.iter().find(|(known, _)| *known == subject);
        known.map_or(Self::Transactional, |(_, priority)| *priority)
    }

    /// As stored: 0 is the highest.
    #[must_use]
    pub fn rank(self) -> i64 {
        match self {
            Self::Security => 0,
            Self::Transactional => 1,
            Self::Notice => 2,
            Self::Bulk => 3,
        }
    }

    /// As in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Transactional => "transactional",
            Self::Notice => "notices",
            Self::Bulk => "bulk",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_letter_has_one_priority() {
        let written: BTreeSet<String> = [
            include_str!("../language/en/letter-account.ftl"),
            include_str!("../language/en/letter-billing.ftl"),
            include_str!("../language/en/letter-newsletter.ftl"),
        ]
        .iter()
        .flat_map(|file| file.lines().filter_map(|line| line.split(" = ").next()))
        .filter(|name| name.ends_with("-subject"))
        .map(str::to_owned)
        .collect();
        let decided: BTreeSet<String> =
            OF_LETTERS.iter().map(|(subject, _)| (*subject).to_owned()).collect();
        assert_eq!(written, decided);
        assert_eq!(decided.len(), OF_LETTERS.len(), "none is listed twice");
    }

    #[test]
    fn the_highest_priority_has_the_lowest_rank() {
        assert!(Priority::ALL.is_sorted_by_key(|priority| priority.rank()));
        assert!(Priority::ALL.is_sorted());
    }
}
