//! Explanations beside decisions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::condition::Condition;
use crate::document::service::{HealthSpec, Reveal, TimeoutSpec};
use crate::routing::ShareRule;

/// A request with a plan and a user.
struct Visit {
    plan: &'static str,
    user: Option<String>,
}

impl Request for Visit {
    fn method(&self) -> &str {
        "GET"
    }
    fn host(&self) -> &str {
        "shop.example.com"
    }
    fn path(&self) -> &str {
        "/checkout/1"
    }
    fn header(&self, name: &str) -> Option<&str> {
        match name {
            "x-plan" => Some(self.plan),
            "x-user-id" => self.user.as_deref(),
            _ => None,
        }
    }
    fn cookie(&self, _: &str) -> Option<&str> {
        None
    }
    fn query(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

fn segment(name: &str) -> SegmentRule {
    let condition = Condition::for_visitors(&format!("visitor.plan == '{name}'")).unwrap();
    SegmentRule { segment: name.parse().unwrap(), condition }
}

fn service(exclude: &[&str], include: &[(Option<&str>, f64)]) -> ServiceRouting {
    let version = |name: &str| (name.parse().unwrap(), vec!["http://127.0.0.1:1".parse().unwrap()]);
    let share = |(of, percent): &(Option<&str>, f64)| ShareRule {
        segment: of.map(segment),
        weight: Weight::from_percent(*percent).unwrap(),
    };
    ServiceRouting {
        key: ServiceKey { environment: "production".parse().unwrap(), name: "checkout".parse().unwrap() },
        routes: vec![route("shop.example.com", "/checkout")],
        unit: UnitSource::default_order(),
        visitor: BTreeMap::from([("plan".to_owned(), AttributeSource::Header("x-plan".to_owned()))]),
        health: HealthSpec::default(),
        timeouts: TimeoutSpec::default(),
        balance: Default::default(),
        limits: None,
        outliers: None,
        endpoint_tls: None,
        count: Vec::new(),
        reveal: Reveal::Preview,
        versions: [version("2.0.3"), version("2.1.0")].into_iter().collect(),
        stable: "2.0.3".parse().unwrap(),
        split: Some(Split {
            release: "checkout-2.1.0-1".parse().unwrap(),
            is_shared: true,
            candidate: "2.1.0".parse().unwrap(),
            salt: "salt".to_owned(),
            exclude: exclude.iter().map(|name| segment(name)).collect(),
            include: include.iter().map(share).collect(),
            shadow: None,
        }),
    }
}

fn route(host: &str, path: &str) -> RouteSpec {
    RouteSpec::at(host.parse().unwrap(), path.parse().unwrap())
}

const NOTHING: Verified<'_> = Verified { preview: None, carried: None };

fn explain(service: &ServiceRouting, visit: &Visit, verified: Verified<'_>, ready: u32) -> Explanation {
    let found = FoundRoute::new(&service.routes[0], &service.key);
    Explanation::of(7, found, service, visit, verified, |_| (ready, 2))
}

fn visit(plan: &'static str, user: &str) -> Visit {
    Visit { plan, user: Some(user.to_owned()) }
}

#[test]
fn an_explanation_reads_from_the_answer_to_what_it_came_from() {
    let service = service(&["vip"], &[(Some("staff"), 100.0), (None, 30.0)]);
    let told = |visit: &Visit, ready| explain(&service, visit, NOTHING, ready).to_string();
    expect_test::expect![[r#"
        GET shop.example.com/checkout/1 gets version 2.0.3 of production/checkout: no rule of the release takes the visitor in.

        route     shop.example.com/checkout of checkout in production
        unit      7, from header `x-user-id`
        visitor   plan = free, from header `x-plan`
        release   checkout-2.1.0-1 from 2.0.3 to 2.1.0
        bucket    86615 of 100000
        rules     1. keep out segment vip (visitor.plan == 'vip'): they are not in it
                  2. take in segment staff (visitor.plan == 'staff'): they are not in it
                  3. take in 30% of everyone: not them, as 86615 is not below 30000
        version   2.0.3: no rule of the release takes the visitor in; 2 of 2 endpoints ready
        snapshot  generation 7
    "#]].assert_eq(&told(&visit("free", "7"), 2));
    expect_test::expect![[r#"
        GET shop.example.com/checkout/1 comes from a new visitor, for whom a lot is drawn: 30% of them get version 2.1.0 of production/checkout, the others 2.0.3.

        route     shop.example.com/checkout of checkout in production
        unit      none: the visitor is given a new one, in cookie `sluice_unit`
        visitor   plan = free, from header `x-plan`
        release   checkout-2.1.0-1 from 2.0.3 to 2.1.0
        rules     1. keep out segment vip (visitor.plan == 'vip'): they are not in it
                  2. take in segment staff (visitor.plan == 'staff'): they are not in it
                  3. take in 30% of everyone: by lot
        version   2.1.0 with a chance of 30%: the visitor is within the share of everyone; 1 of 2 endpoints ready
                  2.0.3 with a chance of 70%: no rule of the release takes the visitor in; 1 of 2 endpoints ready
        snapshot  generation 7
    "#]].assert_eq(&told(&Visit { plan: "free", user: None }, 1));
    expect_test::expect![[r#"
        GET shop.example.com/checkout/1 gets version 2.0.3 of production/checkout: the visitor is in segment vip, which is kept out. No endpoint of 2.0.3 is ready now, so the answer is 503 until one is.

        route     shop.example.com/checkout of checkout in production
        unit      7, from header `x-user-id`
        visitor   plan = vip, from header `x-plan`
        release   checkout-2.1.0-1 from 2.0.3 to 2.1.0
        bucket    86615 of 100000
        rules     1. keep out segment vip (visitor.plan == 'vip'): keeps them out
                  2. take in segment staff (visitor.plan == 'staff'): not asked
                  3. take in 30% of everyone: not asked
        version   2.0.3: the visitor is in segment vip, which is kept out; 0 of 2 endpoints ready
        snapshot  generation 7
    "#]].assert_eq(&told(&visit("vip", "7"), 0));
}

#[test]
fn what_decides_before_the_rules_leaves_them_unasked() {
    let service = service(&["vip"], &[(None, 30.0)]);
    let preview = "2.1.0".parse().unwrap();
    let carried = Carried { release: "checkout-2.1.0-1".parse().unwrap(), is_candidate: false };
    for (verified, why, version) in [
        (Verified { preview: Some(&preview), carried: None }, "preview", "2.1.0"),
        (Verified { preview: None, carried: Some(&carried) }, "not-chosen", "2.0.3"),
    ] {
        let told = explain(&service, &Visit { plan: "vip", user: None }, verified, 1);
        assert_eq!((told.outcomes[0].why.as_str(), told.outcomes[0].version.as_str()), (why, version));
        let rules = told.release.unwrap().rules;
        assert!(rules.iter().all(|rule| rule.result == RuleResult::NotAsked), "{rules:?}");
    }
}

#[test]
fn a_candidate_that_is_not_ready_is_given_to_nobody_by_lot_either() {
    let service = service(&[], &[(None, 30.0)]);
    let told = explain(&service, &Visit { plan: "free", user: None }, NOTHING, 0);
    let outcomes: Vec<_> =
        told.outcomes.iter().map(|o| (o.version.as_str(), o.percent, o.why.as_str())).collect();
    assert_eq!(outcomes, [("2.0.3", 100.0, "candidate-not-ready")]);
}

#[test]
fn the_nearest_routes_differ_least_by_host_and_then_by_path() {
    let key = ServiceKey { environment: "e".parse().unwrap(), name: "s".parse().unwrap() };
    let routes = [
        route("blog.example.com", "/"),
        route("shop.example.com", "/basket"),
        route("shop.example.com", "/checkout"),
        route("*.example.org", "/checkout"),
    ];
    let near = |host, path| -> Vec<String> {
        let found = nearest_routes(host, path, routes.iter().map(|route| (route, &key)));
        found.iter().map(|found| found.route.to_string()).collect()
    };
    assert_eq!(near("shop.example.com", "/chekout/1")[0], "shop.example.com/checkout");
    assert_eq!(near("shop.exmaple.com", "/basket")[0], "shop.example.com/basket");
    assert_eq!(near("a.example.org", "/")[0], "*.example.org/checkout");
}

proptest! {
    /// The rules, told one by one, come to what was decided; and a chance is what becomes of many new visitors.
    #[test]
    fn rules_and_decisions_agree(
        plan in prop::sample::select(vec!["a", "b", "c"]),
        user in prop::option::of("[a-z]{1,8}"),
        exclude in prop::collection::vec(prop::sample::select(vec!["a", "b"]), 0..3),
        include in prop::collection::vec(
            (prop::option::of(prop::sample::select(vec!["a", "b"])), prop::sample::select(vec![0.0, 20.0, 70.0, 100.0])),
            0..4,
        ),
        is_ready in any::<bool>(),
    ) {
        let service = service(&exclude, &include);
        let visit = Visit { plan, user };
        let told = explain(&service, &visit, NOTHING, u32::from(is_ready));
        let rules = told.release.unwrap().rules;
        let deciding = rules.iter().find(|rule| matches!(rule.result, RuleResult::KeepsOut | RuleResult::TakesIn));
        if let [only] = told.outcomes.as_slice() {
            let expected = match deciding {
                Some(rule) if rule.result == RuleResult::KeepsOut => "excluded",
                Some(_) if !is_ready => "candidate-not-ready",
                Some(TestedRule { segment: Some(_), .. }) => "segment",
                Some(_) => "share",
                None if rules.iter().any(|rule| rule.result == RuleResult::ByLot) => "candidate-not-ready",
                None => "not-chosen",
            };
            prop_assert_eq!(only.why.as_str(), expected);
        }
        if visit.user.is_none() {
            let units = (0..2_000).map(|number| format!("unit-{number}"));
            let choices = units.map(|unit| decide(&service, &visit, Some(&unit), None, None, |_| is_ready).version.clone());
            let met = choices.filter(|version| version.as_str() == "2.1.0").count() as f64 / 2_000.0;
            let candidate = told.outcomes.iter().find(|outcome| outcome.version.as_str() == "2.1.0");
            let chance = candidate.map_or(0.0, |outcome| outcome.percent / 100.0);
            // Five standard errors of 2 000 draws at one half.
            prop_assert!((met - chance).abs() < 0.056, "{} of them, not {}", met, chance);
        }
    }
}
