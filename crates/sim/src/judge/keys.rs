//! One key, one effect, for ever: every answered wish happened once, every refused one left nothing.

use std::collections::BTreeMap;

use domain::key::ScopedKey;

use super::Case;
use crate::history::{End, Wish};
use crate::marks::Mark;

pub(super) fn judge(case: &mut Case<'_>) {
    let mut keys = BTreeMap::<&ScopedKey, Vec<&Wish>>::new();
    for wish in &case.history.wishes {
        if let Some(key) = &wish.key {
            keys.entry(key).or_default().push(wish);
        } else {
            judge_without_key(case, wish);
        }
    }
    for (key, wishes) in &keys {
        judge_key(case, key, wishes);
        mark_key(case, key, wishes);
    }
    let known = case.memory.keys.keys().filter(|key| keys.contains_key(key)).count();
    let all = case.memory.keys.len();
    case.must(known == all, || format!("{} keys are kept that nobody used", all - known));
}

fn judge_without_key(case: &mut Case<'_>, wish: &Wish) {
    let replays = wish.tries.iter().any(|one| matches!(one.end, End::Done { is_replay: true, .. }));
    case.must(!replays, || format!("{} has no key, but was answered as a replay: {wish:?}", wish.tag));
}

fn judge_key(case: &mut Case<'_>, key: &ScopedKey, wishes: &[&Wish]) {
    let name = key.as_caller_wrote();
    let done: Vec<(&Wish, &str, bool, i64)> = wishes
        .iter()
        .flat_map(|wish| wish.tries.iter().map(move |one| (*wish, one)))
        .filter_map(|(wish, one)| match &one.end {
            End::Done { identity, is_replay, version } => Some((wish, identity.as_str(), *is_replay, *version)),
            End::Open | End::Refused(_) | End::Nothing | End::Unsure { .. } => None,
        })
        .collect();
    let row = case.memory.keys.get(key);
    let is_unsure = wishes.iter().any(|wish| wish.is_unsure());
    let Some(&(winner, identity, ..)) = done.first() else {
        // After the last word nobody is unsure but of what never had an answer.
        case.must(row.is_none() || is_unsure, || format!("key {name} was only refused, but is kept: {row:?}"));
        return;
    };
    let one_effect = done.iter().all(|(wish, other, ..)| wish.body == winner.body && *other == identity);
    case.must(one_effect, || format!("key {name} did two things: {done:?}"));
    let fresh = done.iter().filter(|(_, _, is_replay, _)| !is_replay).count();
    case.must(fresh <= 1, || format!("key {name} was answered as new {fresh} times: {wishes:?}"));
    case.must(fresh == 1 || is_unsure, || format!("key {name} was answered as a replay of nothing: {wishes:?}"));
    let first = done.iter().find(|(_, _, is_replay, _)| !is_replay).map_or(0, |(.., version)| *version);
    let older = done.iter().find(|(.., version)| *version < first);
    case.must(older.is_none(), || format!("key {name} was answered with what was before it was carried out: {older:?}"));
    let mut print = [0; 32];
    print[..8].copy_from_slice(&winner.body.to_le_bytes());
    let kept = row.is_some_and(|row| *row.answer == *identity && row.fingerprint.0 == print);
    case.must(kept, || format!("key {name} was answered with {identity}, but is kept as {row:?}"));
    let reused = |wish: &&&Wish| wish.tries.iter().any(|one| one.end == End::Refused("IDEMPOTENCY_KEY_REUSED"));
    let wronged = wishes.iter().filter(reused).find(|wish| wish.body == winner.body);
    case.must(wronged.is_none(), || format!("key {name} was called reused by the one it belongs to: {wronged:?}"));
}

fn mark_key(case: &Case<'_>, key: &ScopedKey, wishes: &[&Wish]) {
    let tries: Vec<_> = wishes.iter().flat_map(|wish| &wish.tries).collect();
    let done = tries.iter().filter(|one| matches!(one.end, End::Done { .. })).count();
    if done > 1 && case.history.key_loads.get(key) == Some(&1) {
        case.world.mark(Mark::ReplayInOneBatch);
    }
    let crashed = tries.iter().position(|one| one.end == End::Unsure { crashed: true });
    let replayed = tries.iter().rposition(|one| matches!(one.end, End::Done { is_replay: true, .. }));
    if crashed.zip(replayed).is_some_and(|(crashed, replayed)| crashed < replayed) {
        case.world.mark(Mark::ReplayAcrossCrash);
    }
    let at_once = |pair: &[&&crate::history::Try]| pair[0].instance != pair[1].instance && pair[1].began < pair[0].ended;
    if tries.iter().collect::<Vec<_>>().windows(2).any(at_once) {
        case.world.mark(Mark::TwoInstances);
    }
}
