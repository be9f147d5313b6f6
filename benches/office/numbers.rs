//! Five years of figures, as the days of a publisher with a few titles would hold them.

use pressgate::{clock::Timestamp, db::Db, numbers::figure::Figure};
use time::Duration;

use super::{
    dice::Dice,
    load::{Cell, load},
};

const DAYS: i64 = 5 * 365;
const PLANS: [&str; 3] = ["monthly", "annual", "student"];
const CAUSES: [&str; 4] = ["canceled_by_reader", "payment_failed", "withdrawn", "paused"];
const SITES: [&str; 4] = ["demo", "news", "sports", "local"];
const REASONS: [&str; 6] =
    ["metered", "already_read", "meter_exhausted", "subscriber", "trial", "free_article"];
/// Articles that led somebody to the offer on one day.
const ARTICLES: u64 = 40;

/// What a figure is labelled by on one day, in the month `month`.
fn labels(figure: Figure, month: &str, dice: &mut Dice) -> Vec<String> {
    let own = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect();
    match figure {
        Figure::Churned => own(&CAUSES),
        Figure::PaymentFailed | Figure::PaymentRecovered | Figure::PaymentLost => own(&[""]),
        Figure::TrialStarted | Figure::TrialConverted | Figure::TrialLost => own(&[month]),
        Figure::Offered | Figure::SignedUp => own(&SITES),
        Figure::Decided => {
            let of = |site: &str| REASONS.map(|reason| format!("{site} {reason}"));
            SITES.into_iter().flat_map(of).collect()
        }
        Figure::SubscribedFrom | Figure::PaidFrom => {
            let first = dice.roll(20_000);
            (first..first + ARTICLES).map(|n| format!("/articles/{n}")).collect()
        }
        _ => own(&PLANS),
    }
}

fn is_money(figure: Figure) -> bool {
    use Figure::{Paid, Refunded, Revenue};
    figure.as_str().starts_with("mrr.") || matches!(figure, Revenue | Paid | Refunded)
}

/// Fills the days, and notes that all was filled.
pub(crate) async fn fill_numbers(db: &Db, seed: u64, now: Timestamp) {
    let mut dice = Dice(seed ^ 6);
    let mut rows = Vec::new();
    for ago in 0..DAYS {
        let day = now.minus(Duration::days(ago)).to_string();
        let (day, month) = (&day[..10], &day[..7]);
        for figure in Figure::ALL {
            for label in labels(figure, month, &mut dice) {
                let currency = if is_money(figure) { "USD" } else { "" };
                rows.push(vec![
                    Cell::Text(figure.as_str().to_owned()),
                    Cell::Text(day.to_owned()),
                    Cell::Text(label),
                    Cell::Text(currency.to_owned()),
                    Cell::Int(i64::try_from(dice.roll(1_000)).unwrap()),
                ]);
            }
        }
    }
    rows.push(vec![
        Cell::Text("filled".to_owned()),
        Cell::Text("1970-01-01".to_owned()),
        Cell::Text(String::new()),
        Cell::Text(String::new()),
        Cell::Int(1),
    ]);
    let columns = "name, day, label, currency, value";
    load(db, ("number_days", columns), rows.into_iter()).await;
}
