//! An invoice as rows: written once, and read back whole or not at all.

use iso_currency::Currency;
use uuid::Uuid;

use super::model::{Head, Invoice, Issue, Line, State, sum};
use crate::{
    billing::{calendar::Period, catalog::model::TaxRate, tax::Taxed},
    clock::Timestamp,
    db::{StoreError, Tx},
    money::Money,
};

/// One line with the invoice that it is on.
#[derive(sqlx::FromRow)]
pub(super) struct InvoiceRow {
    id: Uuid,
    reader_id: Uuid,
    subscription_id: Uuid,
    status: String,
    number: Option<String>,
    currency: String,
    net: i64,
    tax: i64,
    total: i64,
    balance_applied: i64,
    credited: i64,
    period_start: Timestamp,
    period_end: Timestamp,
    created_at: Timestamp,
    issued_at: Option<Timestamp>,
    paid_at: Option<Timestamp>,
    voided_at: Option<Timestamp>,
    charge_id: Option<Uuid>,
    description: String,
    plan: String,
    line_start: Timestamp,
    line_end: Timestamp,
    line_net: i64,
    line_tax: i64,
    line_total: i64,
    tax_ppm: Option<i64>,
    tax_inclusive: Option<bool>,
    credits: Option<Uuid>,
}

/// The columns of an [`InvoiceRow`], of the tables `i` and `l`.
macro_rules! columns {
    () => {
        "i.id, i.reader_id, i.subscription_id, i.status, i.number, i.currency, i.net, i.tax,
         i.total, i.balance_applied, i.credited, i.period_start, i.period_end, i.created_at,
         i.issued_at, i.paid_at, i.voided_at, i.charge_id, l.description, l.plan,
         l.period_start AS line_start, l.period_end AS line_end, l.net AS line_net,
         l.tax AS line_tax, l.total AS line_total, l.tax_ppm, l.tax_inclusive, l.credits"
    };
}
pub(super) use columns;

impl InvoiceRow {
    fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: "invoices", column, id: self.id.to_string() }
    }

    fn line(&self, currency: Currency) -> Result<Line, StoreError> {
        let money = |amount| Money { amount, currency };
        let rate = match (self.tax_ppm.map(u32::try_from), self.tax_inclusive) {
            (None, None) => None,
            (Some(Ok(ppm)), Some(inclusive)) => Some(TaxRate { ppm, inclusive }),
            _ => return Err(self.corrupt("tax_ppm")),
        };
        let amounts = Taxed {
            net: money(self.line_net),
            tax: money(self.line_tax),
            total: money(self.line_total),
        };
        Ok(Line {
            description: self.description.clone(),
            plan: self.plan.clone(),
            period: Period { start: self.line_start, end: self.line_end },
            amounts,
            rate,
            credits: self.credits,
        })
    }

    fn state(&self) -> Option<State> {
        let issue = match (self.number.clone(), self.issued_at) {
            (Some(number), Some(at)) => Some(Issue { number, at }),
            (None, None) => None,
            _ => return None,
        };
        match (self.status.as_str(), issue, self.paid_at, self.voided_at) {
            ("draft", None, None, None) => Some(State::Draft),
            ("open", Some(issue), None, None) => Some(State::Open { issue }),
            ("paid", Some(issue), Some(at), None) => {
                Some(State::Paid { issue, at, charge: self.charge_id })
            }
            ("void", issue, None, Some(at)) => Some(State::Void { issue, at }),
            _ => None,
        }
    }

    /// The invoice whose first line this is.
    fn read(&self, lines: &[Self]) -> Result<Invoice, StoreError> {
        let currency = Currency::from_code(&self.currency);
        let currency = currency.ok_or_else(|| self.corrupt("currency"))?;
        let money = |amount| Money { amount, currency };
        let lines = lines.iter().map(|row| row.line(currency)).collect::<Result<Vec<_>, _>>()?;
        let sums = Taxed { net: money(self.net), tax: money(self.tax), total: money(self.total) };
        if sum(&lines, currency) != Ok(sums) {
            return Err(self.corrupt("total"));
        }
        let balance_applied = money(self.balance_applied);
        let due = sums.total.minus(balance_applied).filter(|due| due.amount >= 0);
        Ok(Invoice {
            head: Head {
                id: self.id,
                reader: self.reader_id,
                subscription: self.subscription_id,
                period: Period { start: self.period_start, end: self.period_end },
                created_at: self.created_at,
            },
            state: self.state().ok_or_else(|| self.corrupt("status"))?,
            lines,
            sums,
            balance_applied,
            due: due.ok_or_else(|| self.corrupt("balance_applied"))?,
            credited: money(self.credited),
        })
    }
}

/// The invoices of these rows, in which the lines of each come together and in their order.
pub(super) fn read(rows: &[InvoiceRow]) -> Result<Vec<Invoice>, StoreError> {
    let each = rows.chunk_by(|one, next| one.id == next.id);
    each.filter_map(|lines| lines.first().map(|first| first.read(lines))).collect()
}

/// Writes an invoice in the state in which it is.
pub(super) async fn insert(tx: &mut Tx, invoice: &Invoice) -> Result<(), StoreError> {
    let Invoice { head, sums, .. } = invoice;
    tx.query(
        "INSERT INTO invoices (id, reader_id, subscription_id, status, number, currency, net, tax,
                               total, balance_applied, credited, period_start, period_end,
                               created_at, issued_at, paid_at, voided_at, charge_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
    )
    .bind(head.id)
    .bind(head.reader)
    .bind(head.subscription)
    .bind(invoice.state.as_str())
    .bind(invoice.number().map(str::to_owned))
    .bind(invoice.currency().code())
    .bind(sums.net.amount)
    .bind(sums.tax.amount)
    .bind(sums.total.amount)
    .bind(invoice.balance_applied.amount)
    .bind(invoice.credited.amount)
    .bind(head.period.start)
    .bind(head.period.end)
    .bind(head.created_at)
    .bind(invoice.issue().map(|issue| issue.at))
    .bind(invoice.paid_at())
    .bind(invoice.voided_at())
    .bind(invoice.charge())
    .execute()
    .await?;
    for (position, line) in (0_i64..).zip(&invoice.lines) {
        insert_line(tx, head.id, position, line);
    }
    Ok(())
}

fn insert_line(tx: &mut Tx, invoice: Uuid, position: i64, line: &Line) {
    tx.later(
        "INSERT INTO invoice_lines (invoice_id, position, description, plan, period_start,
                                    period_end, net, tax, total, tax_ppm, tax_inclusive, credits)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(invoice)
    .bind(position)
    .bind(line.description.clone())
    .bind(line.plan.clone())
    .bind(line.period.start)
    .bind(line.period.end)
    .bind(line.amounts.net.amount)
    .bind(line.amounts.tax.amount)
    .bind(line.amounts.total.amount)
    .bind(line.rate.map(|rate| i64::from(rate.ppm)))
    .bind(line.rate.map(|rate| rate.inclusive))
    .bind(line.credits);
}

/// Writes how far an invoice has come since it was `from`, and says whether it still was.
pub(super) async fn update_state(
    tx: &mut Tx,
    invoice: &Invoice,
    from: &'static str,
) -> Result<bool, StoreError> {
    let updated = tx
        .query(
            "UPDATE invoices SET status = $1, number = $2, issued_at = $3, paid_at = $4,
                                 voided_at = $5, charge_id = $6
             WHERE id = $7 AND status = $8",
        )
        .bind(invoice.state.as_str())
        .bind(invoice.number().map(str::to_owned))
        .bind(invoice.issue().map(|issue| issue.at))
        .bind(invoice.paid_at())
        .bind(invoice.voided_at())
        .bind(invoice.charge())
        .bind(invoice.head.id)
        .bind(from)
        .execute()
        .await?;
    Ok(updated > 0)
}
