//! With limit N, any number of requests at once pass exactly N, whoever answers them.

use futures_util::future::join_all;
use serde_json::Value;

use crate::app::TestApp;

const ROUNDS: usize = 50;

/// Reads each of `articles` as `visitor`, all at once, in turn through each of `processes`.
async fn all_at_once(processes: &[TestApp], articles: &[String], visitor: &Value) -> Vec<Value> {
    let reads = articles.iter().enumerate().map(|(i, article)| {
        let (t, article) = (processes[i % processes.len()].clone(), article.clone());
        let visitor = visitor.clone();
        tokio::spawn(async move { t.read(&article, &visitor).await })
    });
    join_all(reads).await.into_iter().map(Result::unwrap).collect()
}

/// Which of the articles were counted, by one race after another of a new visitor each.
async fn race(processes: &[TestApp], limit: usize, articles: usize, rounds: usize) {
    for round in 0..rounds {
        let visitor = processes[0].visitor().await;
        let articles: Vec<String> = (0..articles).map(|i| format!("{round}-{i}")).collect();
        let answers = all_at_once(processes, &articles, &visitor).await;
        let counted = |answer: &&Value| answer["reason"] == "metered";
        let denied = |answer: &&Value| answer["reason"] == "meter_exhausted";
        assert_eq!(answers.iter().filter(counted).count(), limit, "round {round}");
        assert_eq!(answers.iter().filter(denied).count(), articles.len() - limit);
        for process in processes {
            assert_eq!(process.used(&visitor).await, Some(u64::try_from(limit).unwrap()));
        }
        // What was counted then stays open, and nothing else does.
        let again = all_at_once(processes, &articles, &visitor).await;
        for (first, second) in answers.iter().zip(&again) {
            let was_counted = first["reason"] == "metered";
            let expected = if was_counted { "already_read" } else { "meter_exhausted" };
            assert_eq!(second["reason"], expected);
        }
    }
}

on_both_databases! {
    async fn forty_articles_at_once_with_limit_five_pass_exactly_five(t: TestApp) {
        let t = t.site_with_limit(5).await;
        race(&[t], 5, 40, ROUNDS).await;
    }

    async fn fifty_articles_at_once_with_limit_one_pass_exactly_one(t: TestApp) {
        race(&[t], 1, 50, ROUNDS).await;
    }

    async fn two_processes_on_one_database_pass_exactly_five_together(t: TestApp) {
        let t = t.site_with_limit(5).await;
        let another = t.another_process().await.with_key(t.key());
        race(&[t, another], 5, 40, ROUNDS).await;
    }

    async fn three_processes_do_not_lose_each_others_counts(t: TestApp) {
        let t = t.site_with_limit(9).await;
        let more = [t.another_process().await.with_key(t.key()),
                    t.another_process().await.with_key(t.key())];
        let processes = [&[t][..], &more].concat();
        race(&processes, 9, 9, 10).await;
        race(&processes, 9, 12, 10).await;
    }

    async fn forty_reads_of_one_article_at_once_count_one(t: TestApp) {
        let t = t.site_with_limit(5).await;
        let another = t.another_process().await.with_key(t.key());
        for processes in [&[t.clone()][..], &[t, another]] {
            for round in 0..10 {
                let visitor = processes[0].visitor().await;
                let articles = vec![format!("same-{round}"); 40];
                let answers = all_at_once(processes, &articles, &visitor).await;
                assert!(answers.iter().all(|answer| answer["decision"] == "allow"));
                assert!(answers.iter().all(|answer| answer["meter"]["used"] == 1));
                for process in processes {
                    assert_eq!(process.used(&visitor).await, Some(1));
                }
            }
        }
    }

    async fn many_visitors_at_once_do_not_touch_each_other(t: TestApp) {
        let t = t.site_with_limit(2).await;
        let visitors = join_all((0..50).map(|_| t.visitor())).await;
        let reads = visitors.iter().flat_map(|visitor| {
            (0..6).map(|i| {
                let (t, visitor) = (t.clone(), visitor.clone());
                tokio::spawn(async move { t.read(&format!("a{i}"), &visitor).await })
            })
        });
        let answers = join_all(reads).await;
        let counted = answers.iter().filter(|read| {
            read.as_ref().is_ok_and(|answer| answer["reason"] == "metered")
        });
        assert_eq!(counted.count(), 100);
        for visitor in &visitors {
            assert_eq!(t.used(visitor).await, Some(2));
        }
    }

    /// Wherever it goes away, the read was counted and is free to ask again, or was not counted.
    async fn a_client_that_goes_away_pays_at_most_once(t: TestApp) {
        let t = t.site_with_limit(100).await;
        let visitor = t.visitor().await;
        for i in 0..100_u32 {
            let article = format!("a{i}");
            let patience = std::time::Duration::from_micros(u64::from(i) * 20);
            let _ = tokio::time::timeout(patience, t.read(&article, &visitor)).await;
            let reason = t.outcome(&article, &visitor).await.0;
            assert!(["metered", "already_read"].contains(&reason.as_str()), "{reason}");
        }
        assert_eq!(t.used(&visitor).await, Some(100));
        assert_eq!(t.outcome("more", &visitor).await.0, "meter_exhausted");
    }
}
