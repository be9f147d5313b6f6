//! `[limits]`.

use time::Duration;

use super::{Mode, layers::Settings};
use crate::{
    auth::{limits::Policy, network::NetworkPolicies},
    billing::card_limit::CardPolicies,
};

/// `[limits]`.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Failed log-ins of one account.
    pub login: Policy,
    /// Mails that anyone asks for to one address.
    pub mail: Policy,
    /// Wrong codes of one member of staff.
    pub totp: Policy,
    /// Declined cards.
    pub cards: CardPolicies,
    /// Failed attempts from one network; not limited in a sandbox.
    pub network: Option<NetworkPolicies>,
    /// Mails that anyone asks for from one network; not limited in a sandbox.
    pub network_mail: Option<Policy>,
}

/// Reads `[limits]`.
pub(super) fn read(settings: &mut Settings, mode: Option<Mode>) -> Limits {
    let login = slow(settings, "limits.login_burst", "limits.login_refill_secs");
    let mail = slow(settings, "limits.mail_burst", "limits.mail_refill_secs");
    let totp = slow(settings, "limits.totp_burst", "limits.totp_refill_secs");
    let customer = slow(settings, "limits.declined_burst", "limits.declined_refill_secs");
    let of_network = ("limits.declined_network_burst", "limits.declined_network_refill_secs");
    let of_network = slow(settings, of_network.0, of_network.1);
    let of_network = (mode == Some(Mode::Live)).then_some(of_network);
    let cards = CardPolicies { customer, network: of_network };
    let each = fast(settings, "limits.network_burst", "limits.network_per_second");
    let all = fast(settings, "limits.instance_burst", "limits.instance_per_second");
    let burst = settings.number("limits.network_mail_burst", 1..=100_000);
    let refill: i64 = settings.number("limits.network_mail_refill_secs", 1..=3_600);
    let mails = Policy::new(burst, Duration::seconds(refill));
    let is_live = mode == Some(Mode::Live);
    let network = is_live.then_some(NetworkPolicies { each, all });
    Limits { login, mail, totp, cards, network, network_mail: is_live.then_some(mails) }
}

/// One more after so many seconds.
fn slow(settings: &mut Settings, burst: &str, refill: &str) -> Policy {
    let burst = settings.number(burst, 1..=100);
    let refill: i64 = settings.number(refill, 1..=3_600);
    Policy::new(burst, Duration::seconds(refill))
}

/// So many more in each second.
fn fast(settings: &mut Settings, burst: &str, per_second: &str) -> Policy {
    let burst = settings.number(burst, 1..=100_000);
    let per_second: u32 = settings.number(per_second, 1..=10_000);
    Policy::new(burst, Duration::SECOND / per_second)
}
