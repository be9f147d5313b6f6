//! What a session is and how long it holds. Pure.

use time::Duration;
use uuid::Uuid;

use crate::{
    auth::access_token::{Caller, Realm, Scope},
    clock::Timestamp,
};

/// Most characters kept of what a device calls itself.
const DEVICE_MAX: usize = 200;

/// How long sessions of one realm hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// However much a session is used.
    pub total: Duration,
    /// Without being used.
    pub idle: Duration,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id; the `sid` of its access tokens.
    pub id: Uuid,
    /// Of readers, or of staff.
    pub realm: Realm,
    /// Whose.
    pub subject: Uuid,
    /// What the device calls itself.
    pub device: String,
    /// Since when.
    pub started_at: Timestamp,
    /// When a secret was last given: a password, or a link from a mail.
    pub authenticated_at: Timestamp,
    /// When it was last used; at most a minute late.
    pub last_used_at: Timestamp,
    /// When it ends however much it is used.
    pub expires_at: Timestamp,
    /// What it opens.
    pub scope: Scope,
    /// When and why it was ended.
    pub ended: Option<(Timestamp, EndReason)>,
}

impl Session {
    /// Whether it opens anything at `now`.
    #[must_use]
    pub fn holds(&self, idle: Duration, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.expires_at && now < self.last_used_at.plus(idle)
    }

    /// Whether a secret was given so recently that it need not be asked for again. None was ever given by a
    /// website or a guest.
    #[must_use]
    pub fn is_fresh(&self, within: Duration, now: Timestamp) -> bool {
        self.scope == Scope::Full && now < self.authenticated_at.plus(within)
    }

    /// Whether it opens articles and nothing of the account.
    #[must_use]
    pub fn reads_only(&self) -> bool {
        matches!(self.scope, Scope::Read(_))
    }

    /// The one who calls in this session.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller { subject: self.subject, session: self.id }
    }
}

/// Why a session was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Its owner logged out on this device.
    LoggedOut,
    /// Its owner ended it from another device.
    EndedByOwner,
    /// The password was changed.
    PasswordChanged,
    /// A refresh token was used that somebody had used before.
    TokenReused,
    /// The code by which it was handed over was used once more.
    CodeReused,
    /// The owner's data was erased.
    Erased,
    /// Staff ended it.
    EndedByStaff,
    /// The account was disabled, or its role changed; or the rules of such sessions did.
    AccountChanged,
}

impl EndReason {
    const ALL: [Self; 8] = [
        Self::LoggedOut,
        Self::EndedByOwner,
        Self::PasswordChanged,
        Self::TokenReused,
        Self::CodeReused,
        Self::Erased,
        Self::EndedByStaff,
        Self::AccountChanged,
    ];

    /// As stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::EndedByOwner => "ended_by_owner",
            Self::PasswordChanged => "password_changed",
            Self::TokenReused => "token_reused",
            Self::CodeReused => "code_reused",
            Self::Erased => "erased",
            Self::EndedByStaff => "ended_by_staff",
            Self::AccountChanged => "account_changed",
        }
    }

    /// Reads what [`EndReason::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// A device that does not say what it is.
pub const UNNAMED: &str = "an unnamed device";

/// What a device calls itself, from its `User-Agent`: bounded, and without anything that is not
/// plainly printed.
#[must_use]
pub fn device_name(user_agent: Option<&str>) -> String {
    let plain = |c: &char| *c == ' ' || c.is_ascii_graphic();
    let name: String =
        user_agent.unwrap_or_default().chars().filter(plain).take(DEVICE_MAX).collect();
    match name.trim() {
        "" => UNNAMED.to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session_at(start: Timestamp) -> Session {
        Session {
            id: Uuid::nil(),
            realm: Realm::Reader,
            subject: Uuid::nil(),
            device: String::new(),
            started_at: start,
            authenticated_at: start,
            last_used_at: start.plus(Duration::days(95)),
            expires_at: start.plus(Duration::days(100)),
            scope: Scope::Full,
            ended: None,
        }
    }

    #[test]
    fn a_session_holds_to_the_last_moment_and_not_longer() {
        let start = Timestamp::parse("2026-11-23T04:05:06Z").unwrap();
        let session = session_at(start);
        let second = Duration::SECOND;
        let holds = |days, change| {
            session.holds(Duration::days(3), start.plus(Duration::days(days)).plus(change))
        };
        assert!(holds(98, -second) && !holds(98, Duration::ZERO), "idle");
        let idle_long = |change| session.holds(Duration::days(30), session.expires_at.plus(change));
        assert!(idle_long(-second) && !idle_long(Duration::ZERO), "old");
        let ended = Session { ended: Some((start, EndReason::LoggedOut)), ..session.clone() };
        assert!(!ended.holds(Duration::days(30), start));
        assert!(session.is_fresh(Duration::HOUR, start.plus(Duration::HOUR).minus(second)));
        assert!(!session.is_fresh(Duration::HOUR, start.plus(Duration::HOUR)));
    }

    #[test]
    fn only_who_logged_in_is_fresh() {
        let start = Timestamp::parse("2026-11-23T04:05:06Z").unwrap();
        let site = || "news".into();
        for (scope, fresh) in [
            (Scope::Full, true),
            (Scope::Site(site()), false),
            (Scope::Read(Some(site())), false),
            (Scope::Read(None), false),
        ] {
            let session = Session { scope, ..session_at(start) };
            assert_eq!(session.is_fresh(Duration::HOUR, start), fresh, "{:?}", session.scope);
        }
    }

    #[test]
    fn a_device_cannot_write_into_our_pages_or_logs() {
        assert_eq!(device_name(Some("Firefox/150\r\nX: y\u{202e}\u{7}")), "Firefox/150X: y");
        assert_eq!(device_name(Some(&"x".repeat(9_000))).len(), DEVICE_MAX);
        for nothing in [None, Some(""), Some("\u{1f600}\n")] {
            assert_eq!(device_name(nothing), "an unnamed device");
        }
    }

    #[test]
    fn reasons_are_read_as_they_were_written() {
        for reason in EndReason::ALL {
            assert_eq!(EndReason::parse(reason.as_str()), Some(reason));
        }
    }
}
