//! Shadows, watching only, and stable in trouble.

use expect_test::expect;

use super::check;

/// Copies first, then people.
const SHADOWED: &str = "
steps:
  - { name: copies, shadow: { percent: 10 }, hold: { time: 2s, requests: 10 } }
  - { name: all, audience: [ { percent: 100 } ], hold: { time: 2s } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
keepPrevious: 0s";

/// Nobody is steered.
const WATCHING: &str = "
steps:
  - { name: watch, watch: { time: 5s } }
checks: []
keepPrevious: 0s";

#[test]
fn copies_are_a_change_of_traffic_and_are_judged() {
    check(
        SHADOWED,
        "slow traffic; ready; 1s; 1s; in force; 3s; 3s candidate 5/0; in force; 3s candidate 5/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step copies (1 of 2): nobody, with 10 % of requests copied
            t+1s      Progressing    -> traffic 1: nobody, with 10 % of requests copied
            t+1s      Progressing    = Step copies: traffic is being set so that nobody meets 2.1.0, with 10 % of requests copied
            t+2s      Progressing  traffic: Nobody meets 2.1.0 now, with 10 % of requests copied
            t+2s      Progressing    = Step copies: nobody, with 10 % of requests copied, 2s and 10 requests to go
            t+4s      Progressing    = Step copies waits for data, for another 1h at most: no request has reached the candidate in this step, and it takes 10
            t+7s      Progressing  step: Step copies is done after 5s and 10 requests: its check passes
            t+7s      Progressing  step: Step all (2 of 2): everyone
            t+7s      Progressing    -> traffic 2: everyone
            t+7s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+8s      Progressing  traffic: Everyone meets 2.1.0 now
            t+8s      Progressing    = Step all: everyone, 2s to go
            t+10s     Succeeded    step: Step all is done after 2s and 10 requests: its check passes
            t+10s     Succeeded    ended: Everyone has 2.1.0
            t+10s     Succeeded      -> 2.1.0 is live
            t+10s     Succeeded      -> start the next
            t+10s     Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn copies_end_when_everyone_goes_back() {
    check(
        SHADOWED,
        "slow traffic; ready; 1s; in force; 3s candidate 5/5; 1s; in force",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step copies (1 of 2): nobody, with 10 % of requests copied
            t+1s      Progressing    -> traffic 1: nobody, with 10 % of requests copied
            t+1s      Progressing    = Step copies: traffic is being set so that nobody meets 2.1.0, with 10 % of requests copied
            t+1s      Progressing  traffic: Nobody meets 2.1.0 now, with 10 % of requests copied
            t+1s      Progressing    = Step copies: nobody, with 10 % of requests copied, 2s and 10 requests to go
            t+2s      RollingBack  verdict: A check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+2s      RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+2s      RollingBack    -> traffic 2: nobody
            t+2s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+5s      RolledBack   traffic: Nobody meets 2.1.0 any more
            t+5s      RolledBack   ended: Everyone is back on 2.0.3
            t+5s      RolledBack     -> 2.0.3 is live
            t+5s      RolledBack     -> start the next
            t+5s      RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        "#]],
    );
}

#[test]
fn copies_wait_for_the_calendar_too() {
    check(
        SHADOWED,
        "freeze 1h; ready; 2s; thaw; 1s; freeze 1h; 4s candidate 5/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Waiting      waiting: Step copies waits: a freeze lasts until Mon 23 Nov 2026, 10:00 UTC (holidays)
            t+1s      Waiting        = Step copies waits: a freeze lasts until Mon 23 Nov 2026, 10:00 UTC (holidays)
            t+3s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+3s      Progressing  step: Step copies (1 of 2): nobody, with 10 % of requests copied
            t+3s      Progressing    -> traffic 1: nobody, with 10 % of requests copied
            t+3s      Progressing    = Step copies: traffic is being set so that nobody meets 2.1.0, with 10 % of requests copied
            t+3s      Progressing  traffic: Nobody meets 2.1.0 now, with 10 % of requests copied
            t+3s      Progressing    = Step copies: nobody, with 10 % of requests copied, 2s and 10 requests to go
            t+5s      Waiting      step: Step copies is done after 2s and 10 requests: its check passes
            t+5s      Waiting      waiting: Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:03 UTC (holidays)
            t+5s      Waiting        = Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:03 UTC (holidays)
        "#]],
    );
}

#[test]
fn a_worker_without_endpoints_is_watched() {
    check(
        WATCHING,
        "stable 0/0; candidate 0/0; 1s; 6s",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 0 of 0 endpoints
        t+1s      Progressing  step: Step watch (1 of 1): everyone
        t+1s      Progressing    -> traffic 1: everyone
        t+1s      Progressing    = Step watch: traffic is being set so that everyone meets 2.1.0
        t+1s      Progressing  traffic: Everyone meets 2.1.0 now
        t+1s      Progressing    = Step watch: everyone, 5s to go
        t+6s      Succeeded    step: Step watch is done after 5s and 0 requests: nothing is checked
        t+6s      Succeeded    ended: Everyone has 2.1.0
        t+6s      Succeeded      -> 2.1.0 is live
        t+6s      Succeeded      -> start the next
        t+6s      Succeeded      = Everyone has 2.1.0
    "#]],
    );
}

#[test]
fn a_rolling_update_is_watched_while_stable_goes_away() {
    check(
        WATCHING,
        "ready; 1s; stable 0/2; 6s",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step watch (1 of 1): everyone
        t+1s      Progressing    -> traffic 1: everyone
        t+1s      Progressing    = Step watch: traffic is being set so that everyone meets 2.1.0
        t+1s      Progressing  traffic: Everyone meets 2.1.0 now
        t+1s      Progressing    = Step watch: everyone, 5s to go
        t+6s      Succeeded    step: Step watch is done after 5s and 0 requests: nothing is checked
        t+6s      Succeeded    ended: Everyone has 2.1.0
        t+6s      Succeeded      -> 2.1.0 is live
        t+6s      Succeeded      -> start the next
        t+6s      Succeeded      = Everyone has 2.1.0
    "#]],
    );
}

#[test]
fn while_stable_is_broken_a_release_waits() {
    check(
        super::WATCHED,
        "ready; 1s; 5s stable 95/0 candidate 5/0; stable 0/2; 5s candidate 100/20; show; stable 2/2; 1s; 2s stable 95/0 candidate 5/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
            t+7s      Progressing  waiting: 2.0.3 has no ready endpoint, and 2.1.0 has; the release waits until both have, unless somebody decides otherwise
            t+7s      Progressing    = 2.0.3 has no ready endpoint, and 2.1.0 has; the release waits until both have, unless somebody decides otherwise
              | phase: Progressing small, attempt 1: 2.0.3 has no ready endpoint, and 2.1.0 has; the release waits until both have, unless somebody decides otherwise
              | steps: small Current 5s/25, all Ahead 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 525 requests, 100 failed
              | verbs: promote, pause, abort, rollback
            t+12s     Progressing    = Step small: 5 % of everyone, 55s and 75 requests to go
        "#]],
    );
}

#[test]
fn while_stable_is_broken_people_can_be_sent_on() {
    check(
        super::PLAIN,
        "ready; 1s; stable 0/2; 2s; promote ada; 11s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+2s      Progressing  waiting: 2.0.3 has no ready endpoint, and 2.1.0 has; the release waits until both have, unless somebody decides otherwise
            t+2s      Progressing    = 2.0.3 has no ready endpoint, and 2.1.0 has; the release waits until both have, unless somebody decides otherwise
            t+3s      Progressing  resumed: Promoted (ada)
            t+3s      Progressing  step: Step all (2 of 2): everyone
            t+3s      Progressing    -> traffic 2: everyone
            t+3s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+3s      Progressing  traffic: Everyone meets 2.1.0 now
            t+3s      Progressing    = Step all: everyone, 10s to go
            t+13s     Succeeded    step: Step all is done after 10s and 0 requests: nothing is checked
            t+13s     Succeeded    ended: Everyone has 2.1.0
            t+13s     Succeeded      -> 2.1.0 is live
            t+13s     Succeeded      -> start the next
            t+13s     Succeeded      = Everyone has 2.1.0
        "#]],
    );
}
