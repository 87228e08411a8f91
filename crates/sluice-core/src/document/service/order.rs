//! In which order several services are released: each after those that its version needs.

use super::VersionSpec;
use crate::Name;

/// Services whose versions need each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} need each other in a circle, so none can come first", join(.0))]
pub struct Circle(pub Vec<Name>);

fn join(names: &[Name]) -> String {
    let names: Vec<&str> = names.iter().map(Name::as_str).collect();
    names.join(", ")
}

/// The services, each after those among them that its version needs; otherwise as they were given.
///
/// # Errors
/// Those that need each other in a circle, and whatever waits for them.
pub fn order(members: &[(Name, &VersionSpec)]) -> Result<Vec<Name>, Circle> {
    let mut left: Vec<&(Name, &VersionSpec)> = members.iter().collect();
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let is_free =
            |member: &&&(Name, &VersionSpec)| !left.iter().any(|other| member.1.needs.contains_key(&other.0));
        let Some(next) = left.iter().find(is_free).map(|member| member.0.clone()) else {
            return Err(Circle(left.into_iter().map(|member| member.0.clone()).collect()));
        };
        left.retain(|member| member.0 != next);
        ordered.push(next);
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::document::service::Build;

    fn version(needs: &[&str]) -> VersionSpec {
        let need = |name: &&str| (name.parse().unwrap(), "1".parse().unwrap());
        VersionSpec {
            name: "1".parse().unwrap(),
            endpoints: Vec::new(),
            needs: needs.iter().map(need).collect::<BTreeMap<_, _>>(),
            build: Build::default(),
        }
    }

    fn order_of(members: &[(&str, &[&str])]) -> Result<String, Circle> {
        let versions: Vec<(Name, VersionSpec)> =
            members.iter().map(|(name, needs)| (name.parse().unwrap(), version(needs))).collect();
        let members: Vec<(Name, &VersionSpec)> =
            versions.iter().map(|(name, spec)| (name.clone(), spec)).collect();
        order(&members).map(|names| join(&names))
    }

    #[test]
    fn each_service_comes_after_those_that_it_needs() {
        let members: &[(&str, &[&str])] =
            &[("web", &["checkout"]), ("checkout", &["payments", "mail"]), ("payments", &[])];
        assert_eq!(order_of(members).unwrap(), "payments, checkout, web");
    }

    #[test]
    fn services_that_do_not_need_each_other_stay_as_given() {
        assert_eq!(order_of(&[("b", &[]), ("a", &[])]).unwrap(), "b, a");
    }

    #[test]
    fn a_circle_is_named() {
        let members: &[(&str, &[&str])] = &[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &[])];
        assert_eq!(
            order_of(members).unwrap_err().to_string(),
            "a, b, c need each other in a circle, so none can come first"
        );
    }
}
