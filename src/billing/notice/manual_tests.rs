//! `docs/notices.md` shows every duty as it is, and no other.

use std::collections::BTreeSet;

use super::duty::Duties;

const MANUAL: &str = include_str!("../../../docs/notices.md");

fn rows(duties: &Duties) -> BTreeSet<String> {
    let at_once = duties
        .at_once
        .iter()
        .map(|duty| format!("| {} | {} | {} |", duty.kind, duty.places.label(), duty.source));
    let ahead = duties.ahead.iter().map(|duty| {
        let interval = duty.interval.map(|interval| format!("paid each {}", interval.as_str()));
        let trial = duty.trial_days_min.map(|days| format!("trials of {days} days or more"));
        let only: Vec<String> = interval.into_iter().chain(trial).collect();
        let only = if only.is_empty() { "all".to_owned() } else { only.join(", ") };
        let (from, to) = (duty.from_days, duty.to_days);
        let (kind, places, source) = (duty.kind, duty.places.label(), &duty.source);
        format!("| {kind} | {places} | {only} | {from} to {to} | {source} |")
    });
    let withdrawals = duties.withdrawals.iter().map(|right| {
        let (places, after) = (right.places.label(), right.after.as_str());
        format!("| {places} | {after} | {} | {} |", right.days, right.source)
    });
    at_once.chain(ahead).chain(withdrawals).collect()
}

#[test]
fn the_manual_shows_every_duty_and_no_other() {
    let is_heading = |line: &&str| {
        ["| ---", "| Letter |", "| Notice |", "| Where |"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let shown: BTreeSet<String> = MANUAL
        .lines()
        .filter(|line| line.starts_with('|') && !is_heading(line))
        .map(str::to_owned)
        .collect();
    assert_eq!(shown, rows(&Duties::shipped().unwrap()));
}
