//! `sluice policy lint`: mistakes in policies, before anybody meets them.

use std::collections::BTreeMap;

use sluice_core::document::{Document, Kind, Spec};
use sluice_core::lint::{self, Surroundings};
use sluice_core::{Name, builtin};

use crate::args::PolicyCommand;
use crate::args::policy::LintArgs;
use crate::client::Error;
use crate::client::foresight::{Finding, Linted, Severity};
use crate::files::Input;
use crate::outcome::{Exit, Failure};
use crate::show::for_programs;
use crate::terminal::Paint;
use crate::verb::Context;
use crate::verb::validate::parse;

/// Runs one of them.
pub(crate) fn run(context: &mut Context, command: &PolicyCommand) -> Result<Exit, Failure> {
    match command {
        PolicyCommand::Lint(args) => lint(context, args),
    }
}

fn lint(context: &mut Context, args: &LintArgs) -> Result<Exit, Failure> {
    let (policies, files) = if args.files.is_empty() {
        (context.client.lint("", args.name.as_ref())?, BTreeMap::new())
    } else {
        lint_files(context, args)?
    };
    let all = || policies.iter().flat_map(|linted| &linted.findings);
    let errors = all().filter(|finding| finding.severity == Severity::Error).count();
    if !for_programs(&mut context.out, context.common.output, &serde_json::json!({ "policies": policies }))? {
        for linted in &policies {
            let file = files.get(&linted.policy).cloned();
            let place = file.unwrap_or_else(|| format!("Policy {}", linted.policy));
            for finding in &linted.findings {
                let text = told(finding, &place, context.out.paint());
                context.out.write(&text)?;
            }
        }
        context.notes.line(&count(all().count(), errors, policies.len()))?;
    }
    let is_bad = errors > 0 || (args.strict && all().count() > 0);
    Ok(if is_bad { Exit::Failed } else { Exit::Done })
}

/// The findings in files, and which file holds which policy.
fn lint_files(context: &Context, args: &LintArgs) -> Result<(Vec<Linted>, BTreeMap<Name, String>), Failure> {
    let input = Input::read(&args.files)?;
    let paint = context.notes.paint();
    let documents = parse(&input, paint)?;
    let files = documents
        .iter()
        .filter(|document| document.key().kind == Kind::Policy)
        .filter_map(|document| {
            let name = document.metadata.name.clone();
            Some((name, input.file_of(document)?.to_owned()))
        })
        .collect::<BTreeMap<_, _>>();
    if files.is_empty() {
        return Err(Failure::new(Exit::Configuration, format!("{} has no policies", input.names()))
            .hint("`sluice policy lint` without -f looks at those on the server"));
    }
    let policies = if args.offline {
        alone(&documents)
    } else {
        context.client.lint(input.joined(), None).map_err(|error| match error {
            Error::Refused(refusal) if !refusal.problems.is_empty() => {
                input.failure(&refusal.problems, paint)
            }
            other => Failure::from(other),
        })?
    };
    Ok((policies, files))
}

/// The findings in the policies among some documents, as far as these and what is built in tell.
fn alone(documents: &[Document]) -> Vec<Linted> {
    let mut segments = builtin::segments().clone();
    let mut metrics = builtin::metrics().clone();
    let mut environments = BTreeMap::new();
    let mut services = Vec::new();
    let mut policies = BTreeMap::new();
    for document in documents {
        let name = document.metadata.name.clone();
        match &document.spec {
            Spec::Segment(spec) => drop(segments.insert(name, spec.clone())),
            Spec::Metric(spec) => drop(metrics.insert(name, spec.clone())),
            Spec::Environment(spec) => drop(environments.insert(name, spec.clone())),
            Spec::Service(spec) => services.push((&document.metadata.name, spec)),
            Spec::Policy(spec) => drop(policies.insert(name, spec)),
            Spec::Release(_) => {}
        }
    }
    let around = Surroundings {
        segments: &segments,
        metrics: &metrics,
        services,
        environments: &environments,
        rate: None,
        now: super::get::now(),
    };
    policies
        .into_iter()
        .map(|(policy, spec)| {
            let findings = lint::lint(&policy, spec, &around);
            Linted { policy, findings: findings.into_iter().map(Finding::from).collect() }
        })
        .collect()
}

/// `policies.yaml:spec.steps[1].hold error[hold-too-long] …`, and how to mend it below.
fn told(finding: &Finding, place: &str, paint: Paint) -> String {
    let severity = match finding.severity {
        Severity::Error => paint.red("error"),
        Severity::Warning => paint.yellow("warning"),
        Severity::Hint => paint.cyan("hint"),
    };
    let path = if finding.path.is_empty() { "" } else { ":" };
    let place = paint.bold(&format!("{place}{path}{}", finding.path));
    let mut text = format!("{place} {severity}[{}] {}\n", finding.code, finding.text);
    if let Some(hint) = &finding.hint {
        text.push_str(&format!("  {} {hint}\n", paint.dim("= hint:")));
    }
    text
}

fn count(findings: usize, errors: usize, policies: usize) -> String {
    let number = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    if policies == 0 {
        return "no policies are applied; -f looks at files".to_owned();
    }
    let policies = number(policies, "policy", "policies");
    if findings == 0 {
        return format!("nothing found in {policies}");
    }
    let errors = number(errors, "error", "errors");
    format!("{} in {policies}, {errors} among them", number(findings, "finding", "findings"))
}
