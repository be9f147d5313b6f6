//! Money on paper: what is billed, paid and given back, the ledger behind it, and what races for
//! the same cent.

use pressgate::{
    billing::{
        invoice::{
            credit::{CreditTo, InvalidCredit, Refund, RefundState},
            credit_store,
            model::Invoice,
            store::{self, InvoiceError},
        },
        ledger::{
            balance,
            booking::{self, Payment},
            store::{self as ledger, BookError},
        },
    },
    clock::Clock,
    db::StoreError,
};
use time::Duration;

use crate::{
    app::at,
    books::{READER, SUBSCRIPTION, draft_for, euro, line, new_id},
};

fn too_much<T>(result: &Result<T, InvoiceError>) -> bool {
    matches!(result, Err(InvoiceError::Credit(InvalidCredit::TooMuch)))
}

/// How many of these were told yes.
async fn yeses<F>(attempts: impl IntoIterator<Item = F>) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let all = attempts.into_iter().map(tokio::spawn);
    futures_util::future::join_all(all)
        .await
        .into_iter()
        .filter(|yes| *yes.as_ref().unwrap())
        .count()
}

on_both_databases! {
    async fn a_paid_invoice_has_its_number_its_lines_and_its_entries(t: TestApp) {
        let paid = t.paid_invoice(READER, 290).await;
        assert_eq!((paid.number(), paid.paid_at()), (Some("2026-000001"), Some(t.clock.now())));
        assert_eq!(t.stored(paid.head.id).await, paid);
        assert_eq!(t.accounts().await, [290, 0, -244, -46, 0]);
        let mut tx = t.tx().await;
        assert_eq!(store::list_for_reader(&mut tx, READER).await.unwrap(), vec![paid.clone()]);
        let of = store::list_for_subscription(&mut tx, SUBSCRIPTION).await.unwrap();
        assert_eq!(of, vec![paid.clone()]);
        assert_eq!(store::find_last_paid(&mut tx, SUBSCRIPTION).await.unwrap(), Some(paid));
        assert_eq!(store::find(&mut tx, READER).await.unwrap(), None);
        drop(tx);
        t.the_books_are_right().await;
    }

    async fn an_invoice_goes_from_draft_to_open_to_paid(t: TestApp) {
        let (draft, charge, now) = (t.draft(290, 0), new_id(), t.clock.now());
        let mut tx = t.tx().await;
        store::insert_draft(&mut tx, &draft).await.unwrap();
        assert_eq!(store::list_for_reader(&mut tx, READER).await.unwrap(), []);
        let open = store::open(&mut tx, draft.clone(), now).await.unwrap().unwrap();
        assert_eq!(store::find(&mut tx, draft.head.id).await.unwrap(), Some(open.clone()));
        assert_eq!(store::void(&mut tx, draft.clone(), now).await.unwrap(), None);
        let paid = store::pay(&mut tx, open.clone(), Some(charge), now).await.unwrap().unwrap();
        assert_eq!(store::find(&mut tx, draft.head.id).await.unwrap(), Some(paid.clone()));
        assert_eq!(store::pay(&mut tx, open.clone(), Some(charge), now).await.unwrap(), None);
        assert_eq!(store::void(&mut tx, open, now).await.unwrap(), None);
        assert!(store::void(&mut tx, paid, now).await.is_err());
        tx.commit().await.unwrap();
        assert_eq!(t.accounts().await, [290, 0, -244, -46, 0]);
        t.the_books_are_right().await;
    }

    async fn a_draft_is_paid_or_voided_without_ever_being_open(t: TestApp) {
        let now = t.clock.now();
        let (one, other) = (t.draft(290, 0), t.draft(290, 0));
        let mut tx = t.tx().await;
        store::insert_draft(&mut tx, &one).await.unwrap();
        store::insert_draft(&mut tx, &other).await.unwrap();
        let void = store::void(&mut tx, one, now).await.unwrap().unwrap();
        assert_eq!((void.number(), void.voided_at()), (None, Some(now)));
        let paid = store::pay(&mut tx, other, Some(new_id()), now).await.unwrap().unwrap();
        assert_eq!(paid.number(), Some("2026-000001"));
        tx.commit().await.unwrap();
        t.the_books_are_right().await;
    }

    async fn voiding_undoes_what_was_booked_and_late_money_goes_back(t: TestApp) {
        t.with_balance(100).await;
        let (draft, charge, now) = (t.draft(290, 100), new_id(), t.clock.now());
        let mut tx = t.tx().await;
        assert!(balance::hold(&mut tx, READER, draft.balance_applied).await.unwrap());
        let open = store::record_open(&mut tx, draft, now).await.unwrap();
        let id = open.head.id;
        store::void(&mut tx, open, now).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        assert_eq!((t.balance().await, t.accounts().await), (100, [100, 0, 0, 0, -100]));
        t.the_books_are_right().await;

        // The gateway finds out that it was paid after all.
        let payment = Payment {
            charge,
            invoice: Some(id),
            reader: READER,
            subscription: SUBSCRIPTION,
            amount: euro(190),
        };
        let mut tx = t.tx().await;
        let entry = [booking::paid(&payment, now).unwrap()];
        ledger::append(&mut tx, &entry).await.unwrap();
        assert!(matches!(ledger::append(&mut tx, &entry).await, Err(BookError::Twice)));
        tx.commit().await.unwrap();
        t.the_books_are_right().await;
        let refund = Refund {
            id: new_id(),
            charge,
            invoice: Some(id),
            reader: READER,
            subscription: SUBSCRIPTION,
            amount: euro(190),
            state: RefundState::Pending,
            created_at: now,
            decided_by: None,
        };
        let mut tx = t.tx().await;
        credit_store::insert_refund(&mut tx, &refund).await.unwrap();
        let pending = credit_store::list_pending_refunds(&mut tx, 10).await.unwrap();
        assert_eq!(pending, vec![refund.clone()]);
        tx.commit().await.unwrap();
        assert!(t.refund_goes_through(&refund).await);
        assert!(!t.refund_goes_through(&refund).await, "once");
        assert_eq!(t.accounts().await, [100, 0, 0, 0, -100]);
        t.the_books_are_right().await;
    }

    async fn the_balance_pays_what_it_can_and_is_spent_once(t: TestApp) {
        t.with_balance(400).await;
        assert_eq!(t.balance().await, 400);
        // Twenty want 150 of it: two get it.
        let another = t.another_process().await;
        let got = yeses((0..20).map(|i| {
            let t = if i % 2 == 0 { t.clone() } else { another.clone() };
            async move {
                let now = t.clock.now();
                let mut tx = t.tx().await;
                if !balance::hold(&mut tx, READER, euro(150)).await.unwrap() {
                    return false;
                }
                let draft = t.draft(290, 150);
                store::record_paid(&mut tx, draft, Some(new_id()), now).await.unwrap();
                tx.commit().await.unwrap();
                true
            }
        })).await;
        assert_eq!((got, t.balance().await), (2, 100));
        t.the_books_are_right().await;
    }

    async fn what_is_held_is_nobody_elses_and_can_be_let_go(t: TestApp) {
        t.with_balance(100).await;
        let mut tx = t.tx().await;
        assert_eq!(balance::hold_up_to(&mut tx, READER, euro(60)).await.unwrap(), euro(60));
        assert_eq!(balance::hold_up_to(&mut tx, READER, euro(60)).await.unwrap(), euro(40));
        assert_eq!(balance::hold_up_to(&mut tx, READER, euro(60)).await.unwrap(), euro(0));
        assert!(!balance::hold(&mut tx, READER, euro(1)).await.unwrap());
        for wrong in [0, -5] {
            assert!(!balance::hold(&mut tx, READER, euro(wrong)).await.unwrap(), "{wrong}");
        }
        assert!(!balance::release(&mut tx, READER, euro(101)).await.unwrap());
        assert!(balance::release(&mut tx, READER, euro(100)).await.unwrap());
        assert!(!balance::hold(&mut tx, SUBSCRIPTION, euro(1)).await.unwrap(), "nobody's");
        tx.commit().await.unwrap();

        // A draft holds its part, and lets go of it when it is voided.
        let (draft, now) = (t.draft(290, 100), t.clock.now());
        let mut tx = t.tx().await;
        store::insert_draft(&mut tx, &draft).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(t.balance().await, 0);
        let refused = store::insert_draft(&mut t.tx().await, &t.draft(290, 100)).await;
        assert!(matches!(refused, Err(InvoiceError::Book(BookError::NotHeld))), "{refused:?}");
        t.the_books_are_right().await;
        let mut tx = t.tx().await;
        store::void(&mut tx, draft, now).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        assert_eq!(t.balance().await, 100);
        t.the_books_are_right().await;
        let unheld = store::record_paid(&mut t.tx().await, t.draft(100, 100), None, now).await;
        assert!(matches!(unheld, Err(InvoiceError::Book(BookError::NotHeld))), "{unheld:?}");
    }

    async fn an_invoice_below_nothing_fills_the_balance(t: TestApp) {
        let old = t.paid_invoice(READER, 1_990).await;
        let now = t.clock.now();
        let credit = old.credit_line("Unused".to_owned(), euro(1_445)).unwrap();
        let draft = draft_for(READER, vec![line(290, now), credit.clone()], 0, now);
        let mut tx = t.tx().await;
        let paid = store::record_paid(&mut tx, draft.clone(), None, now).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((paid.due, t.balance().await), (euro(0), 1_155));
        assert_eq!(t.stored(old.head.id).await.credited, euro(1_445));
        t.the_books_are_right().await;
        // What was given back cannot be given back again, neither so nor otherwise.
        let again = draft_for(READER, vec![line(290, now), credit], 0, now);
        assert!(too_much(&store::record_paid(&mut t.tx().await, again, None, now).await));
        assert!(too_much(&t.give_back(old.head.id, 546, CreditTo::Balance).await));
        t.give_back(old.head.id, 545, CreditTo::Balance).await.unwrap();
        t.the_books_are_right().await;
    }

    async fn a_draft_keeps_what_it_credits_until_it_is_voided(t: TestApp) {
        let (old, now) = (t.paid_invoice(READER, 290).await, t.clock.now());
        let credit = old.credit_line("Unused".to_owned(), euro(145)).unwrap();
        let draft = draft_for(READER, vec![line(1_990, now), credit], 0, now);
        let mut tx = t.tx().await;
        store::insert_draft(&mut tx, &draft).await.unwrap();
        tx.commit().await.unwrap();
        assert!(too_much(&t.give_back(old.head.id, 146, CreditTo::Balance).await));
        t.the_books_are_right().await;
        let mut tx = t.tx().await;
        store::void(&mut tx, draft, now).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        t.the_books_are_right().await;
        t.give_back(old.head.id, 290, CreditTo::Balance).await.unwrap();
        t.the_books_are_right().await;
    }

    async fn no_more_goes_back_than_came_however_many_ask(t: TestApp) {
        let paid = t.paid_invoice(READER, 290).await;
        assert_eq!(t.refundable(&paid).await, 290);
        let another = t.another_process().await;
        let processes = [t.clone(), another];
        let attempts = (0..20).map(|i| {
            let (t, paid) = (processes[i % 2].clone(), paid.clone());
            async move { t.refund(&paid, 100).await.is_ok() }
        });
        assert_eq!((yeses(attempts).await, t.refundable(&paid).await), (2, 90));
        let notes = (0..20).map(|i| {
            let (t, id) = (processes[i % 2].clone(), paid.head.id);
            async move { t.give_back(id, 100, CreditTo::Refund).await.is_ok() }
        });
        assert_eq!(yeses(notes).await, 2);
        t.the_books_are_right().await;
        let mut tx = t.tx().await;
        let mut refunds = credit_store::list_refunds(&mut tx, READER).await.unwrap();
        let now = t.clock.now();
        let failed = refunds.pop().unwrap();
        assert!(credit_store::refund_failed(&mut tx, &failed, "no", now).await.unwrap());
        assert!(!credit_store::refund_failed(&mut tx, &failed, "no", now).await.unwrap());
        let state = credit_store::find_refund(&mut tx, failed.id).await.unwrap().unwrap().state;
        assert_eq!(state, RefundState::Failed { at: now, why: "no".to_owned(), settled: None });
        tx.commit().await.unwrap();
        assert!(t.refund_goes_through(&refunds.pop().unwrap()).await);
        assert_eq!(t.refundable(&paid).await, 190);
        t.the_books_are_right().await;
        assert!(too_much(&t.refund(&paid, 191).await));
        let rest = t.refund(&paid, 190).await.unwrap();
        assert!(t.refund_goes_through(&rest).await);
        t.give_back(paid.head.id, 90, CreditTo::Refund).await.unwrap();
        assert_eq!(t.accounts().await, [0, 0, 0, 0, 0]);
        t.the_books_are_right().await;
        let unknown = Invoice { head: paid.head, ..t.paid_invoice(READER, 5).await };
        assert!(t.refund(&unknown, 5).await.is_ok() && too_much(&t.refund(&unknown, 1).await));
        assert!(too_much(&t.refund(&paid, 0).await) && too_much(&t.refund(&paid, -1).await));
    }

    async fn numbers_have_no_gap_whatever_is_undone(t: TestApp) {
        let another = t.another_process().await;
        let processes = [t.clone(), another];
        let written = yeses((0..30).map(|i| {
            let t = processes[i % 2].clone();
            async move {
                let (mut tx, now) = (t.tx().await, t.clock.now());
                let drafts = vec![(t.draft(290, 0), Some(new_id())), (t.draft(0, 0), None)];
                store::record_many_paid(&mut tx, drafts, now).await.unwrap();
                // Every third is undone.
                if i % 3 == 0 { false } else { tx.commit().await.is_ok() }
            }
        })).await;
        assert_eq!(written, 20);
        t.the_books_are_right().await;
        assert_eq!(t.paid_invoice(READER, 290).await.number(), Some("2026-000041"));
        let id = t.paid_invoice(READER, 290).await.head.id;
        let note = t.give_back(id, 1, CreditTo::Balance).await.unwrap();
        assert_eq!(note.number, "C2026-000001");
        t.clock.set(at("2026-12-31T23:59:59.999999Z"));
        assert_eq!(t.paid_invoice(READER, 290).await.number(), Some("2026-000043"));
        t.clock.advance(Duration::MICROSECOND);
        assert_eq!(t.paid_invoice(READER, 290).await.number(), Some("2027-000001"));
        t.the_books_are_right().await;
    }

    async fn a_charge_pays_once(t: TestApp) {
        let (charge, now) = (new_id(), t.clock.now());
        let processes = [t.clone(), t.another_process().await];
        let attempts = (0..10).map(|i| {
            let t = processes[i % 2].clone();
            async move {
                let mut tx = t.tx().await;
                match store::record_paid(&mut tx, t.draft(290, 0), Some(charge), now).await {
                    Ok(_) => tx.commit().await.is_ok(),
                    Err(InvoiceError::Book(BookError::Twice)) => false,
                    Err(other) => unreachable!("{other}"),
                }
            }
        });
        assert_eq!(yeses(attempts).await, 1);
        assert_eq!(t.accounts().await, [290, 0, -244, -46, 0]);
        t.the_books_are_right().await;
    }

    async fn the_ledger_only_grows_and_what_is_bent_is_found(t: TestApp) {
        t.with_balance(100).await;
        let paid = t.paid_invoice(READER, 290).await;
        let refund = t.refund(&paid, 50).await.unwrap();
        assert!(t.refund_goes_through(&refund).await);
        t.the_books_are_right().await;
        for forbidden in [
            "UPDATE ledger_entries SET at = at",
            "DELETE FROM ledger_entries",
            // One leg, and nothing at all.
            "INSERT INTO ledger_entries SELECT source_id, 'voided', at, reader_id, subscription_id,
                 invoice_id, currency, cash + 1, receivable, revenue, tax, balance
             FROM ledger_entries WHERE kind = 'paid'",
            "INSERT INTO ledger_entries SELECT source_id, 'voided', at, reader_id, subscription_id,
                 invoice_id, currency, 0, 0, 0, 0, 0
             FROM ledger_entries WHERE kind = 'paid'",
            "UPDATE reader_balances SET held = amount + 1",
            "UPDATE refunded_charges SET refunded = paid + 1",
            "UPDATE invoices SET credited = total + 1",
            "UPDATE invoices SET number = NULL",
            "UPDATE invoices SET status = 'draft'",
        ] {
            assert!(t.behind(forbidden).await.is_err(), "{forbidden}");
        }
        for (bent, what, mended) in [
            (
                "UPDATE invoice_numbers SET last = last + 1",
                "numbers are missing, or were never given",
                "UPDATE invoice_numbers SET last = last - 1",
            ),
            (
                "UPDATE reader_balances SET amount = amount + 1",
                "a reader's balance is not what the ledger says, or less than is held of it",
                "UPDATE reader_balances SET amount = amount - 1",
            ),
            (
                "UPDATE refunds SET amount = amount + 1",
                "a refund is not booked as it went",
                "UPDATE refunds SET amount = amount - 1",
            ),
            (
                "UPDATE invoices SET credited = credited + 1 WHERE credited = 0",
                "more or less of an invoice was given back than it says",
                "UPDATE invoices SET credited = credited - 1 WHERE credited = 1",
            ),
            (
                "UPDATE invoice_lines SET tax = tax + 1, net = net - 1",
                "an invoice is not the sum of its lines",
                "UPDATE invoice_lines SET tax = tax - 1, net = net + 1",
            ),
            (
                "UPDATE credit_notes SET tax = tax + 1, net = net - 1",
                "a credit note is not booked as it is written",
                "UPDATE credit_notes SET tax = tax - 1, net = net + 1",
            ),
        ] {
            t.behind(bent).await.unwrap();
            let found = t.faults().await;
            assert!(found.iter().any(|fault| fault.what == what), "{bent}: {found:?}");
            t.behind(mended).await.unwrap();
            t.the_books_are_right().await;
        }
        t.behind("UPDATE invoice_lines SET total = total + 1, net = net + 1").await.unwrap();
        let read = store::find(&mut t.tx().await, paid.head.id).await;
        assert!(matches!(read, Err(StoreError::Corrupt { table: "invoices", .. })), "{read:?}");
    }
}
