//! A few incidents of the suite, released once; `make bench-incidents` plays all of them many times.

use sluice_sim::incident::{Incident, Thresholds, Way, release, suite};

fn incident(name: &str) -> Incident {
    suite().into_iter().find(|incident| incident.name == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn the_suite_has_thirty_incidents_and_no_name_twice() {
    let mut names: Vec<&str> = suite().iter().map(|incident| incident.name).collect();
    assert!(names.len() >= 30, "{}", names.len());
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    assert_eq!(names.len(), before);
}

#[test]
fn the_canary_takes_a_broken_version_back_sooner_and_hurts_fewer_than_thresholds_do() {
    let broken = incident("all requests fail");
    let ours = release(&broken, 200.0, Way::Canary, 1);
    assert!(ours.is_back && ours.harmed < 100, "{ours:?}");
    for thresholds in [Thresholds::EveryMinute, Thresholds::EveryFiveMinutes] {
        let theirs = release(&broken, 200.0, Way::Fixed(thresholds), 1);
        assert!(theirs.is_back && theirs.harmed > 10 * ours.harmed, "{theirs:?}");
        assert!(theirs.return_took > ours.return_took, "{theirs:?}");
    }
}

#[test]
fn a_good_version_reaches_everyone_and_a_service_with_its_own_failures_breaks_a_threshold() {
    let nothing = incident("nothing, 0.1 % fail");
    for way in Way::ALL {
        let ending = release(&nothing, 20.0, way, 2);
        assert!(!ending.is_back && !ending.is_paused && ending.harmed == 0, "{way:?}: {ending:?}");
    }
    let failing = incident("nothing, 5 % fail");
    assert!(release(&failing, 20.0, Way::Fixed(Thresholds::EveryMinute), 1).is_back);
}
