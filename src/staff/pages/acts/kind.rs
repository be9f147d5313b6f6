//! What staff can do to a subscription from its page.

use crate::{
    audit::model::Action,
    auth::staff::permission::Permission,
    billing::subscription::model::{State as Stands, Subscription, Then},
    staff::pages::seat::Seat,
};

/// Which act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::staff::pages) enum Kind {
    Cancel,
    Refund,
    Extend,
    Pause,
    Resume,
    Switch,
    KeepPlan,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Switch,
        Self::KeepPlan,
        Self::Cancel,
        Self::Refund,
        Self::Extend,
        Self::Pause,
        Self::Resume,
    ];

    /// As in addresses.
    pub(in crate::staff::pages) fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Refund => "refund",
            Self::Extend => "extend",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Switch => "switch",
            Self::KeepPlan => "keep-plan",
        }
    }

    /// What the button says.
    pub(in crate::staff::pages) fn name(self) -> &'static str {
        match self {
            Self::Cancel => "Cancel",
            Self::Refund => "Refund",
            Self::Extend => "Extend",
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::Switch => "Switch",
            Self::KeepPlan => "Keep the plan",
        }
    }

    /// What is said when it was done.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Cancel => "It was canceled.",
            Self::Refund => "The money goes back to the card.",
            Self::Extend => "The days were given.",
            Self::Pause => "It is paused.",
            Self::Resume => "It goes on.",
            Self::Switch => {
                "It was done as you saw. Where the bank asks the reader first, it says so below."
            }
            Self::KeepPlan => "The planned switch was taken back.",
        }
    }

    /// The act of this name in an address.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether there is something to choose before it can be told what would come of it.
    pub(super) fn takes_a_choice(self) -> bool {
        !matches!(self, Self::Pause | Self::Resume | Self::KeepPlan)
    }

    /// What it asks for.
    pub(super) fn permission(self) -> Permission {
        match self {
            Self::Refund => Permission::Refund,
            _ => Permission::SubscriptionsAct,
        }
    }

    /// As the audit log calls it.
    pub(super) fn action(self) -> Action {
        match self {
            Self::Cancel => Action::SubscriptionCanceled,
            Self::Refund => Action::SubscriptionRefunded,
            Self::Extend => Action::SubscriptionExtended,
            Self::Pause => Action::SubscriptionPaused,
            Self::Resume => Action::SubscriptionResumed,
            Self::Switch => Action::SubscriptionSwitched,
            Self::KeepPlan => Action::SubscriptionSwitchRevoked,
        }
    }

    /// The acts that whoever sits there may do to a subscription as it stands.
    pub(in crate::staff::pages) fn offered(
        seat: &Seat,
        it: &Subscription,
        has_paid: bool,
    ) -> Vec<Self> {
        let fits = |kind: &Self| match (kind, &it.state) {
            (Self::Refund, _) => has_paid,
            (_, Stands::Canceled { .. } | Stands::Expired { .. }) => false,
            (Self::Cancel, _) => !it.cancels_at_period_end(),
            (Self::Extend, state) => {
                !matches!(state, Stands::Incomplete { .. } | Stands::Paused { .. })
            }
            (Self::Pause, state) => {
                matches!(state, Stands::Active(_)) && !it.cancels_at_period_end()
            }
            (Self::Resume, state) => {
                matches!(state, Stands::Paused { .. }) || it.cancels_at_period_end()
            }
            (Self::Switch, state) => {
                matches!(state, Stands::Trialing { .. } | Stands::Active(_))
                    && !it.cancels_at_period_end()
            }
            (Self::KeepPlan, _) => matches!(it.then(), Some(Then::Switch { .. })),
        };
        let may = |kind: &Self| seat.may(kind.permission());
        Self::ALL.into_iter().filter(may).filter(fits).collect()
    }
}
