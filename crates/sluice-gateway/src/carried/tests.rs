//! Which headers are believed, and what is passed on.

use super::*;

const KEY: PreviewKey = PreviewKey::new([7; 32]);
const LATER: Timestamp = Timestamp::from_millis(1_000_000);
const NOW: Timestamp = Timestamp::from_millis(999_999);

fn carried(release: &str, is_candidate: bool) -> Carried {
    Carried { release: release.parse().unwrap(), is_candidate }
}

fn token(release: &str, is_candidate: bool) -> String {
    KEY.sign_carried(&carried(release, is_candidate), LATER)
}

fn headers(lines: &[&str]) -> HeaderMap {
    lines.iter().map(|line| (RELEASE, line.parse().unwrap())).collect()
}

fn passed_on(lines: &[&str], own: Option<(&str, bool)>) -> Option<String> {
    let headers = headers(lines);
    let carrying = Carrying::of(&headers, &KEY, || NOW);
    let own =
        own.map(|(release, is_candidate)| (release.parse::<Name>().unwrap(), token(release, is_candidate)));
    let value = carrying.pass_on(own.as_ref().map(|(release, token)| (release, token.clone())));
    value.map(|value| value.to_str().unwrap().to_owned())
}

#[test]
fn a_choice_counts_until_it_expires_and_under_its_own_key() {
    for is_candidate in [true, false] {
        let token = token("spring.2", is_candidate);
        assert_eq!(KEY.verify_carried(&token, NOW), Some(carried("spring.2", is_candidate)));
        assert_eq!(KEY.verify_carried(&token, LATER), None);
        assert_eq!(PreviewKey::new([8; 32]).verify_carried(&token, NOW), None);
    }
}

#[test]
fn every_changed_character_is_noticed() {
    for is_candidate in [true, false] {
        let token = token("spring", is_candidate);
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(KEY.verify_carried(&changed, NOW), None, "{changed} was taken");
        }
        for cut in 0..token.len() {
            assert_eq!(KEY.verify_carried(&token[..cut], NOW), None);
        }
        assert_eq!(KEY.verify_carried(&format!("{token}~"), NOW), None);
    }
    let swapped = token("spring", false).replace("stable", "candidate");
    assert_eq!(KEY.verify_carried(&swapped, NOW), None);
}

#[test]
fn the_signature_of_a_preview_carries_nothing() {
    // A service and a version whose names make the parts of the two alike.
    let service = sluice_core::ServiceKey {
        environment: "spring".parse().unwrap(),
        name: "candidate".parse().unwrap(),
    };
    let preview = KEY.sign(&service, &"candidate".parse().unwrap(), LATER);
    let signature = preview.rsplit('~').next().unwrap();
    let forged = format!("spring~candidate~{}~{signature}", LATER.as_millis());
    assert_eq!(KEY.verify_carried(&forged, NOW), None);
}

#[test]
fn what_is_valid_is_passed_on_as_it_came_and_the_rest_is_dropped() {
    let (a, b) = (token("a", true), token("b", false));
    let expired = KEY.sign_carried(&carried("c", true), NOW);
    let forged = PreviewKey::new([8; 32]).sign_carried(&carried("d", true), LATER);
    assert_eq!(
        passed_on(&[&format!("{a},nonsense,{expired}"), &format!(" , {forged},{b}")], None),
        Some(format!("{a}, {b}"))
    );
    assert_eq!(passed_on(&[&expired, &forged, "", "~~~"], None), None);
    assert_eq!(passed_on(&[], None), None);
}

#[test]
fn the_own_decision_comes_first_and_takes_the_place_of_an_earlier_one() {
    let (a, b) = (token("a", true), token("b", false));
    let line = format!("{b},{a}");
    assert_eq!(passed_on(&[&line], Some(("a", false))), Some(format!("{}, {b}", token("a", false))));
    assert_eq!(passed_on(&[], Some(("a", true))), Some(a));
}

#[test]
fn of_two_choices_under_one_release_the_first_counts() {
    let (yes, no) = (token("a", true), token("a", false));
    let headers = headers(&[&yes, &no]);
    let carrying = Carrying::of(&headers, &KEY, || NOW);
    assert_eq!(carrying.under(&"a".parse().unwrap()), Some(&carried("a", true)));
    assert_eq!(passed_on(&[&yes, &no], None), Some(yes));
}

#[test]
fn a_header_holds_eight_choices_and_four_kibibytes_at_the_most() {
    let many: Vec<String> = (0..12).map(|number| token(&format!("r{number}"), true)).collect();
    let line = many.join(",");
    assert_eq!(passed_on(&[&line], None), Some(many[..8].join(", ")));
    // The ninth still counts for its own release, and the own decision is never the one that is left out.
    let all = headers(&[&line]);
    assert!(Carrying::of(&all, &KEY, || NOW).under(&"r11".parse().unwrap()).is_some());
    let own = passed_on(&[&line], Some(("own", false))).unwrap();
    assert_eq!(own, format!("{}, {}", token("own", false), many[..7].join(", ")));

    let valid = token("a", true);
    let room = CARRIED_BYTES_MAX - valid.len() - 1;
    assert_eq!(passed_on(&[&format!("{valid},{}", "x".repeat(room))], None), Some(valid.clone()));
    assert_eq!(passed_on(&[&format!("{valid},{}", "x".repeat(room + 1))], None), None);
    // Spread over lines, too.
    assert_eq!(passed_on(&[&valid, &"x".repeat(room + 2)], None), None);
    let longest = token(&"a".repeat(63), true);
    assert!(CARRIED_MAX * (longest.len() + 2) <= CARRIED_BYTES_MAX, "{}", longest.len());
}
