//! Counts the statements that one piece of work sends, so that a test can hold work to the same
//! number whatever it is about: otherwise the time it takes tells.

use std::cell::Cell;

tokio::task_local! {
    static SENT: Cell<u64>;
}

/// Runs `work`, and counts the statements that it sends itself: not those of tasks that it starts.
/// Beginning and ending a transaction count as well.
pub async fn counted<T>(work: impl Future<Output = T>) -> (T, u64) {
    let counted = async {
        let done = work.await;
        (done, SENT.get().get())
    };
    SENT.scope(Cell::new(0), counted).await
}

/// Counts one statement of work that is [`counted`].
pub(super) fn note() {
    let _ = SENT.try_with(|sent| sent.set(sent.get() + 1));
}
