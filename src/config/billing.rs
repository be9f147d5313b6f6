//! `[billing]`.

use std::path::PathBuf;

use super::{Mode, layers::Settings};
use crate::billing::approval::limit::RefundLimits;

/// `[billing]`.
#[derive(Debug, Clone)]
pub struct Billing {
    /// The file of the catalog; `None` for the one that is compiled in.
    pub catalog: Option<PathBuf>,
    /// Which gateway keeps cards and moves money.
    pub gateway: GatewayKind,
    /// Whether this instance does what falls due.
    pub worker: bool,
    /// How much one member of staff alone may give back to one reader within a day.
    pub refund_alone_max: RefundLimits,
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
    let catalog = settings.text("billing.catalog");
    let catalog = (!catalog.is_empty()).then(|| PathBuf::from(catalog));
    let refund_alone_max = settings.texts_with("billing.refund_alone_max", RefundLimits::parse);
    Some(Billing {
        catalog,
        gateway: gateway?,
        worker: settings.flag("billing.worker"),
        refund_alone_max: refund_alone_max?,
    })
}
