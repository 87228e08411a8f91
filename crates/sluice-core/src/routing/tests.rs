//! Who gets which version.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{SegmentRule, ServiceRouting, ShareRule, Split, Why, decide};
use crate::condition::Condition;
use crate::document::service::{AttributeSource, HealthSpec, Reveal, TimeoutSpec, UnitSource};
use crate::routing::Request;
use crate::{ServiceKey, VersionName, Weight};

/// A request that carries a plan, and what tells its visitor apart.
#[derive(Clone, Debug, Default)]
struct Visit {
    plan: Option<String>,
    user: Option<String>,
    cookie: Option<String>,
}

impl Request for Visit {
    fn method(&self) -> &str {
        "GET"
    }
    fn host(&self) -> &str {
        "shop.example.com"
    }
    fn path(&self) -> &str {
        "/"
    }
    fn header(&self, name: &str) -> Option<&str> {
        match name {
            "x-plan" => self.plan.as_deref(),
            "x-user-id" => self.user.as_deref(),
            _ => None,
        }
    }
    fn cookie(&self, name: &str) -> Option<&str> {
        self.cookie.as_deref().filter(|_| name == "sluice_unit")
    }
    fn query(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

fn segment(name: &str) -> SegmentRule {
    let condition = Condition::for_visitors(&format!("visitor.plan == '{name}'")).unwrap();
    SegmentRule { segment: name.parse().unwrap(), condition }
}

fn share(of: Option<&str>, weight: Weight) -> ShareRule {
    ShareRule { segment: of.map(segment), weight }
}

fn service(exclude: &[&str], include: Vec<ShareRule>) -> ServiceRouting {
    let version = |name: &str| (name.parse().unwrap(), vec!["http://127.0.0.1:1".parse().unwrap()]);
    ServiceRouting {
        key: ServiceKey { environment: "production".parse().unwrap(), name: "shop".parse().unwrap() },
        routes: Vec::new(),
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
        versions: [version("1"), version("2"), version("3")].into_iter().collect(),
        stable: "1".parse().unwrap(),
        split: Some(Split {
            release: "shop-2".parse().unwrap(),
            is_shared: false,
            shadow: None,
            candidate: "2".parse().unwrap(),
            salt: "production/shop/2".to_owned(),
            exclude: exclude.iter().map(|name| segment(name)).collect(),
            include,
        }),
    }
}

fn visit(user: &str, plan: Option<&str>) -> Visit {
    Visit { user: Some(user.to_owned()), plan: plan.map(str::to_owned), cookie: None }
}

/// `VERSION WHY`, as a visitor with this plan would get it.
fn told(service: &ServiceRouting, visit: &Visit, preview: Option<&str>, is_ready: bool) -> String {
    let preview: Option<VersionName> = preview.map(|name| name.parse().unwrap());
    let unit = service.unit_of(visit);
    let choice = decide(service, visit, unit.as_deref(), preview.as_ref(), None, |_| is_ready);
    let why = match choice.why {
        Why::NoRelease => "no release".to_owned(),
        Why::Preview => "preview".to_owned(),
        Why::Excluded(segment) => format!("excluded {segment}"),
        Why::Segment(segment) => format!("segment {segment}"),
        Why::Share => "share".to_owned(),
        Why::Carried => "carried".to_owned(),
        Why::NotChosen => "not chosen".to_owned(),
        Why::CandidateNotReady => "not ready".to_owned(),
    };
    format!("{} {why}", choice.version)
}

#[test]
fn the_first_rule_that_takes_a_visitor_in_says_why() {
    let service = service(
        &["vip"],
        vec![share(Some("staff"), Weight::FULL), share(Some("pro"), Weight::FULL), share(None, Weight::ZERO)],
    );
    for (plan, expected) in [
        (Some("staff"), "2 segment staff"),
        (Some("pro"), "2 segment pro"),
        (Some("vip"), "1 excluded vip"),
        (Some("free"), "1 not chosen"),
        (None, "1 not chosen"),
    ] {
        assert_eq!(told(&service, &visit("ada", plan), None, true), expected, "{plan:?}");
    }
}

#[test]
fn without_a_release_everyone_has_stable() {
    let mut service = service(&[], vec![share(None, Weight::FULL)]);
    service.split = None;
    assert_eq!(told(&service, &visit("ada", None), None, true), "1 no release");
}

#[test]
fn a_preview_reaches_any_version_of_the_service_and_no_other() {
    let service = service(&["vip"], vec![share(None, Weight::ZERO)]);
    assert_eq!(told(&service, &visit("ada", Some("vip")), Some("2"), true), "2 preview");
    assert_eq!(told(&service, &visit("ada", None), Some("3"), true), "3 preview");
    assert_eq!(told(&service, &visit("ada", None), Some("4"), true), "1 not chosen");
    // Whoever asks for a version by name is told by its error that it is down.
    assert_eq!(told(&service, &visit("ada", None), Some("2"), false), "2 preview");
}

#[test]
fn a_candidate_that_is_not_ready_is_given_to_nobody() {
    let service = service(&[], vec![share(None, Weight::FULL)]);
    assert_eq!(told(&service, &visit("ada", None), None, false), "1 not ready");
}

#[test]
fn a_visitor_without_a_unit_is_taken_in_by_whole_shares_only() {
    let nobody = Visit { user: Some(String::new()), ..Visit::default() };
    let half = Weight::from_percent(99.999).unwrap();
    assert_eq!(told(&service(&[], vec![share(None, half)]), &nobody, None, true), "1 not chosen");
    assert_eq!(told(&service(&[], vec![share(None, Weight::FULL)]), &nobody, None, true), "2 share");
}

#[test]
fn the_first_source_that_holds_something_is_the_unit() {
    let service = service(&[], Vec::new());
    let both = Visit { user: Some("ada".to_owned()), cookie: Some("c1".to_owned()), plan: None };
    let cookie = Visit { user: None, ..both.clone() };
    assert_eq!(service.unit_of(&both).as_deref(), Some("ada"));
    assert_eq!(service.unit_of(&cookie).as_deref(), Some("c1"));
    assert_eq!(service.unit_of(&Visit::default()), None);
    assert_eq!(service.unit_cookie(), Some("sluice_unit"));
}

fn plan() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(vec!["vip", "pro", "free"]).prop_map(str::to_owned))
}

fn weight() -> impl Strategy<Value = Weight> {
    prop_oneof![Just(0), Just(1), 0..=Weight::PARTS, Just(Weight::PARTS)]
        .prop_map(|parts| parts.try_into().unwrap())
}

proptest! {
    #[test]
    fn growing_a_weight_only_adds_people(
        user in prop::option::of("[a-z0-9]{0,8}"),
        plan in plan(),
        pro in (weight(), weight()),
        everyone in (weight(), weight()),
    ) {
        let visit = Visit { user, plan, cookie: None };
        let with = |pro: Weight, everyone: Weight| {
            service(&["vip"], vec![share(Some("pro"), pro), share(None, everyone)])
        };
        let small = with(pro.0.min(pro.1), everyone.0.min(everyone.1));
        let large = with(pro.0.max(pro.1), everyone.0.max(everyone.1));
        let has_met = told(&small, &visit, None, true).starts_with('2');
        let meets = told(&large, &visit, None, true).starts_with('2');
        prop_assert!(!has_met || meets, "{visit:?}");
    }

    #[test]
    fn an_exclusion_wins_over_every_share(user in "[a-z0-9]{1,8}", pro in weight(), everyone in weight()) {
        let service = service(&["vip"], vec![share(Some("vip"), pro), share(None, everyone)]);
        prop_assert_eq!(told(&service, &visit(&user, Some("vip")), None, true), "1 excluded vip");
    }

    #[test]
    fn the_same_visitor_gets_the_same_version_again(user in "[a-z0-9]{1,8}", plan in plan(), everyone in weight()) {
        let service = service(&[], vec![share(None, everyone)]);
        let visit = visit(&user, plan.as_deref());
        prop_assert_eq!(told(&service, &visit, None, true), told(&service, &visit, None, true));
    }
}

#[test]
fn a_counted_path_is_the_longest_that_a_request_begins_with_on_a_segment_border() {
    let mut service = service(&[], Vec::new());
    service.count = ["/cart/items", "/cart", "/"].map(|path| path.parse().unwrap()).into();
    let found = |path| service.counted_path(path);
    assert_eq!(["/cart/items", "/cart/items/7"].map(found), [Some(0); 2]);
    assert_eq!(["/cart", "/cart/", "/cart/itemsx"].map(found), [Some(1); 3]);
    assert_eq!(["/", "/carts", "//cart"].map(found), [Some(2); 3]);
    service.count.pop();
    assert_eq!(["/", "/carts", "*"].map(|path| service.counted_path(path)), [None; 3]);
}
