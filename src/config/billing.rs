//! `[billing]`.

use super::{Mode, layers::Settings};

/// `[billing]`.
#[derive(Debug, Clone)]
pub struct Billing {
    /// Which gateway keeps cards and moves money.
    pub gateway: GatewayKind,
}

/// A payment gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayKind {
    /// None: nothing is sold.
    None,
    /// The sandbox's.
    Sandbox,
}

/// Reads `[billing]`.
pub(super) fn read(settings: &mut Settings, mode: Option<Mode>) -> Option<Billing> {
    let gateway = settings.parse_with("billing.gateway", |text| match text {
        "none" => Ok(GatewayKind::None),
        "sandbox" if mode == Some(Mode::Live) => {
            Err("must be `none` or a real gateway: the sandbox's cards pay nothing".to_owned())
        }
        "sandbox" => Ok(GatewayKind::Sandbox),
        _ => Err("must be `none` or `sandbox`".to_owned()),
    });
    Some(Billing { gateway: gateway? })
}
