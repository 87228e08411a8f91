//! Calendars that do not open, and gates that expire before they do.

use expect_test::{Expect, expect};

use crate::{SHOP, found_among};

fn check(spec: &str, environment: &str, expected: Expect) {
    let around = format!(
        "{SHOP}---\nkind: Environment\nmetadata: {{ name: production }}\nspec:\n  policies: [ {{ use: p }} ]\n  roles: {{ ops: [ anna, ben ] }}\n{environment}"
    );
    expected.assert_eq(&found_among(spec, &around, None));
}

const PLAIN: &str = "
  steps:
    - { name: few, audience: [ { percent: 5 } ], hold: { time: 1h } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 1h } }
  checks: [ { metric: http.errors, max: 5% } ]";

#[test]
fn a_window_that_never_opens_within_freezes_is_an_error() {
    check(
        PLAIN,
        "
  windows: [ Sun 02:15-02:45 Europe/Amsterdam ]
  freezes: [ { from: 2026-11-01, to: 2028-12-31, reason: the long one } ]",
        expect![[r#"
            error: no release can ever begin in production: a freeze lasts until Mon 1 Jan 2029, 00:00 UTC (the long one)
              look at the `windows` and `freezes` of the Environment [never-opens]"#]],
    );
}

#[test]
fn a_window_that_opens_in_weeks_only_is_told() {
    check(
        PLAIN,
        "
  windows: [ Mon-Fri 09:00-16:30 Europe/Amsterdam ]
  freezes: [ { from: 2026-11-20, to: 2027-01-02, zone: Europe/Amsterdam, reason: holidays } ]",
        expect![
            "warning: no release can begin in production before 2027-01-04T08:00:00.000Z: a freeze lasts until Sun 3 Jan 2027, 00:00 Europe/Amsterdam (holidays) [opens-late]"
        ],
    );
    check(
        PLAIN,
        "
  freezes: [ { from: 2026-11-20, to: 2026-11-30 } ]",
        expect![[""]],
    );
}

#[test]
fn an_environment_that_does_not_use_the_policy_does_not_matter() {
    let around = format!(
        "{SHOP}---\nkind: Environment\nmetadata: {{ name: staging }}\nspec: {{ freezes: [ {{ from: 2026-11-01, to: 2028-12-31 }} ] }}\n"
    );
    expect![[""]].assert_eq(&found_among(PLAIN, &around, None));
}

#[test]
fn a_gate_that_expires_over_the_weekend_is_told() {
    let asked = |approval: &str| {
        format!(
            "
  steps:
    - {{ name: few, audience: [ {{ percent: 5 }} ], hold: {{ time: 1h }} }}
    - {{ name: ask, {approval} }}
    - {{ name: all, audience: [ {{ percent: 100 }} ], hold: {{ time: 1h }} }}
  checks: [ {{ metric: http.errors, max: 5% }} ]"
        )
    };
    let windows = "
  windows: [ Mon-Fri 09:00-16:30 Europe/Amsterdam ]";
    check(
        &asked("approval: { roles: [ ops ], expires: 24h }"),
        windows,
        expect![[r#"
        warning: spec.steps[1].approval.expires: it expires after 1d, and the windows of production are closed for up to 2d16h30m
          make `expires` longer than 2d16h30m [expires-while-closed]"#]],
    );
    check(&asked("approval: { roles: [ ops ], expires: 72h }"), windows, expect![[""]]);
    check(&asked("approval: { roles: [ ops ], expires: 24h }"), "", expect![[""]]);
    check(
        &asked("waitFor: { service: payments, version: 1.4.0 }"),
        windows,
        expect![[r#"
        warning: spec.steps[1].waitFor.expires: it expires after 1d, and the windows of production are closed for up to 2d16h30m
          make `expires` longer than 2d16h30m [expires-while-closed]"#]],
    );
}
