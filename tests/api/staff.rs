//! Accounts of staff: what is kept of them, and what can be used only once.

use pressgate::{
    auth::{
        hash_queue::TurnRequest,
        hashing::{Hasher, Verified},
        limit_store::LimitKey,
        password::Password,
        staff::{
            model::{Role, Staff},
            recovery::{CODES, RecoveryCode},
            store::{self, NewSecondFactor, StaffStoreError},
            totp::TotpSecret,
        },
    },
    clock::Clock,
    db::{StoreError, Tx},
    ids::Ids,
    mail::address::Address,
    sandbox,
};
use time::Duration;
use uuid::Uuid;

use crate::app::TestApp;

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";

async fn write(t: &TestApp) -> Tx {
    t.state.databases.main.write().await.unwrap()
}

fn somebody(t: &TestApp, email: &str) -> Staff {
    let now = t.clock.now();
    Staff {
        id: Ids::system().unwrap().uuid(now).unwrap(),
        email: Address::parse(email).unwrap(),
        password_hash: HASH.to_owned(),
        role: Role::Support,
        totp: None,
        created_at: now,
        password_changed_at: now,
        disabled_at: None,
        device_epoch: 0,
    }
}

async fn insert(t: &TestApp, staff: &Staff) -> Result<(), StaffStoreError> {
    let mut tx = write(t).await;
    store::insert(&mut tx, staff).await?;
    tx.commit().await?;
    Ok(())
}

async fn find(t: &TestApp, id: Uuid) -> Staff {
    store::find(&mut write(t).await, id).await.unwrap().unwrap()
}

async fn enrol(t: &TestApp, staff: &Staff) -> NewSecondFactor {
    let mut tx = write(t).await;
    let keys = (&t.state.config.master, &Ids::system().unwrap());
    let factor = store::enrol(&mut tx, keys, staff).await.unwrap();
    tx.commit().await.unwrap();
    factor
}

async fn use_step(t: &TestApp, id: Uuid, step: i64) -> bool {
    let mut tx = write(t).await;
    let used = store::use_totp_step(&mut tx, id, step).await.unwrap();
    tx.commit().await.unwrap();
    used
}

async fn use_code(t: &TestApp, id: Uuid, code: &RecoveryCode) -> bool {
    let hash = code.hash(&t.state.config.master, id);
    let mut tx = write(t).await;
    let used = store::use_recovery_code(&mut tx, id, &hash).await.unwrap();
    tx.commit().await.unwrap();
    used
}

/// Does `attempt` from two processes, 20 times at once; how many succeeded.
async fn at_once<F>(t: &TestApp, attempt: impl Fn(TestApp) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let another = t.another_process().await;
    let attempts = (0..20).map(|i| if i % 2 == 0 { t.clone() } else { another.clone() });
    let attempts = attempts.map(|t| tokio::spawn(attempt(t)));
    let done = futures_util::future::join_all(attempts).await;
    done.into_iter().filter(|used| *used.as_ref().unwrap()).count()
}

on_both_databases! {
    async fn an_account_is_kept_to_the_letter_and_its_address_once(t: TestApp) {
        let anna = somebody(&t, "Anna@Bücher.example");
        insert(&t, &anna).await.unwrap();
        assert_eq!(find(&t, anna.id).await, anna);
        let mut tx = write(&t).await;
        let key = "anna@xn--bcher-kva.example";
        assert_eq!(store::find_by_email_key(&mut tx, key).await.unwrap(), Some(anna));
        assert_eq!(store::find_by_email_key(&mut tx, "nobody@b.org").await.unwrap(), None);
        assert_eq!(store::find(&mut tx, Uuid::from_u128(1)).await.unwrap(), None);
        drop(tx);
        let again = insert(&t, &somebody(&t, "ANNA@bücher.example")).await;
        assert!(matches!(again, Err(StaffStoreError::EmailTaken)));
        let all = store::list(&mut write(&t).await).await.unwrap();
        let keys: Vec<&str> = all.iter().map(|staff| staff.email.key()).collect();
        assert_eq!(keys.len(), 2);
        assert!(keys.contains(&sandbox::STAFF_EMAIL) && keys.contains(&key), "{keys:?}");
    }

    async fn a_change_is_made_once_and_from_what_was_seen(t: TestApp) {
        let anna = somebody(&t, "anna@news.example");
        insert(&t, &anna).await.unwrap();
        let now = t.clock.now().plus(Duration::DAY);
        let mut tx = write(&t).await;
        let change = (Role::Support, Role::Admin);
        assert!(store::set_role(&mut tx, anna.id, change).await.unwrap());
        assert!(!store::set_role(&mut tx, anna.id, change).await.unwrap(), "it is admin now");
        assert!(!store::enable(&mut tx, anna.id).await.unwrap(), "it is open");
        assert!(store::disable(&mut tx, anna.id, now).await.unwrap());
        assert!(!store::disable(&mut tx, anna.id, now.plus(Duration::DAY)).await.unwrap());
        assert!(store::set_password_hash(&mut tx, anna.id, "$a$b", now).await.unwrap());
        assert!(!store::renew_password_hash(&mut tx, anna.id, (HASH, "$c")).await.unwrap());
        let changed = Staff {
            role: Role::Admin,
            disabled_at: Some(now),
            password_hash: "$a$b".to_owned(),
            password_changed_at: now,
            // Closing the account and the new password each end what devices are known by.
            device_epoch: anna.device_epoch + 2,
            ..anna.clone()
        };
        assert_eq!(store::find(&mut tx, anna.id).await.unwrap(), Some(changed.clone()));
        assert!(store::renew_password_hash(&mut tx, anna.id, ("$a$b", "$c")).await.unwrap());
        assert!(store::enable(&mut tx, anna.id).await.unwrap());
        let renewed = Staff { disabled_at: None, password_hash: "$c".to_owned(), ..changed };
        assert_eq!(store::find(&mut tx, anna.id).await.unwrap(), Some(renewed));
        for nobody in [
            store::set_role(&mut tx, Uuid::from_u128(1), change).await,
            store::disable(&mut tx, Uuid::from_u128(1), now).await,
            store::set_password_hash(&mut tx, Uuid::from_u128(1), "$a", now).await,
        ] {
            assert!(!nobody.unwrap());
        }
    }

    async fn a_code_of_the_second_factor_is_good_once(t: TestApp) {
        let anna = somebody(&t, "anna@news.example");
        insert(&t, &anna).await.unwrap();
        assert!(!use_step(&t, anna.id, 5).await, "there is no second factor yet");
        enrol(&t, &anna).await;
        let id = anna.id;
        assert_eq!(at_once(&t, |t| async move { use_step(&t, id, 50).await }).await, 1);
        for (step, is_good) in [(49, false), (50, false), (51, true), (51, false), (52, true)] {
            assert_eq!(use_step(&t, id, step).await, is_good, "{step}");
        }
        let totp = find(&t, id).await.totp.unwrap();
        assert_eq!(totp.last_step, 52);
        let secret = TotpSecret::open(&t.state.config.master, id, &totp.sealed);
        assert!(secret.is_ok(), "sealed for this account");
        enrol(&t, &anna).await;
        assert_eq!(find(&t, id).await.totp.unwrap().last_step, 0, "a new secret begins anew");
    }

    async fn a_recovery_code_is_good_once_for_its_own_account(t: TestApp) {
        let (anna, ben) = (somebody(&t, "anna@news.example"), somebody(&t, "ben@news.example"));
        for staff in [&anna, &ben] {
            insert(&t, staff).await.unwrap();
        }
        let codes = enrol(&t, &anna).await.codes;
        let bens = enrol(&t, &ben).await.codes;
        assert_eq!(codes.len(), CODES);
        let (id, first) = (anna.id, codes[0].clone());
        let attempt = |t: TestApp| {
            let first = first.clone();
            async move { use_code(&t, id, &first).await }
        };
        assert_eq!(at_once(&t, attempt).await, 1);
        assert!(!use_code(&t, ben.id, &codes[1]).await, "Anna's code does not let Ben in");
        for code in &codes[1..9] {
            assert!(use_code(&t, id, code).await);
        }
        let new = enrol(&t, &anna).await.codes;
        assert!(!use_code(&t, id, &codes[9]).await, "replaced");
        assert!(use_code(&t, id, &new[0]).await);
        assert!(use_code(&t, ben.id, &bens[9]).await, "Ben's are left alone");
    }

    async fn a_row_that_cannot_be_is_an_error_with_its_address(t: TestApp) {
        let anna = somebody(&t, "anna@news.example");
        insert(&t, &anna).await.unwrap();
        for (sql, broken) in [
            ("UPDATE staff SET email = 'nobody' WHERE id = $1", "email"),
            ("UPDATE staff SET email = 'ben@news.example' WHERE id = $1", "email_key"),
        ] {
            let mut tx = write(&t).await;
            tx.query(sql).bind(anna.id).execute().await.unwrap();
            let found = store::find(&mut tx, anna.id).await;
            let Err(StoreError::Corrupt { table, column, id }) = found else {
                unreachable!("found {found:?}")
            };
            assert_eq!((table, column, id), ("staff", broken, anna.id.to_string()));
        }
        let mut tx = write(&t).await;
        let sql = "UPDATE staff SET role = 'root' WHERE id = $1";
        assert!(tx.query(sql).bind(anna.id).execute().await.is_err(), "the schema refuses it");
    }

    async fn a_sandbox_has_its_known_administrator_from_the_first_start_on(t: TestApp) {
        let known = async |t: &TestApp| {
            let mut tx = write(t).await;
            store::find_by_email_key(&mut tx, sandbox::STAFF_EMAIL).await.unwrap().unwrap()
        };
        let admin = known(&t).await;
        assert_eq!((admin.role, &admin.totp, admin.disabled_at), (Role::Admin, &None, None));
        let hasher = Hasher::start(t.state.config.passwords, Ids::system().unwrap()).unwrap();
        let attempt = Password::attempt(sandbox::STAFF_PASSWORD).unwrap();
        let mut turn = hasher.turn(TurnRequest::alone(LimitKey::staff_login(sandbox::STAFF_EMAIL))).await.unwrap();
        let verified = turn.verify(&attempt, Some(&admin.password_hash)).await.unwrap();
        assert_eq!(verified, Verified::Yes);

        let mut tx = write(&t).await;
        store::set_password_hash(&mut tx, admin.id, HASH, t.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        let later = t.another_process().await;
        assert_eq!(known(&later).await.id, admin.id);
        assert_eq!(known(&later).await.password_hash, HASH, "what was changed stays changed");
    }
}
