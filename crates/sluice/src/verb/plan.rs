//! `sluice plan`.

use sluice_core::forecast::Assumed;
use sluice_engine::forecast::{ForecastRequest, GivenTraffic};

use crate::args::plan::{Fault, PlanArgs, Quantile};
use crate::outcome::{Exit, Failure};
use crate::show::for_programs;
use crate::verb::Context;

/// Says what a release would be able to see, before it begins.
pub(crate) fn run(context: &mut Context, args: &PlanArgs) -> Result<Exit, Failure> {
    let forecast = context.client.forecast(&request(args))?;
    if !for_programs(&mut context.out, context.common.output, &forecast)? {
        context.out.write(&forecast.to_string())?;
    }
    Ok(Exit::Done)
}

fn request(args: &PlanArgs) -> ForecastRequest {
    let last = |wanted: Quantile| {
        args.latency.iter().rev().find(|(quantile, _)| *quantile == wanted).map(|(_, millis)| *millis)
    };
    let mut assumed = Assumed::default();
    for fault in &args.bad {
        match fault {
            Fault::Errors(failures) => assumed.failures = *failures,
            Fault::Slower(slower) => assumed.slower = *slower,
        }
    }
    ForecastRequest {
        service: args.service.clone(),
        version: args.version.clone(),
        environment: args.environment.clone(),
        policy: args.policy.clone(),
        with: args.with,
        traffic: GivenTraffic {
            rate: args.rate,
            errors: args.error_rate,
            p50: last(Quantile::P50),
            p95: last(Quantile::P95),
            p99: last(Quantile::P99),
            visitors: args.visitors,
        },
        assumed,
    }
}
