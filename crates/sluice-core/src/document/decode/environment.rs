//! `Environment` and `Segment`.

use std::collections::BTreeMap;

use super::scalar::rule;
use super::{Decode, Fields, Reader, report_duplicates};
use crate::Name;
use crate::calendar::Window;
use crate::condition::Condition;
use crate::document::environment::PolicyBinding;
use crate::document::node::Node;
use crate::document::problem::Fault;
use crate::document::{EnvironmentSpec, SegmentSpec};

impl Decode for EnvironmentSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let description = fields.optional("description");
        let after = fields.optional("after");
        let start = fields.or_default("start");
        let policies = policies(&mut fields);
        let windows = windows(&mut fields);
        let freezes = fields.or_default("freezes");
        let roles = fields.or_default::<BTreeMap<Name, People>>("roles");
        let override_roles = override_roles(&mut fields);
        fields.finish();
        Some(EnvironmentSpec {
            description: description?,
            after: after?,
            start: start?,
            policies: policies?,
            windows: windows?,
            freezes: freezes?,
            roles: roles?.into_iter().map(|(role, People(names))| (role, names)).collect(),
            override_roles: override_roles?,
        })
    }
}

/// A list that may be absent.
fn list<T: Decode>(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<Vec<Option<T>>> {
    if fields.has(name) {
        return fields.list(name);
    }
    fields.find(name);
    Some(Vec::new())
}

fn policies(fields: &mut Fields<'_, '_>) -> Option<Vec<PolicyBinding>> {
    let policies = list::<PolicyBinding>(fields, "policies")?;
    let always = policies.iter().position(|line| line.as_ref().is_some_and(|line| line.when.is_none()));
    if let Some(always) = always.filter(|always| always + 1 < policies.len()) {
        let message = format!("this line is never reached: line {} has no `when`", always + 1);
        let fault = Fault::conflict(message).hint("put the line without `when` last");
        fields.report_in(&["policies".into(), (always + 1).into()], fault);
    }
    policies.into_iter().collect()
}

fn windows(fields: &mut Fields<'_, '_>) -> Option<Vec<Window>> {
    let windows = list::<Window>(fields, "windows")?;
    report_duplicates(
        &windows,
        |window| window,
        |index, _| {
            fields.report_in(&["windows".into(), index.into()], Fault::duplicate("this is given twice"));
        },
    );
    windows.into_iter().collect()
}

/// The people in a role.
struct People(Vec<String>);

impl Decode for People {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let people = super::items::<Person>(node, reader)?;
        if people.is_empty() {
            let fault =
                Fault::invalid("nobody is in this role, so that nobody could speak for it").given("[]");
            reader.report(node, fault.hint("name the people, as [ anna, ben ]"));
            return None;
        }
        report_duplicates(
            &people,
            |Person(name)| name,
            |index, Person(name)| {
                let fault = Fault::duplicate(format!("`{name}` is in this role twice"));
                reader.report_in(node, &[index.into()], fault);
            },
        );
        let names = people.into_iter().map(|person| person.map(|Person(name)| name));
        names.collect::<Option<_>>().map(People)
    }
}

/// Somebody, by the name that they act under.
struct Person(String);

impl Decode for Person {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let name = String::decode(node, reader)?;
        if name.is_empty() || name.trim() != name {
            let fault = Fault::invalid("a person's name must not be empty, nor begin or end with a space");
            reader.report(node, fault);
            return None;
        }
        Some(Person(name))
    }
}

fn override_roles(fields: &mut Fields<'_, '_>) -> Option<Option<Vec<Name>>> {
    if !fields.has("override") {
        fields.find("override");
        return Some(None);
    }
    let roles = fields.list::<Name>("override")?;
    report_duplicates(
        &roles,
        |role| role,
        |index, role| {
            let fault = Fault::duplicate(format!("the role `{role}` is given twice"));
            fields.report_in(&["override".into(), index.into()], fault);
        },
    );
    // As they were written, so that a role is known even when something in it is wrong.
    let known = fields.node.field("roles").map(Node::names).unwrap_or_default();
    let mut are_known = true;
    for (index, role) in roles.iter().enumerate() {
        let Some(role) = role.as_ref().filter(|role| !known.contains(&role.as_str())) else { continue };
        are_known = false;
        let fault = Fault::new("unknown-reference", format!("there is no role `{role}` here"))
            .given(role.as_str())
            .hint(format!("say who is in it, as roles: {{ {role}: [ anna ] }}"))
            .or_did_you_mean(role.as_str(), &known);
        let fault = if known.is_empty() { fault } else { fault.accepted(known.join(", ")) };
        fields.report_in(&["override".into(), index.into()], fault);
    }
    roles.into_iter().collect::<Option<_>>().filter(|_| are_known).map(Some)
}

/// A rule about a change.
struct ChangeRule(Condition);

impl Decode for ChangeRule {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        rule(node, reader, Condition::for_changes).map(ChangeRule)
    }
}

impl Decode for PolicyBinding {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { use: canary }")?;
        let when = fields.optional::<ChangeRule>("when");
        let policy = fields.required("use");
        fields.finish();
        Some(PolicyBinding { when: when?.map(|ChangeRule(rule)| rule), r#use: policy? })
    }
}

impl Decode for SegmentSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let rule = fields.required("match");
        let description = fields.optional("description");
        fields.finish();
        Some(SegmentSpec { r#match: rule?, description: description? })
    }
}
