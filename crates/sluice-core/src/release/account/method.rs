//! How each check is decided, and who has shown that it may be decided so.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::document::policy::CheckUnit;
use crate::release::plan::{BadResponses, Check, Measure, Question};

/// How a check is decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Method {
    /// A short name that stays.
    pub name: String,
    /// In plain words.
    pub words: String,
    /// Where it comes from; none for plain comparisons of numbers.
    pub source: Option<String>,
}

impl Method {
    /// How a check is decided.
    pub fn of(check: &Check) -> Method {
        let method = |name: &str, words: &str, source: Option<&str>| Method {
            name: name.to_owned(),
            words: words.to_owned(),
            source: source.map(str::to_owned),
        };
        match &check.question {
            Question::ShareAgainstStable { .. } => {
                let by_user =
                    matches!(&check.measure, Measure::Responses(BadResponses { unit: CheckUnit::User, .. }));
                let words = match by_user {
                    true => {
                        "bets on 24 sizes of a fault, over visitors with a failed request of both versions in the same \
                         seconds; valid at every moment"
                    }
                    false => {
                        "bets on 24 sizes of a fault, over requests of both versions in the same seconds; valid at \
                         every moment"
                    }
                };
                method(
                    "two-proportions",
                    words,
                    Some(
                        "Turner, Ly, Grünwald 2024, J. Stat. Plan. Inference 230 (arXiv 2106.02693); Ville's inequality",
                    ),
                )
            }
            Question::LatencyAgainstStable { .. } => method(
                "label-betting",
                "bets on which version a time belongs to, given the time; valid at every moment",
                Some("Podkopaev, Ramdas, NeurIPS 2023; Pandeva et al., TMLR 2024; Ville's inequality"),
            ),
            Question::RateAgainstStable { .. } => method(
                "share-of-events",
                "bets on which version an event belongs to, by the requests of each; valid at every moment",
                Some("Lindon, Malek, NeurIPS 2022 (arXiv 2011.03567); Ville's inequality"),
            ),
            Question::MeanAgainstStable { .. } => method(
                "capped-means",
                "bets on the difference of means, of values capped at what hardly any exceeds; valid at every moment",
                Some(
                    "Podkopaev, Ramdas, NeurIPS 2023; Waudby-Smith, Ramdas, JRSS-B 2024; Ville's inequality",
                ),
            ),
            Question::AgainstBefore { .. } => method(
                "own-past",
                "ranks each ten seconds among those before the release, and those of the same time on earlier days; \
                 bets on bad ranks; valid at every moment while the past is like the present",
                Some(
                    "Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World (conformal test martingales)",
                ),
            ),
            Question::Share { .. }
            | Question::Latency { .. }
            | Question::Rate { .. }
            | Question::Mean { .. } => method(
                "bounds",
                "compares the value of the window with fixed bounds; knows nothing of chance",
                None,
            ),
            Question::Gauge { .. } | Question::Ready { .. } => {
                method("bounds", "compares the latest value with fixed bounds", None)
            }
        }
    }
}
