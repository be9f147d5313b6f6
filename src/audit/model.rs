//! What an entry of the log says. It holds ids and never an address of mail: it outlives the
//! people it is about.

use std::net::IpAddr;

use serde_json::Value;
use uuid::Uuid;

use crate::clock::Timestamp;

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A member of staff.
    Staff(Uuid),
    /// The service itself, or somebody it does not know.
    System,
    /// Whoever may run `pressgate` on the machine.
    Command,
}

impl Actor {
    /// As stored.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Staff(_) => "staff",
            Self::System => "system",
            Self::Command => "command",
        }
    }

    /// The id of the member of staff.
    #[must_use]
    pub fn id(self) -> Option<String> {
        match self {
            Self::Staff(id) => Some(id.to_string()),
            Self::System | Self::Command => None,
        }
    }
}

/// What was done. The words are kept for as long as the log is, and so never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// An account of staff was added.
    StaffAdded,
    /// A member of staff has another role.
    StaffRoleChanged,
    /// An account of staff was closed.
    StaffDisabled,
    /// And opened again.
    StaffEnabled,
    /// A second factor was replaced.
    StaffTotpReset,
    /// A member of staff has another password.
    StaffPasswordChanged,
    /// A member of staff logged in.
    StaffLoggedIn,
    /// Somebody tried to, in vain.
    StaffLoginFailed,
    /// A member of staff logged out.
    StaffLoggedOut,
    /// All that is held about a reader was given out.
    ReaderExported,
    /// A reader's page was looked at.
    ReaderViewed,
    /// Something was written down about a reader.
    ReaderNoted,
    /// A reader was erased.
    ReaderErased,
    /// A reader was logged out everywhere.
    ReaderSessionsEnded,
    /// A reader's address is to be another.
    ReaderAddressAsked,
    /// It is, as the new mailbox agreed.
    ReaderAddressChanged,
    /// It stays, as the old mailbox objected.
    ReaderAddressObjected,
    /// It stays, as the account was taken back or another address was asked for.
    ReaderAddressCanceled,
    /// Staff's word was taken that an address is the reader's.
    ReaderAddressConfirmed,
    /// Something was written to a reader once more.
    ReaderWrittenAgain,
    /// A mail that could not be sent is tried again.
    MailRetried,
    /// The addresses that receive a newsletter were given out.
    NewsletterExported,
    /// A list of subscriptions was given out.
    SubscriptionsExported,
    /// Pages of a list with readers' addresses were looked at.
    ReadersListed,
    /// New signing keys were made.
    KeysRotated,
    /// A new file of anchors was begun in the place of another.
    AuditAnchorsBegun,
    /// A site was added.
    SiteAdded,
    /// A site has one more secret key.
    SiteKeyAdded,
    /// A key of a site is no longer valid.
    SiteKeyRevoked,
    /// A site has another meter policy.
    SitePolicyChanged,
    /// A site's pages look different.
    SiteLookChanged,
    /// A subscription was canceled.
    SubscriptionCanceled,
    /// Money was given back.
    SubscriptionRefunded,
    /// Days were given.
    SubscriptionExtended,
    /// A subscription was paused.
    SubscriptionPaused,
    /// A subscription goes on.
    SubscriptionResumed,
    /// A subscription was switched to another plan, or will be.
    SubscriptionSwitched,
    /// A planned switch was taken back.
    SubscriptionSwitchRevoked,
    /// A subscription that was stuck is looked at again.
    SubscriptionRetried,
    /// A reader was given something.
    ReaderComplimentary,
    /// What a reader was given was taken back.
    ReaderComplimentaryEnded,
    /// A gift waits for an address that has no account.
    GiftOffered,
    /// A gift that waited was taken back.
    GiftWithdrawn,
    /// A refund that was refused is tried again.
    RefundRetried,
    /// The money of a refund that was refused went to the balance.
    RefundSettled,
    /// Somebody asked for a refund that takes a second person.
    RefundRequested,
    /// The second person agreed.
    RefundApproved,
    /// The second person did not.
    RefundDeclined,
}

impl Action {
    /// Every one of them.
    pub const ALL: [Self; 48] = [
        Self::StaffAdded,
        Self::StaffRoleChanged,
        Self::StaffDisabled,
        Self::StaffEnabled,
        Self::StaffTotpReset,
        Self::StaffPasswordChanged,
        Self::StaffLoggedIn,
        Self::StaffLoginFailed,
        Self::StaffLoggedOut,
        Self::ReaderExported,
        Self::ReaderViewed,
        Self::ReaderNoted,
        Self::ReaderErased,
        Self::ReaderSessionsEnded,
        Self::ReaderAddressAsked,
        Self::ReaderAddressChanged,
        Self::ReaderAddressObjected,
        Self::ReaderAddressCanceled,
        Self::ReaderAddressConfirmed,
        Self::ReaderWrittenAgain,
        Self::MailRetried,
        Self::NewsletterExported,
        Self::SubscriptionsExported,
        Self::ReadersListed,
        Self::KeysRotated,
        Self::AuditAnchorsBegun,
        Self::SiteAdded,
        Self::SiteKeyAdded,
        Self::SiteKeyRevoked,
        Self::SitePolicyChanged,
        Self::SiteLookChanged,
        Self::SubscriptionCanceled,
        Self::SubscriptionRefunded,
        Self::SubscriptionExtended,
        Self::SubscriptionPaused,
        Self::SubscriptionResumed,
        Self::SubscriptionSwitched,
        Self::SubscriptionSwitchRevoked,
        Self::SubscriptionRetried,
        Self::ReaderComplimentary,
        Self::ReaderComplimentaryEnded,
        Self::GiftOffered,
        Self::GiftWithdrawn,
        Self::RefundRetried,
        Self::RefundSettled,
        Self::RefundRequested,
        Self::RefundApproved,
        Self::RefundDeclined,
    ];

    /// As stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StaffAdded => "staff.added",
            Self::StaffRoleChanged => "staff.role_changed",
            Self::StaffDisabled => "staff.disabled",
            Self::StaffEnabled => "staff.enabled",
            Self::StaffTotpReset => "staff.totp_reset",
            Self::StaffPasswordChanged => "staff.password_changed",
            Self::StaffLoggedIn => "staff.logged_in",
            Self::StaffLoginFailed => "staff.login_failed",
            Self::StaffLoggedOut => "staff.logged_out",
            Self::ReaderExported => "reader.exported",
            Self::ReaderViewed => "reader.viewed",
            Self::ReaderNoted => "reader.noted",
            Self::ReaderErased => "reader.erased",
            Self::ReaderSessionsEnded => "reader.sessions_ended",
            Self::ReaderAddressAsked => "reader.address_asked",
            Self::ReaderAddressChanged => "reader.address_changed",
            Self::ReaderAddressObjected => "reader.address_objected",
            Self::ReaderAddressCanceled => "reader.address_canceled",
            Self::ReaderAddressConfirmed => "reader.address_confirmed",
            Self::ReaderWrittenAgain => "reader.written_again",
            Self::MailRetried => "mail.retried",
            Self::NewsletterExported => "newsletter.exported",
            Self::SubscriptionsExported => "subscriptions.exported",
            Self::ReadersListed => "readers.listed",
            Self::KeysRotated => "keys.rotated",
            Self::AuditAnchorsBegun => "audit.anchors_begun",
            Self::SiteAdded => "site.added",
            Self::SiteKeyAdded => "site.key_added",
            Self::SiteKeyRevoked => "site.key_revoked",
            Self::SitePolicyChanged => "site.policy_changed",
            Self::SiteLookChanged => "site.look_changed",
            Self::SubscriptionCanceled => "subscription.canceled",
            Self::SubscriptionRefunded => "subscription.refunded",
            Self::SubscriptionExtended => "subscription.extended",
            Self::SubscriptionPaused => "subscription.paused",
            Self::SubscriptionResumed => "subscription.resumed",
            Self::SubscriptionSwitched => "subscription.switched",
            Self::SubscriptionSwitchRevoked => "subscription.switch_revoked",
            Self::SubscriptionRetried => "subscription.retried",
            Self::ReaderComplimentary => "reader.complimentary",
            Self::ReaderComplimentaryEnded => "reader.complimentary_ended",
            Self::GiftOffered => "gift.offered",
            Self::GiftWithdrawn => "gift.withdrawn",
            Self::RefundRetried => "refund.retried",
            Self::RefundSettled => "refund.settled",
            Self::RefundRequested => "refund.requested",
            Self::RefundApproved => "refund.approved",
            Self::RefundDeclined => "refund.declined",
        }
    }
}

/// An entry to be appended: [`Entry::new`], then what else is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it was done.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// To what: a kind such as `reader`, and an id.
    pub target: Option<(&'static str, String)>,
    /// In which request.
    pub request_id: Option<String>,
    /// From where; only its network is kept.
    pub ip: Option<IpAddr>,
    /// What changed, as it was. Never a secret.
    pub before: Option<Value>,
    /// What changed, as it is now. Never a secret.
    pub after: Option<Value>,
}

impl Entry {
    /// `actor` did `action` at `at`.
    #[must_use]
    pub fn new(at: Timestamp, actor: Actor, action: Action) -> Self {
        let (target, request_id, ip) = (None, None, None);
        Self { at, actor, action, target, request_id, ip, before: None, after: None }
    }

    /// To the `kind` (such as `reader`) with this id.
    #[must_use]
    pub fn on(self, kind: &'static str, id: impl std::fmt::Display) -> Self {
        Self { target: Some((kind, format!("{id}"))), ..self }
    }

    /// In this request, from this address.
    #[must_use]
    pub fn from(self, request_id: Option<String>, ip: Option<IpAddr>) -> Self {
        Self { request_id, ip, ..self }
    }

    /// What changed, as it was. Never a secret.
    #[must_use]
    pub fn before(self, before: Value) -> Self {
        Self { before: Some(before), ..self }
    }

    /// What changed, as it is now. Never a secret.
    #[must_use]
    pub fn after(self, after: Value) -> Self {
        Self { after: Some(after), ..self }
    }
}

/// An entry as it is stored, to the letter: what the chain authenticates.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Record {
    /// Its place, from 1.
    pub seq: i64,
    /// When it was done.
    pub at: Timestamp,
    /// [`Actor::kind`].
    pub actor_kind: String,
    /// [`Actor::id`].
    pub actor_id: Option<String>,
    /// [`Action::as_str`].
    pub action: String,
    /// To what kind of thing.
    pub target_kind: Option<String>,
    /// To which one.
    pub target_id: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// From which network.
    pub ip: Option<String>,
    /// What changed, as it was: JSON.
    pub before: Option<String>,
    /// What changed, as it is now: JSON.
    pub after: Option<String>,
    /// The hash of the entry before it.
    pub previous_hash: Vec<u8>,
    /// Its own hash.
    pub hash: Vec<u8>,
}

impl Record {
    /// `entry` at the place `seq`, after the entry with `previous_hash`; its own hash is to come.
    #[must_use]
    pub fn of(entry: &Entry, seq: i64, previous_hash: Vec<u8>) -> Self {
        Self {
            seq,
            at: entry.at,
            actor_kind: entry.actor.kind().to_owned(),
            actor_id: entry.actor.id(),
            action: entry.action.as_str().to_owned(),
            target_kind: entry.target.as_ref().map(|(kind, _)| (*kind).to_owned()),
            target_id: entry.target.as_ref().map(|(_, id)| id.clone()),
            request_id: entry.request_id.clone(),
            ip: entry.ip.map(network_of),
            before: entry.before.as_ref().map(Value::to_string),
            after: entry.after.as_ref().map(Value::to_string),
            previous_hash,
            hash: Vec::new(),
        }
    }
}

/// The network that `ip` is in: enough to see where somebody came from, too little to say who.
#[must_use]
pub fn network_of(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_network_of_an_address_is_kept() {
        for (ip, network) in [
            ("203.0.113.7", "203.0.113.0/24"),
            ("203.0.113.255", "203.0.113.0/24"),
            ("::ffff:203.0.113.7", "203.0.113.0/24"),
            ("2001:db8:12:3456:789a::1", "2001:db8:12::/48"),
            ("::1", "::/48"),
        ] {
            assert_eq!(network_of(ip.parse().unwrap()), network, "{ip}");
        }
    }

    #[test]
    fn every_action_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<&str> =
            Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(words.len(), Action::ALL.len());
        for word in words {
            let (subject, verb) = word.split_once('.').unwrap();
            let is_plain = |part: &str| part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(is_plain(subject) && is_plain(verb), "{word}");
        }
    }

    #[test]
    fn an_entry_is_stored_to_the_letter() {
        let at = Timestamp::parse("2026-11-23T04:05:06Z").unwrap();
        let staff = Uuid::from_u128(7);
        let entry = Entry::new(at, Actor::Staff(staff), Action::ReaderErased)
            .on("reader", Uuid::from_u128(8))
            .from(Some("r1".to_owned()), Some("203.0.113.7".parse().unwrap()))
            .before(serde_json::json!({"role": "viewer"}));
        let record = Record::of(&entry, 3, vec![1; 32]);
        assert_eq!(record.actor_id.as_deref(), Some("00000000-0000-0000-0000-000000000007"));
        assert_eq!(record.target_id.as_deref(), Some("00000000-0000-0000-0000-000000000008"));
        assert_eq!((record.seq, record.action.as_str()), (3, "reader.erased"));
        assert_eq!(record.ip.as_deref(), Some("203.0.113.0/24"));
        assert_eq!(record.before.as_deref(), Some(r#"{"role":"viewer"}"#));
        assert_eq!((record.after, record.previous_hash), (None, vec![1; 32]));
    }
}
