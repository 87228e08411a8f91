//! Segments that nobody is in, and approvals that nobody can give.

use expect_test::{Expect, expect};

use crate::{SHOP, found_among};

fn segments(rules: &[(&str, &str)]) -> String {
    let documents = rules.iter().map(|(name, rule)| {
        format!("---\nkind: Segment\nmetadata: {{ name: {name} }}\nspec: {{ match: \"{rule}\" }}\n")
    });
    documents.collect()
}

fn check_segments(rules: &[(&str, &str)], expected: Expect) {
    let lines: Vec<String> = rules.iter().map(|(name, _)| format!("{{ segment: {name} }}")).collect();
    let spec = format!(
        "
  steps:
    - {{ name: some, audience: [ {}, {{ percent: 5 }} ], hold: {{ time: 1h }} }}
    - {{ name: all, audience: [ {{ percent: 100 }} ], hold: {{ time: 1h }} }}
  checks: [ {{ metric: http.errors, max: 5% }} ]",
        lines.join(", ")
    );
    expected.assert_eq(&found_among(&spec, &format!("{SHOP}{}", segments(rules)), None));
}

#[test]
fn a_segment_of_people_who_cannot_be_is_told() {
    check_segments(
        &[
            ("good", "visitor.plan == 'pro' && visitor.group != 'staff'"),
            ("two-plans", "visitor.plan == 'pro' && visitor.plan == 'team'"),
            ("never", "false"),
            ("path", "request.path.startsWith('checkout')"),
        ],
        expect![[r#"
            warning: spec.steps[0].audience[1].segment: nobody can be in `two-plans`, so that nobody is taken in by it: visitor.plan == 'pro' && visitor.plan == 'team'
              its rule contradicts itself [segment-matches-nobody]
            warning: spec.steps[0].audience[2].segment: nobody can be in `never`, so that nobody is taken in by it: false
              its rule contradicts itself [segment-matches-nobody]
            warning: spec.steps[0].audience[3].segment: nobody can be in `path`, so that nobody is taken in by it: request.path.startsWith('checkout')
              its rule contradicts itself [segment-matches-nobody]"#]],
    );
}

#[test]
fn a_segment_by_what_no_service_reads_is_told() {
    check_segments(
        &[("by-country", "visitor.country == 'NL'"), ("not-by-country", "visitor.country != 'NL'")],
        expect![[r#"
            warning: spec.steps[0].audience[0].segment: nobody is in `by-country`, so that nobody is taken in by it: no service says where `visitor.country` is read
              declare it in the Service: visitor: { country: { cookie: country } } [segment-matches-nobody]
            warning: spec.steps[0].audience[1].segment: `not-by-country` may hold others than meant: no service says where `visitor.country` is read
              declare it in the Service: visitor: { country: { cookie: country } } [undeclared-attribute]"#]],
    );
}

#[test]
fn a_built_in_segment_says_where_its_group_must_be_read() {
    let spec = "
  excludeUntilEnd: [ no-risk ]
  steps:
    - { name: staff, audience: [ { segment: employees } ], hold: { time: 1h } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 1h } }
  checks: [ { metric: http.errors, max: 5% } ]";
    let bare = "{ kind: Service, metadata: { name: shop }, spec: {} }";
    expect![[r#"
        warning: spec.excludeUntilEnd[0]: nobody is in `no-risk`, so that nobody is kept out by it: no service says where `visitor.group` is read
          declare it in the Service: visitor: { group: { cookie: group } } [segment-matches-nobody]
        warning: spec.steps[0].audience[0].segment: nobody is in `employees`, so that nobody is taken in by it: no service says where `visitor.group` is read
          declare it in the Service: visitor: { group: { cookie: group } } [segment-matches-nobody]"#]].assert_eq(&found_among(spec, bare, None));
    expect![[""]].assert_eq(&found_among(spec, SHOP, None));
}

#[test]
fn a_segment_that_does_not_exist_is_an_error() {
    let spec = "
  steps:
    - { name: staff, ramp: { from: 1, to: 60, over: 1h }, exclude: [ employes ] }
  checks: [ { metric: http.errors, max: 5% } ]";
    expect![[r#"
        error: spec.steps[0].exclude[0]: there is no segment `employes`, so that nobody is in it
          did you mean `employees`? [unknown-segment]"#]]
    .assert_eq(&found_among(spec, SHOP, None));
}

const ASKED: &str = "
  steps:
    - { name: few, audience: [ { percent: 5 } ], hold: { time: 1h } }
    - { name: ask, approval: { roles: [ product, ops ], count: 2 } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 1h } }
  checks: [ { metric: http.errors, max: 5% } ]";

fn production(roles: &str) -> String {
    format!(
        "{SHOP}---\nkind: Environment\nmetadata: {{ name: production }}\nspec: {{ policies: [ {{ use: p }} ], roles: {roles} }}\n"
    )
}

#[test]
fn an_approval_by_fewer_people_than_it_takes_is_an_error() {
    expect![[r#"
        error: spec.steps[1].approval: nobody can get past this in production: it takes 2 of product or ops, and there is nobody
          add people to the roles of the Environment production, or lower `count` [approval-impossible]"#]].assert_eq(&found_among(ASKED, &production("{}"), None));
    expect![[r#"
        error: spec.steps[1].approval: nobody can get past this in production: it takes 2 of product or ops, and there is one
          add people to the roles of the Environment production, or lower `count` [approval-impossible]"#]].assert_eq(&found_among(ASKED, &production("{ product: [ anna ], ops: [ anna ] }"), None));
}

#[test]
fn with_four_eyes_somebody_is_left_when_one_of_them_starts() {
    expect![[r#"
        warning: spec.steps[1].approval: when anna or ben starts a release in production, nobody else is left to approve it
          add somebody to the role, or write fourEyes: false [approval-four-eyes]"#]].assert_eq(&found_among(ASKED, &production("{ product: [ anna ], ops: [ ben ] }"), None));
    expect![[""]].assert_eq(&found_among(
        ASKED,
        &production("{ product: [ anna, cleo ], ops: [ ben ] }"),
        None,
    ));
    let alone = ASKED.replace("count: 2", "count: 2, fourEyes: false");
    expect![[""]].assert_eq(&found_among(&alone, &production("{ product: [ anna ], ops: [ ben ] }"), None));
}
