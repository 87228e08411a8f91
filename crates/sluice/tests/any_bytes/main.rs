//! Bytes from outside, whatever they are, do no harm: what must hold of them holds of seeds and of changed seeds.
//!
//! What must hold, and the seeds, belong to the fuzzer (`make fuzz`), which looks for longer and by what the code does
//! with the bytes. The same changes are tried each time.

mod changes;
#[expect(unreachable_pub, reason = "the fuzzer has these files as a library")]
#[path = "../../../../fuzz/src/lib.rs"]
mod properties;
mod seeds;

use std::collections::BTreeSet;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// For each target. About half a second each without optimisation.
const CASES: u32 = 1500;

fn property(target: &str) -> properties::Hold {
    let found = properties::ALL.into_iter().find(|(name, _)| *name == target);
    found.expect("every target has a property").1
}

#[test]
fn every_target_has_seeds_and_a_program_and_holds_of_its_seeds() {
    for (target, hold) in properties::ALL {
        for seed in seeds::of(target) {
            hold(&seed);
        }
        assert!(seeds::fuzz().join("fuzz_targets").join(target).with_extension("rs").is_file(), "{target}");
    }
    let folders = std::fs::read_dir(seeds::fuzz().join("corpus-seeds")).expect("there are seeds");
    let folders: BTreeSet<String> =
        folders.map(|entry| entry.expect("it is read").file_name().to_string_lossy().into_owned()).collect();
    let targets: BTreeSet<String> = properties::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(folders, targets);
}

/// So that a test for each target can run beside the others.
fn holds_of_changed_seeds(target: &str) {
    let (hold, seeds) = (property(target), seeds::of(target));
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let held = runner.run(&changes::of(seeds), |bytes| {
        hold(&bytes);
        Ok(())
    });
    if let Err(why) = held {
        panic!("{target}: {why}");
    }
}

macro_rules! for_each_target {
    ($($target:ident)*) => {
        mod changed {
            $(#[test]
            fn $target() {
                super::holds_of_changed_seeds(stringify!($target));
            })*
        }

        #[test]
        fn every_target_is_tried_with_changed_seeds() {
            assert_eq!([$(stringify!($target)),*], properties::ALL.map(|(name, _)| name));
        }
    };
}

for_each_target! {
    alerts announced conditions documents events hook_answers measured otlp_json otlp_protobuf prometheus_answers requests tokens
}
