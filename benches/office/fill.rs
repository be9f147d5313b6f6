//! Readers, subscriptions in all states, invoices, charges and events, the same for the same seed.

use std::collections::HashSet;

use pressgate::{
    app::AppState, clock::Timestamp, db::Db, mail::address::Address, reader::search::words,
};
use time::Duration;
use uuid::Uuid;

use super::{
    Size,
    dice::Dice,
    load::{Cell, load},
    numbers::fill_numbers,
};

/// What can be looked for afterwards.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    pub(crate) emails: Vec<String>,
    pub(crate) readers: Vec<Uuid>,
    pub(crate) subscriptions: Vec<Uuid>,
    pub(crate) invoices: i64,
}

struct Reader {
    id: Uuid,
    email: String,
    created: Timestamp,
}

fn readers(size: Size, now: Timestamp) -> Vec<Reader> {
    let mut dice = Dice(size.seed);
    let mut taken = HashSet::new();
    let step = Duration::days(5 * 365) / u32::try_from(size.readers).unwrap();
    let begin = now.minus(Duration::days(5 * 365 + 40));
    let one = |i: u64| {
        let mut email = dice.email();
        if !taken.insert(email.clone()) {
            email = format!("x{i}{email}");
        }
        let created = begin.plus(step * u32::try_from(i).unwrap());
        Reader { id: dice.id(created), email, created }
    };
    (0..size.readers).map(one).collect()
}

async fn fill_readers(db: &Db, all: &[Reader], size: Size, now: Timestamp) {
    let mut dice = Dice(size.seed ^ 2);
    let rows = all.iter().map(|reader| {
        let key = Address::parse(&reader.email).unwrap().key().to_owned();
        let last_read = (dice.roll(3) > 0).then(|| now.minus(dice.days(60)));
        vec![
            Cell::Id(reader.id),
            Cell::Text(reader.email.clone()),
            Cell::Text(key),
            Cell::At(reader.created),
            Cell::At(reader.created),
            Cell::Bool(true),
            Cell::at(last_read),
        ]
    });
    let columns = "id, email, email_key, email_verified_at, created_at, searchable, last_read_at";
    load(db, ("readers", columns), rows).await;
    let of_reader = |reader: &Reader| {
        let id = reader.id;
        let words = words::of_address(&reader.email).into_iter();
        words.map(move |word| vec![Cell::Text(word), Cell::Id(id)])
    };
    load(db, ("reader_search", "word, reader_id"), all.iter().flat_map(of_reader)).await;
}

/// A subscription, as far as what hangs on it must know.
struct Held {
    id: Uuid,
    reader: Uuid,
    plan: &'static str,
    created: Timestamp,
    was_paid: bool,
}

const COLUMNS: &str = "id, reader_id, product, plan, catalog_version, country, method, \
    method_last4, method_expires, created_at, agreed_at, trial_start, trial_end, status, \
    expires_at, begins_trial, anchor, period_index, period_start, period_end, paid_amount, \
    then_kind, then_at, then_reason, failed_at, failed_times, failed_reminders, retry_at, \
    grace_until, paused_at, ended_at, end_reason, revision";

/// One subscription of `reader`, in some state, and its row.
#[expect(clippy::too_many_lines, reason = "a row has as many columns")]
fn subscription(
    dice: &mut Dice,
    reader: &Reader,
    (product, now): (&str, Timestamp),
) -> (Held, Vec<Cell>) {
    let (plan, days) = if dice.roll(10) < 7 { ("monthly", 30) } else { ("annual", 365) };
    let mut created = reader.created.plus(dice.days(30));
    let state = dice.roll(100);
    let status = match state {
        0..60 => "active",
        60..66 => "trialing",
        66..68 => "past_due",
        68..69 => "paused",
        69..94 => "canceled",
        94..98 => "expired",
        _ => "incomplete",
    };
    let trial = status == "trialing" || status == "expired";
    if status == "trialing" || status == "incomplete" {
        created = now.minus(dice.days(29));
    }
    let then_cancels = status == "active" && dice.roll(10) == 0;
    let turn = matches!(status, "active" | "past_due").then(|| {
        let index = now.since(created).whole_days() / days;
        let start = created.plus(Duration::days(index * days));
        (index, start, start.plus(Duration::days(days)))
    });
    let ended = matches!(status, "canceled" | "expired").then(|| {
        let life = now.since(created).whole_seconds().max(1).unsigned_abs();
        created.plus(Duration::seconds(i64::try_from(dice.roll(life)).unwrap()))
    });
    let reason = match (status, dice.roll(20)) {
        ("expired", _) => "trial_ended",
        (_, 0..13) => "canceled_by_reader",
        (_, 13..15) => "canceled_by_staff",
        (_, 15..19) => "payment_failed",
        _ => "withdrawn",
    };
    let held = Held {
        id: dice.id(created),
        reader: reader.id,
        plan,
        created,
        was_paid: matches!(status, "active" | "past_due" | "paused" | "canceled"),
    };
    let text = |text: &str| Cell::Text(text.to_owned());
    let when = |holds: bool, cell: Cell| if holds { cell } else { Cell::Null };
    let past_due = status == "past_due";
    let row = vec![
        Cell::Id(held.id),
        Cell::Id(reader.id),
        text(product),
        text(plan),
        Cell::Int(1),
        text("US"),
        text("pm_sandbox_ok"),
        Cell::Text(format!("{:04}", dice.roll(10_000))),
        Cell::Int(2_030 * 12),
        Cell::At(created),
        Cell::At(created),
        when(trial, Cell::At(created)),
        when(trial, Cell::At(created.plus(Duration::days(30)))),
        text(status),
        when(status == "incomplete", Cell::At(now.plus(Duration::HOUR))),
        when(status == "incomplete", Cell::Bool(false)),
        Cell::at(turn.map(|_| created)),
        turn.map_or(Cell::Null, |(index, ..)| Cell::Int(index)),
        Cell::at(turn.map(|(_, start, _)| start)),
        Cell::at(turn.map(|(_, _, end)| end)),
        when(status == "active", Cell::Int(290)),
        match status {
            "active" if then_cancels => text("cancel"),
            "active" | "trialing" => text("renew"),
            _ => Cell::Null,
        },
        when(then_cancels, Cell::At(now)),
        when(then_cancels, text("canceled_by_reader")),
        when(past_due, Cell::At(now.minus(Duration::days(3)))),
        when(past_due, Cell::Int(1)),
        when(past_due, Cell::Int(0)),
        when(past_due, Cell::At(now.plus(dice.days(3)))),
        when(past_due, Cell::At(now.plus(Duration::days(11)))),
        when(status == "paused", Cell::At(now.minus(Duration::DAY))),
        Cell::at(ended),
        when(ended.is_some(), text(reason)),
        Cell::Int(1),
    ];
    (held, row)
}

async fn fill_money(db: &Db, held: &[Held], size: Size) {
    let mut dice = Dice(size.seed ^ 4);
    let payments: Vec<(usize, Uuid, Uuid, Timestamp, i64)> = held
        .iter()
        .enumerate()
        .filter(|(_, it)| it.was_paid)
        .flat_map(|(i, it)| (0..2).map(move |k| (i, it.created.plus(Duration::days(30 * k)))))
        .enumerate()
        .map(|(n, (i, at))| (i, dice.id(at), dice.id(at), at, i64::try_from(n + 1).unwrap()))
        .collect();
    let text = |text: &str| Cell::Text(text.to_owned());
    let invoices = payments.iter().map(|(i, invoice, charge, at, n)| {
        let number = format!("{}-{n:06}", at.date_time().year());
        let end = at.plus(Duration::days(30));
        vec![
            Cell::Id(*invoice),
            Cell::Id(held[*i].reader),
            Cell::Id(held[*i].id),
            text("paid"),
            Cell::Text(number),
            text("USD"),
            Cell::Int(290),
            Cell::Int(0),
            Cell::Int(290),
            Cell::Int(0),
            Cell::Int(0),
            Cell::At(*at),
            Cell::At(end),
            Cell::At(*at),
            Cell::At(*at),
            Cell::At(*at),
            Cell::Id(*charge),
        ]
    });
    let columns = "id, reader_id, subscription_id, status, number, currency, net, tax, total, \
        balance_applied, credited, period_start, period_end, created_at, issued_at, paid_at, \
        charge_id";
    load(db, ("invoices", columns), invoices).await;
    let charges = payments.iter().map(|(i, invoice, charge, at, n)| {
        vec![
            Cell::Id(*charge),
            Cell::Id(held[*i].id),
            Cell::Id(held[*i].reader),
            text("renewal"),
            text(held[*i].plan),
            Cell::Int(1),
            Cell::At(*at),
            Cell::Int(0),
            Cell::At(*at),
            Cell::At(at.plus(Duration::days(30))),
            Cell::Int(1),
            Cell::Int(290),
            Cell::Int(0),
            Cell::Int(0),
            text("USD"),
            Cell::Bool(true),
            text("succeeded"),
            Cell::At(*at),
            Cell::At(*at),
            Cell::Text(format!("ch_{n}")),
            Cell::Id(*invoice),
        ]
    });
    let columns = "id, subscription_id, reader_id, purpose, plan, catalog_version, anchor, \
        period_index, period_start, period_end, attempt, amount, credit, balance, currency, \
        off_session, status, created_at, settled_at, reference, invoice_id";
    load(db, ("charges", columns), charges).await;
}

async fn fill_events(db: &Db, held: &[Held], size: Size) {
    let mut dice = Dice(size.seed ^ 5);
    let each = size.events / size.subscriptions.max(1);
    let of_one = |it: &Held| {
        let (id, reader, created) = (it.id, it.reader, it.created);
        (0..each)
            .map(move |k| (id, reader, created.plus(Duration::days(i64::try_from(k).unwrap()))))
    };
    let rows = held.iter().flat_map(of_one).map(|(id, reader, at)| {
        vec![
            Cell::Id(dice.id(at)),
            Cell::Id(id),
            Cell::Id(reader),
            Cell::At(at),
            Cell::Text("system".to_owned()),
            Cell::Text("subscription.renewed".to_owned()),
            Cell::Int(1),
            Cell::Text("{}".to_owned()),
        ]
    });
    let columns = "id, subscription_id, reader_id, at, actor, kind, version, detail";
    load(db, ("subscription_events", columns), rows).await;
}

/// Whether an earlier run with the same arguments filled it.
async fn is_filled(db: &Db) -> bool {
    let mut tx = db.read().await.unwrap();
    let rows: Vec<(i64,)> =
        tx.query("SELECT value FROM number_days WHERE name = 'filled'").all().await.unwrap();
    !rows.is_empty()
}

/// Fills the database, unless it was filled before, and lets it look at what it has.
pub(crate) async fn fill(app: &AppState, size: Size, now: Timestamp) -> Sample {
    let db = &app.databases.main;
    let all = readers(size, now);
    let product = app.catalogs.current().plans[0].product.clone();
    let mut dice = Dice(size.seed ^ 3);
    let stride = usize::try_from(size.readers / size.subscriptions.max(1)).unwrap().max(1);
    let wanted = usize::try_from(size.subscriptions).unwrap();
    let mut held = Vec::with_capacity(wanted);
    let mut rows = Vec::with_capacity(wanted);
    for reader in all.iter().step_by(stride).take(wanted) {
        let (one, row) = subscription(&mut dice, reader, (&product, now));
        held.push(one);
        rows.push(row);
    }
    if !is_filled(db).await {
        fill_readers(db, &all, size, now).await;
        load(db, ("subscriptions", COLUMNS), rows.into_iter()).await;
        fill_money(db, &held, size).await;
        fill_events(db, &held, size).await;
        fill_numbers(db, size.seed, now).await;
        settle(db).await;
    }
    let invoices = 2 * held.iter().filter(|it| it.was_paid).count();
    let every = |count: usize| (count / 2_000).max(1);
    Sample {
        emails: all.iter().step_by(every(all.len())).map(|it| it.email.clone()).collect(),
        readers: held.iter().step_by(every(held.len())).map(|it| it.reader).collect(),
        subscriptions: held.iter().step_by(every(held.len())).map(|it| it.id).collect(),
        invoices: i64::try_from(invoices).unwrap(),
    }
}

/// What a database does by itself after a while.
async fn settle(db: &Db) {
    match db {
        Db::Sqlite { write, .. } => {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&**write).await.unwrap();
        }
        Db::Postgres(pool) => {
            let mut connection = pool.acquire().await.unwrap();
            sqlx::query("SET statement_timeout = 0").execute(&mut *connection).await.unwrap();
            sqlx::query("VACUUM ANALYZE").execute(&mut *connection).await.unwrap();
            let _ = connection.close().await;
        }
    }
}
