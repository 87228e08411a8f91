//! The bytes that the fuzzer begins with.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde_json::json;
use sluice_connect::{
    read_alert_call, read_hook_answer, read_otlp_json, read_otlp_protobuf, read_prometheus_answer,
};
use sluice_core::Timestamp;
use sluice_core::condition::Condition;
use sluice_core::document::{DocumentKey, Kind, parse_yaml};
use sluice_core::release::HookAnswer;
use sluice_core::routing::Carried;
use sluice_engine::port::store::chain::Link;
use sluice_engine::port::store::{EventRecord, NewEvent};
use sluice_gateway::{PreviewKey, read_announced, read_request};
use sluice_store::read_measured;

use super::properties::{self, measured, tokens};

pub(crate) fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// All of a target, in the order of their names.
pub(crate) fn of(target: &str) -> Vec<Vec<u8>> {
    let mut paths = paths_of(target);
    paths.sort();
    let seeds: Vec<_> = paths.iter().map(|path| fs::read(path).expect("a seed is read")).collect();
    assert!(!seeds.is_empty(), "{target} has no seeds");
    seeds
}

fn paths_of(target: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(fuzz().join("corpus-seeds").join(target));
    entries.expect("every target has a folder").map(|entry| entry.expect("it is read").path()).collect()
}

/// Whether it is taken for what the target reads, so that a property speaks of it.
fn is_taken(target: &str, seed: &[u8]) -> bool {
    let text = String::from_utf8_lossy(seed);
    let key = PreviewKey::new(tokens::SECRET);
    match target {
        "alerts" => read_alert_call(seed).is_some(),
        "announced" => matches!(read_announced(seed), Ok(Some(_))),
        "conditions" => Condition::for_visitors(&text).is_ok() || Condition::for_changes(&text).is_ok(),
        "documents" => parse_yaml(&text).is_ok(),
        "events" => serde_json::from_slice::<EventRecord>(seed).is_ok(),
        "hook_answers" => !matches!(read_hook_answer(seed), HookAnswer::Taken { .. }),
        "measured" => !read_measured(&measured::chunk(seed)).is_empty(),
        "otlp_json" => read_otlp_json(seed).is_some_and(|reading| reading.series > 0),
        "otlp_protobuf" => read_otlp_protobuf(seed).is_some_and(|reading| reading.series > 0),
        "prometheus_answers" => read_prometheus_answer(seed) > 0,
        "requests" => read_request(seed, NonZeroUsize::MAX).is_some(),
        "tokens" => {
            key.verify(&text, &tokens::service(), tokens::NOW).is_ok()
                || key.verify_carried(&text, tokens::NOW).is_some()
        }
        unknown => panic!("nobody says what {unknown} takes"),
    }
}

#[test]
fn two_seeds_or_more_of_each_target_are_taken() {
    for (target, _) in properties::ALL {
        let seeds = of(target);
        let taken = seeds.iter().filter(|seed| is_taken(target, seed)).count();
        assert!(taken >= 2, "{target}: {taken} of {}", seeds.len());
    }
}

/// Compares a seed with what is written today, or writes it where that is asked for.
fn hold(path: &str, expected: &[u8]) {
    let path = fuzz().join("corpus-seeds").join(path);
    if std::env::var_os("SLUICE_UPDATE").is_some() {
        fs::write(&path, expected).expect("the seed is written");
    }
    let found = fs::read(&path).unwrap_or_default();
    assert!(found == expected, "{} is stale; write it anew with `make gen`", path.display());
}

#[test]
fn seeds_in_protobuf_are_those_in_json() {
    for path in paths_of("otlp_json") {
        let reading = read_otlp_json(&fs::read(&path).expect("a seed is read"));
        let name = path.file_stem().expect("it has a name").to_string_lossy();
        let protobuf = reading.unwrap_or_else(|| panic!("{name} is no request")).protobuf;
        hold(&format!("otlp_protobuf/{name}.bin"), &protobuf);
    }
}

#[test]
fn seeds_of_tokens_are_signed() {
    let key = PreviewKey::new(tokens::SECRET);
    let name = |text: &str| text.parse().expect("letters make a name");
    let (until, past) =
        (Timestamp::from_millis(1_900_000_000_000), Timestamp::from_millis(1_700_000_000_000));
    let version = "2.0.0".parse().expect("a version");
    let carried = Carried { release: name("shop-17"), is_candidate: true };
    hold("tokens/preview.txt", key.sign(&tokens::service(), &version, until).as_bytes());
    hold("tokens/expired.txt", key.sign(&tokens::service(), &version, past).as_bytes());
    hold("tokens/candidate.txt", key.sign_carried(&carried, until).as_bytes());
    hold(
        "tokens/stable.txt",
        key.sign_carried(&Carried { is_candidate: false, ..carried }, until).as_bytes(),
    );
}

#[test]
fn seeds_of_events_have_their_hashes() {
    let key = |kind: Kind, name: &str| DocumentKey {
        kind,
        environment: kind.has_environment().then(|| "production".parse().expect("letters make a name")),
        name: name.parse().expect("letters make a name"),
    };
    let applied = NewEvent {
        kind: "document.applied".to_owned(),
        subject: key(Kind::Policy, "careful"),
        actor: "é@example.com".to_owned(),
        text: "The policy \"careful\" was applied.\n".to_owned(),
        data: json!(null),
    };
    let step = NewEvent {
        kind: "release.step".to_owned(),
        subject: key(Kind::Release, "shop-17"),
        actor: "sluice".to_owned(),
        text: "5% get 2.0.0.".to_owned(),
        data: json!({ "step": 1, "share": 0.05, "b": [true, -17, 1e300, u64::MAX], "a": { "": null } }),
    };
    let first = Link::default().append(applied, Timestamp::from_millis(1_790_000_000_000));
    let second = Link::of(&first).append(step, Timestamp::from_millis(1_790_000_000_123));
    for (name, record) in [("applied", first), ("step", second)] {
        hold(&format!("events/{name}.json"), &serde_json::to_vec(&record).expect("events are JSON"));
    }
}
