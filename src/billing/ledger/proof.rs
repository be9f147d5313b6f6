//! Whether the books are right: every document has its entries, every entry its document, and
//! nothing was lost on the way. Each rule is one question to the database, whose answer should be
//! nothing.

use std::fmt;

use uuid::Uuid;

use crate::db::{StoreError, Tx};

/// Most faults of one rule that are named.
const NAMED_MAX: i64 = 20;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, in words.
    pub what: &'static str,
    /// With what.
    pub of: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.of)
    }
}

/// Reads the books through and gives what is wrong with them.
///
/// It reads every row, in a transaction of [`Db::snapshot`](crate::db::Db::snapshot): what is
/// written meanwhile would look like a fault.
///
/// # Errors
/// [`StoreError`].
pub async fn prove(tx: &mut Tx) -> Result<Vec<Fault>, StoreError> {
    let mut faults = Vec::new();
    for (what, sql) in RULES {
        let found: Vec<(Uuid,)> = tx.query(sql).bind(NAMED_MAX).all().await?;
        faults.extend(found.into_iter().map(|(id,)| Fault { what, of: id.to_string() }));
    }
    let gaps: Vec<(String, i64)> = tx.query(GAPS).bind(NAMED_MAX).all().await?;
    faults.extend(gaps.into_iter().map(|(series, year)| Fault {
        what: "numbers are missing, or were never given",
        of: format!("{series} {year}"),
    }));
    Ok(faults)
}

/// Each selects the ids of what breaks it.
const RULES: [(&str, &str); 13] = [
    (
        "an entry does not come to zero",
        "SELECT source_id FROM ledger_entries
         WHERE cash + receivable + revenue + tax + balance <> 0 LIMIT $1",
    ),
    (
        "an invoice is not the sum of its lines",
        "SELECT i.id FROM invoices i LEFT JOIN invoice_lines l ON l.invoice_id = i.id
         GROUP BY i.id, i.net, i.tax, i.total
         HAVING COUNT(l.invoice_id) = 0 OR SUM(l.net) <> i.net OR SUM(l.tax) <> i.tax
                OR SUM(l.total) <> i.total
         LIMIT $1",
    ),
    (
        "an invoice was issued or voided and the ledger says otherwise",
        "SELECT i.id FROM invoices i
         LEFT JOIN ledger_entries s ON s.source_id = i.id AND s.kind = 'issued'
         LEFT JOIN ledger_entries b ON b.source_id = i.id AND b.kind = 'balance_applied'
         LEFT JOIN ledger_entries v ON v.source_id = i.id AND v.kind = 'voided'
         WHERE COALESCE(s.receivable, 0) <> CASE WHEN i.number IS NULL THEN 0 ELSE i.total END
            OR COALESCE(s.revenue, 0) <> CASE WHEN i.number IS NULL THEN 0 ELSE -i.net END
            OR COALESCE(s.tax, 0) <> CASE WHEN i.number IS NULL THEN 0 ELSE -i.tax END
            OR COALESCE(b.balance, 0)
               <> CASE WHEN i.number IS NULL THEN 0 ELSE i.balance_applied END
            OR COALESCE(v.receivable, 0)
               <> CASE WHEN i.number IS NULL OR i.status <> 'void' THEN 0
                       ELSE i.balance_applied - i.total END
            OR COALESCE(v.revenue, 0)
               <> CASE WHEN i.number IS NULL OR i.status <> 'void' THEN 0 ELSE i.net END
            OR COALESCE(s.currency, i.currency) <> i.currency
            OR COALESCE(s.reader_id, i.reader_id) <> i.reader_id
         LIMIT $1",
    ),
    (
        "a paid invoice has not its cash",
        "SELECT i.id FROM invoices i
         LEFT JOIN ledger_entries p ON p.source_id = i.charge_id AND p.kind = 'paid'
         WHERE i.status = 'paid'
           AND (COALESCE(p.cash, 0) <> i.total - i.balance_applied
                OR COALESCE(p.invoice_id, i.id) <> i.id
                OR COALESCE(p.currency, i.currency) <> i.currency)
         LIMIT $1",
    ),
    (
        "an entry has no invoice",
        "SELECT e.source_id FROM ledger_entries e LEFT JOIN invoices i ON i.id = e.source_id
         WHERE e.kind IN ('issued', 'balance_applied', 'voided') AND i.id IS NULL
         LIMIT $1",
    ),
    (
        "cash came for an invoice that did not wait for it",
        "SELECT e.source_id FROM ledger_entries e LEFT JOIN invoices i ON i.id = e.invoice_id
         WHERE e.kind = 'paid' AND e.invoice_id IS NOT NULL
           AND (i.id IS NULL OR (i.status <> 'void'
                                 AND (i.charge_id IS NULL OR i.charge_id <> e.source_id)))
         LIMIT $1",
    ),
    (
        "a credit note is not booked as it is written",
        "SELECT n.id FROM credit_notes n
         LEFT JOIN ledger_entries e ON e.source_id = n.id AND e.kind = 'credited'
         WHERE e.source_id IS NULL OR e.revenue <> n.net OR e.tax <> n.tax
            OR e.balance <> CASE WHEN n.goes_to = 'balance' THEN -n.total ELSE 0 END
            OR e.currency <> n.currency OR e.reader_id <> n.reader_id
         LIMIT $1",
    ),
    (
        "an entry has no credit note, or no refund that succeeded",
        "SELECT e.source_id FROM ledger_entries e
         LEFT JOIN credit_notes n ON n.id = e.source_id
         LEFT JOIN refunds r ON r.id = e.source_id
                            AND (r.status = 'succeeded'
                                 OR r.settled_as IN ('balance', 'paid_out'))
         WHERE (e.kind = 'credited' AND n.id IS NULL) OR (e.kind = 'refunded' AND r.id IS NULL)
         LIMIT $1",
    ),
    (
        "more or less of an invoice was given back than it says",
        "SELECT i.id FROM invoices i
         LEFT JOIN (SELECT invoice_id, SUM(total) AS total FROM credit_notes
                    GROUP BY invoice_id) n ON n.invoice_id = i.id
         LEFT JOIN (SELECT l.credits, SUM(l.total) AS total
                    FROM invoice_lines l JOIN invoices o ON o.id = l.invoice_id
                    WHERE l.credits IS NOT NULL AND o.status <> 'void'
                    GROUP BY l.credits) l ON l.credits = i.id
         WHERE i.credited <> COALESCE(n.total, 0) - COALESCE(l.total, 0)
            OR (i.credited <> 0 AND i.credited > i.total)
         LIMIT $1",
    ),
    (
        "a refund is not booked as it went",
        "SELECT r.id FROM refunds r
         LEFT JOIN ledger_entries e ON e.source_id = r.id AND e.kind = 'refunded'
         LEFT JOIN refunded_charges c ON c.charge_id = r.charge_id
         WHERE c.charge_id IS NULL
            OR COALESCE(e.cash, 0)
               <> CASE WHEN r.status = 'succeeded' OR r.settled_as = 'paid_out' THEN -r.amount
                       ELSE 0 END
            OR COALESCE(e.balance, 0)
               <> CASE WHEN r.settled_as = 'balance' THEN -r.amount ELSE 0 END
         LIMIT $1",
    ),
    (
        "more went back than a charge brought, or other than was counted",
        "SELECT c.charge_id FROM refunded_charges c
         LEFT JOIN ledger_entries p ON p.source_id = c.charge_id AND p.kind = 'paid'
         LEFT JOIN (SELECT charge_id, SUM(amount) AS amount FROM refunds
                    WHERE status <> 'failed' GROUP BY charge_id) r ON r.charge_id = c.charge_id
         WHERE c.refunded > c.paid OR c.paid <> COALESCE(p.cash, 0)
            OR c.refunded <> COALESCE(r.amount, 0)
         LIMIT $1",
    ),
    (
        "a reader's balance is not what the ledger says, or less than is held of it",
        "SELECT b.reader_id FROM reader_balances b
         LEFT JOIN (SELECT reader_id, currency, SUM(balance) AS debit FROM ledger_entries
                    WHERE balance <> 0 GROUP BY reader_id, currency) l
                ON l.reader_id = b.reader_id AND l.currency = b.currency
         LEFT JOIN (SELECT reader_id, currency, SUM(balance_applied) AS wanted FROM invoices
                    WHERE status = 'draft' AND balance_applied > 0
                    GROUP BY reader_id, currency) d
                ON d.reader_id = b.reader_id AND d.currency = b.currency
         WHERE b.amount + COALESCE(l.debit, 0) <> 0 OR b.held > b.amount
            OR b.held < COALESCE(d.wanted, 0)
         LIMIT $1",
    ),
    (
        "the ledger owes a reader a balance that is not there",
        "SELECT l.reader_id
         FROM (SELECT reader_id, currency, SUM(balance) AS debit FROM ledger_entries
               WHERE balance <> 0 GROUP BY reader_id, currency) l
         LEFT JOIN reader_balances b ON b.reader_id = l.reader_id AND b.currency = l.currency
         WHERE b.reader_id IS NULL AND l.debit <> 0
         LIMIT $1",
    ),
];

/// Numbers are unique, so there are as many as the highest exactly when none is missing.
const GAPS: &str = "SELECT d.series, d.year
     FROM (SELECT 'invoice' AS series, CAST(substr(number, 1, 4) AS BIGINT) AS year,
                  COUNT(*) AS many, MAX(CAST(substr(number, 6) AS BIGINT)) AS highest
           FROM invoices WHERE number IS NOT NULL GROUP BY substr(number, 1, 4)
           UNION ALL
           SELECT 'credit_note', CAST(substr(number, 2, 4) AS BIGINT), COUNT(*),
                  MAX(CAST(substr(number, 7) AS BIGINT))
           FROM credit_notes GROUP BY substr(number, 2, 4)) d
     LEFT JOIN invoice_numbers n ON n.series = d.series AND n.year = d.year
     WHERE d.many <> d.highest OR n.last IS NULL OR n.last <> d.highest
     UNION ALL
     SELECT n.series, n.year FROM invoice_numbers n
     WHERE NOT EXISTS (SELECT 1 FROM invoices i
                       WHERE n.series = 'invoice' AND i.number IS NOT NULL
                         AND CAST(substr(i.number, 1, 4) AS BIGINT) = n.year)
       AND NOT EXISTS (SELECT 1 FROM credit_notes c
                       WHERE n.series = 'credit_note'
                         AND CAST(substr(c.number, 2, 4) AS BIGINT) = n.year)
     LIMIT $1";
