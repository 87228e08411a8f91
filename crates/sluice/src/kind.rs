//! Kinds as people type them: `services`, `service`, `svc`, `Service`.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use sluice_core::document::Kind;

/// A kind on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KindArg(pub(crate) Kind);

impl ValueEnum for KindArg {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [KindArg; 6] = [
            KindArg(Kind::Service),
            KindArg(Kind::Release),
            KindArg(Kind::Policy),
            KindArg(Kind::Segment),
            KindArg(Kind::Metric),
            KindArg(Kind::Environment),
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let others: &[&str] = match self.0 {
            Kind::Service => &["service", "svc"],
            Kind::Release => &["release", "rel"],
            Kind::Policy => &["policy", "pol"],
            Kind::Segment => &["segment", "seg"],
            Kind::Metric => &["metric", "met"],
            Kind::Environment => &["environment", "env"],
        };
        Some(PossibleValue::new(self.0.plural()).aliases(others))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_by_its_plural_its_singular_and_a_short_form() {
        assert_eq!(KindArg::value_variants().len(), Kind::ALL.len());
        for kind in Kind::ALL {
            for text in [kind.plural(), kind.as_str()] {
                assert_eq!(KindArg::from_str(text, true), Ok(KindArg(kind)));
            }
        }
        assert_eq!(KindArg::from_str("svc", true), Ok(KindArg(Kind::Service)));
    }
}
