//! Several services as one release.

use expect_test::expect;

use super::script;

const WATCHED: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 5s } }
  - { name: half, audience: [ { percent: 50 } ], hold: { time: 5s } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
onInconclusive: { wait: 30s, then: pause }
keepPrevious: 1m";

#[test]
fn services_go_up_in_order_and_are_judged_together() {
    expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0, with payments from 1.3.0 to 1.4.0 under policy careful (ci)
        t+1s      Progressing  started: payments 1.4.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  started: checkout 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: payments 5 % of everyone, checkout nobody
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing    -> traffic 2: payments 5 % of everyone, checkout 5 % of everyone
        t+1s      Progressing  traffic: 5 % of everyone meet payments 1.4.0 and checkout 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
        t+6s      Progressing  step: Step small is done after 5s and 25 requests: its check passes
        t+6s      Progressing  step: Step half (2 of 2): 50 % of everyone
        t+6s      Progressing    -> traffic 3: payments 50 % of everyone, checkout 5 % of everyone
        t+6s      Progressing    = Step half: traffic is being set so that 50 % of everyone meet 2.1.0
        t+6s      Progressing    -> traffic 4: payments 50 % of everyone, checkout 50 % of everyone
        t+6s      Progressing  traffic: 50 % of everyone meet payments 1.4.0 and checkout 2.1.0 now
        t+6s      Progressing    = Step half: 50 % of everyone, 5s to go
          | http.errors at most 5 % over 1m
          |   Pass: http.errors is 0 % for the candidate (30 requests), within the limit of 5 %
          | http.errors at most 5 % over 1m
          |   Pass: http.errors is 0 % for the candidate (30 requests), within the limit of 5 %
        t+11s     Promoting    step: Step half is done after 5s and 25 requests: its check passes
        t+11s     Promoting    step: The last step is over: everyone gets 2.1.0
        t+11s     Promoting      -> traffic 5: payments everyone, checkout 50 % of everyone
        t+11s     Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
        t+11s     Promoting      -> traffic 6: payments everyone, checkout everyone
        t+11s     Succeeded    traffic: Everyone meets payments 1.4.0 and checkout 2.1.0 now
        t+11s     Succeeded    ended: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:01 UTC
        t+11s     Succeeded      -> payments 1.4.0 is live
        t+11s     Succeeded      -> checkout 2.1.0 is live
        t+11s     Succeeded      = Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:01 UTC
        t+1m11s   Succeeded    released: 2.0.3 is no longer kept
        t+1m11s   Succeeded      -> start the next
        t+1m11s   Succeeded      = Everyone has 2.1.0
    "#]].assert_eq(&script::trace_in_company(
        WATCHED,
        "ready; 1s; 6s candidate 5/0 payments 5/0; checks; 7s candidate 5/0 payments 5/0; 61s",
    ));
}

#[test]
fn each_waits_for_the_one_before() {
    expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0, with payments from 1.3.0 to 1.4.0 under policy careful (ci)
        t+1s      Progressing  started: payments 1.4.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  started: checkout 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: payments 5 % of everyone, checkout nobody
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+2s      Progressing    -> traffic 2: payments 5 % of everyone, checkout 5 % of everyone
        t+3s      Progressing  traffic: 5 % of everyone meet payments 1.4.0 and checkout 2.1.0 now
        t+3s      Progressing    = Step small: 5 % of everyone, 5s to go
          | phase: Progressing small, attempt 1: Step small: 5 % of everyone, 4s to go
          | steps: small Current 1s/0, half Ahead 0s/0
          | split: 5 % of everyone wanted, 5 % of everyone in force
          | exposed: 0 requests, 0 failed
          | verbs: promote, pause, abort, rollback
    "#]].assert_eq(&script::trace_in_company(
        WATCHED,
        "slow traffic; ready; 1s; 1s; in force; 1s; in force; 1s; show",
    ));
}

#[test]
fn they_come_down_in_reverse_from_where_each_is() {
    expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0, with payments from 1.3.0 to 1.4.0 under policy careful (ci)
        t+1s      Progressing  started: payments 1.4.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  started: checkout 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: payments 5 % of everyone, checkout nobody
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing    -> traffic 2: payments 5 % of everyone, checkout 5 % of everyone
        t+1s      Progressing  traffic: 5 % of everyone meet payments 1.4.0 and checkout 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
        t+6s      Progressing  step: Step small is done after 5s and 25 requests: its check passes
        t+6s      Progressing  step: Step half (2 of 2): 50 % of everyone
        t+6s      Progressing    -> traffic 3: payments 50 % of everyone, checkout 5 % of everyone
        t+6s      Progressing    = Step half: traffic is being set so that 50 % of everyone meet 2.1.0
        t+7s      Progressing    -> traffic 4: payments 50 % of everyone, checkout 50 % of everyone
        t+8s      RollingBack  rolling-back: Everyone goes back to 2.0.3, because ada aborted it (ada)
        t+8s      RollingBack    -> traffic 5: payments 50 % of everyone, checkout nobody
        t+8s      RollingBack    = Everyone is being taken back to 2.0.3, because ada aborted it
        t+9s      RollingBack    -> traffic 6: payments nobody, checkout nobody
        t+10s     Aborted      traffic: Nobody meets payments 1.4.0 and checkout 2.1.0 any more
        t+10s     Aborted      ended: Everyone is back on 2.0.3
        t+10s     Aborted        -> checkout 2.0.3 is live
        t+10s     Aborted        -> payments 1.3.0 is live
        t+10s     Aborted        -> start the next
        t+10s     Aborted        = Everyone is back on 2.0.3, because ada aborted it
    "#]].assert_eq(&script::trace_in_company(WATCHED, "slow traffic; ready; 1s; in force; in force; 6s candidate 5/0 payments 5/0; in force; 1s; abort ada; 1s; in force; 1s; in force"));
}

#[test]
fn going_back_in_the_middle_of_going_up_takes_back_who_went_up() {
    expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0, with payments from 1.3.0 to 1.4.0 under policy careful (ci)
        t+1s      Progressing  started: payments 1.4.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  started: checkout 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: payments 5 % of everyone, checkout nobody
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing    -> traffic 2: payments 5 % of everyone, checkout 5 % of everyone
        t+1s      RollingBack  rolling-back: Everyone goes back to 2.0.3, because ada rolled it back (ada)
        t+1s      RollingBack    -> traffic 3: payments 5 % of everyone, checkout nobody
        t+1s      RollingBack    = Everyone is being taken back to 2.0.3, because ada rolled it back
        t+1s      RollingBack    -> traffic 4: payments nobody, checkout nobody
        t+1s      RolledBack   traffic: Nobody meets payments 1.4.0 and checkout 2.1.0 any more
        t+1s      RolledBack   ended: Everyone is back on 2.0.3
        t+1s      RolledBack     -> checkout 2.0.3 is live
        t+1s      RolledBack     -> payments 1.3.0 is live
        t+1s      RolledBack     -> start the next
        t+1s      RolledBack     = Everyone is back on 2.0.3, because ada rolled it back
    "#]].assert_eq(&script::trace_in_company(
        WATCHED,
        "slow traffic; ready; 1s; in force; rollback ada; in force; in force",
    ));
}

#[test]
fn trouble_of_a_companion_takes_all_back_and_says_whose_it_is() {
    expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0, with payments from 1.3.0 to 1.4.0 under policy careful (ci)
        t+1s      Progressing  started: payments 1.4.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  started: checkout 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: payments 5 % of everyone, checkout nobody
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing    -> traffic 2: payments 5 % of everyone, checkout 5 % of everyone
        t+1s      Progressing  traffic: 5 % of everyone meet payments 1.4.0 and checkout 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
        t+2s      RollingBack  verdict: A check failed: payments: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RollingBack  rolling-back: Everyone goes back to 2.0.3
        t+2s      RollingBack    -> traffic 3: payments 5 % of everyone, checkout nobody
        t+2s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: payments: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RollingBack    -> traffic 4: payments nobody, checkout nobody
        t+2s      RolledBack   traffic: Nobody meets payments 1.4.0 and checkout 2.1.0 any more
        t+2s      RolledBack   ended: Everyone is back on 2.0.3
        t+2s      RolledBack     -> checkout 2.0.3 is live
        t+2s      RolledBack     -> payments 1.3.0 is live
        t+2s      RolledBack     -> start the next
        t+2s      RolledBack     = Everyone is back on 2.0.3, because a check failed: payments: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
    "#]].assert_eq(&script::trace_in_company(WATCHED, "ready; 1s; 2s candidate 5/0 payments 5/5"));
}

#[test]
fn too_little_data_of_a_companion_is_waited_for() {
    expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0, with payments from 1.3.0 to 1.4.0 under policy careful (ci)
        t+1s      Progressing  started: payments 1.4.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  started: checkout 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: payments 5 % of everyone, checkout nobody
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing    -> traffic 2: payments 5 % of everyone, checkout 5 % of everyone
        t+1s      Progressing  traffic: 5 % of everyone meet payments 1.4.0 and checkout 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
        t+6s      Progressing    = Step small waits for data, for another 30s at most: payments: http.errors cannot be judged, because no request has reached the candidate
        t+16s     Progressing  waiting: Step small waits for data, for another 20s at most: payments: http.errors cannot be judged, because no request has reached the candidate
        t+36s     Paused       verdict: Too little was seen for 30s: payments: http.errors cannot be judged, because no request has reached the candidate
        t+36s     Paused       paused: Paused until somebody decides
        t+36s     Paused         = Too little was seen for 30s: payments: http.errors cannot be judged, because no request has reached the candidate
    "#]]
        .assert_eq(&script::trace_in_company(WATCHED, "ready; 1s; 7s candidate 5/0; 30s candidate 5/0"));
}

#[test]
fn all_have_to_be_ready_and_stay_so() {
    expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0, with payments from 1.3.0 to 1.4.0 under policy careful (ci)
        t+3s      Progressing  started: payments 1.4.0 is ready: 2 of 2 endpoints
        t+3s      Progressing  started: checkout 2.1.0 is ready: 2 of 2 endpoints
        t+3s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+3s      Progressing    -> traffic 1: payments 5 % of everyone, checkout nobody
        t+3s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+3s      Progressing    -> traffic 2: payments 5 % of everyone, checkout 5 % of everyone
        t+3s      Progressing  traffic: 5 % of everyone meet payments 1.4.0 and checkout 2.1.0 now
        t+3s      Progressing    = Step small: 5 % of everyone, 5s to go
        t+5s      Progressing    = payments 1.4.0 has no ready endpoint
        t+15s     RollingBack  verdict: payments 1.4.0 has had no ready endpoint for 10s
        t+15s     RollingBack  rolling-back: Everyone goes back to 2.0.3
        t+15s     RollingBack    -> traffic 3: payments 5 % of everyone, checkout nobody
        t+15s     RollingBack    = Everyone is being taken back to 2.0.3, because payments 1.4.0 has had no ready endpoint for 10s
        t+15s     RollingBack    -> traffic 4: payments nobody, checkout nobody
        t+15s     RolledBack   traffic: Nobody meets payments 1.4.0 and checkout 2.1.0 any more
        t+15s     RolledBack   ended: Everyone is back on 2.0.3
        t+15s     RolledBack     -> checkout 2.0.3 is live
        t+15s     RolledBack     -> payments 1.3.0 is live
        t+15s     RolledBack     -> start the next
        t+15s     RolledBack     = Everyone is back on 2.0.3, because payments 1.4.0 has had no ready endpoint for 10s
    "#]].assert_eq(&script::trace_in_company(WATCHED, "ready; companion 0/2; 2s; companion 2/2; 1s; 1s candidate 5/0 payments 5/0; companion 0/2; 12s candidate 5/0"));
}

#[test]
fn nobody_goes_back_to_a_companion_that_is_not_ready() {
    expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0, with payments from 1.3.0 to 1.4.0 under policy careful (ci)
        t+1s      Progressing  started: payments 1.4.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  started: checkout 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: payments 5 % of everyone, checkout nobody
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing    -> traffic 2: payments 5 % of everyone, checkout 5 % of everyone
        t+1s      Progressing  traffic: 5 % of everyone meet payments 1.4.0 and checkout 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
        t+2s      Progressing  waiting: 2.0.3 has no ready endpoint, and 2.1.0 has; the release waits until both have, unless somebody decides otherwise
        t+2s      Progressing    = 2.0.3 has no ready endpoint, and 2.1.0 has; the release waits until both have, unless somebody decides otherwise
        t+2s      RollingBack  rolling-back: Everyone goes back to 2.0.3, because ada rolled it back (ada)
        t+2s      RollingBack    -> traffic 3: payments 5 % of everyone, checkout nobody
        t+2s      RollingBack    = Everyone is being taken back to 2.0.3, because ada rolled it back
        t+3s      RollingBack  waiting: Nobody can go back to 1.3.0 yet, which has no ready endpoint
        t+3s      RollingBack    = Nobody can go back to 1.3.0 yet, which has no ready endpoint; they should, because ada rolled it back
        t+5s      RollingBack    -> traffic 4: payments nobody, checkout nobody
        t+5s      RollingBack    = Everyone is being taken back to 2.0.3, because ada rolled it back
        t+5s      RolledBack   traffic: Nobody meets payments 1.4.0 and checkout 2.1.0 any more
        t+5s      RolledBack   ended: Everyone is back on 2.0.3
        t+5s      RolledBack     -> checkout 2.0.3 is live
        t+5s      RolledBack     -> payments 1.3.0 is live
        t+5s      RolledBack     -> start the next
        t+5s      RolledBack     = Everyone is back on 2.0.3, because ada rolled it back
    "#]].assert_eq(&script::trace_in_company(
        WATCHED,
        "ready; 1s; companion stable 0/2; 1s; rollback ada; 2s; companion stable 2/2; 1s",
    ));
}

#[test]
fn a_companion_that_is_not_ready_holds_up_those_after_it() {
    expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0, with payments from 1.3.0 to 1.4.0 under policy careful (ci)
        t+1s      Progressing  started: payments 1.4.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  started: checkout 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: payments 5 % of everyone, checkout nobody
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+5s      Progressing    -> traffic 2: payments 5 % of everyone, checkout 5 % of everyone
        t+5s      Progressing  traffic: 5 % of everyone meet payments 1.4.0 and checkout 2.1.0 now
        t+5s      Progressing    = Step small: 5 % of everyone, 5s to go
    "#]].assert_eq(&script::trace_in_company(WATCHED, "slow traffic; ready; 1s; companion 0/2; 1s; in force; 2s; companion 2/2; 1s; in force; 1s"));
}

#[test]
fn a_retry_sets_out_from_what_is_live() {
    expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0, with payments from 1.3.0 to 1.4.0 under policy careful (ci)
        t+1s      Progressing  started: payments 1.4.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  started: checkout 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: payments 5 % of everyone, checkout nobody
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing    -> traffic 2: payments 5 % of everyone, checkout 5 % of everyone
        t+1s      Progressing  traffic: 5 % of everyone meet payments 1.4.0 and checkout 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
        t+1s      RollingBack  rolling-back: Everyone goes back to 2.0.3, because ada aborted it (ada)
        t+1s      RollingBack    -> traffic 3: payments 5 % of everyone, checkout nobody
        t+1s      RollingBack    = Everyone is being taken back to 2.0.3, because ada aborted it
        t+1s      RollingBack    -> traffic 4: payments nobody, checkout nobody
        t+1s      Aborted      traffic: Nobody meets payments 1.4.0 and checkout 2.1.0 any more
        t+1s      Aborted      ended: Everyone is back on 2.0.3
        t+1s      Aborted        -> checkout 2.0.3 is live
        t+1s      Aborted        -> payments 1.3.0 is live
        t+1s      Aborted        -> start the next
        t+1s      Aborted        = Everyone is back on 2.0.3, because ada aborted it
        t+1s      Pending      resumed: Started again (ada)
        t+1s      Pending        = Waits for one of the 2 endpoints of 2.1.0 to be ready, for another 10m
          | phase: Pending , attempt 2: Waits for one of the 2 endpoints of 2.1.0 to be ready, for another 10m
          | steps: small Ahead 0s/0, half Ahead 0s/0
          | split: nobody wanted, nobody in force
          | exposed: 0 requests, 0 failed
          | verbs: abort
    "#]]
        .assert_eq(&script::trace_in_company(WATCHED, "ready; 1s; abort ada; live 2.0.4; retry ada; show"));
}
