//! What changes around an engine by chance: versions go bad and good, endpoints come and go, and every port has its
//! troubles.

use sluice_core::{Span, Timestamp};
use sluice_engine::Engine;
use sluice_engine::port::Clock;

use super::Stage;
use super::drawn;
use super::people::People;
use super::plane::Meter;
use crate::city::Behaviour;
use crate::random::Random;

/// How the ports are at the beginning: never quite at once.
pub(super) fn begin(random: &mut Random, stage: &Stage) {
    let hook_bad = if random.chance(0.3) { 0.9 } else { 0.1 };
    stage.faults.change(|odds| {
        odds.commit_takes = Span::from_millis(20);
        odds.apply_takes = Span::from_millis(50);
        (odds.hook_bad, odds.hook_takes) = (hook_bad, Span::from_millis(500));
    });
}

/// Lets something happen.
pub(super) fn change(random: &mut Random, stage: &Stage, people: &mut People, engine: &Engine) {
    match random.below(13) {
        0..=2 => versions(random, stage),
        3 | 4 => endpoints(random, stage),
        5 => store(random, stage),
        6 => traffic(random, stage),
        7 => hooks(random, stage),
        8 => meter(random, stage),
        9 => visitors(random, stage),
        10 => clock(random, stage),
        11 => calendar(random, stage, people, engine),
        _ => stage.faults.light_fuse(random.below(25)),
    }
}

fn versions(random: &mut Random, stage: &Stage) {
    let versions = stage.plane.versions();
    let Some((service, version)) =
        versions.get(usize::try_from(random.below(versions.len() as u64)).unwrap_or(0))
    else {
        return;
    };
    let (failing, latency) = match random.below(6) {
        0 => (0.05, 50),
        1 => (0.6, 50),
        2 => (0.001, 900),
        _ => (0.001, 50),
    };
    stage.audit.tell(format!("{service} {version} fails {failing}, takes {latency} ms"));
    stage.plane.behave(service, version, |behaviour| {
        behaviour.failing = failing;
        behaviour.latency = Span::from_millis(latency);
    });
}

fn endpoints(random: &mut Random, stage: &Stage) {
    let versions = stage.plane.versions();
    let Some((service, version)) =
        versions.get(usize::try_from(random.below(versions.len() as u64)).unwrap_or(0))
    else {
        return;
    };
    let ready = u32::from(random.chance(0.6));
    stage.audit.tell(format!("{service} {version} has {ready} endpoints ready"));
    stage.plane.behave(service, version, |behaviour| behaviour.endpoints.ready = ready);
    let lag = Span::from_millis(random.below(6_000));
    let plane = stage.plane.clone();
    tokio::spawn(async move {
        tokio::time::sleep(lag.as_duration()).await;
        plane.report();
    });
}

fn store(random: &mut Random, stage: &Stage) {
    let kind = random.below(4);
    stage.audit.tell(format!("the store's trouble is of kind {kind}"));
    stage.audit.trouble();
    let takes = Span::from_millis(random.below(3_000));
    stage.faults.change(|odds| {
        (odds.store_is_away, odds.commit_fails, odds.commit_takes) = match kind {
            0 => (true, 0.0, Span::ZERO),
            1 => (false, 0.5, Span::from_millis(20)),
            2 => (false, 0.0, takes),
            _ => (false, 0.0, Span::from_millis(20)),
        }
    });
}

fn traffic(random: &mut Random, stage: &Stage) {
    let kind = random.below(4);
    stage.audit.tell(format!("the data plane's trouble is of kind {kind}"));
    let takes = Span::from_millis(random.below(5_000));
    stage.faults.change(|odds| {
        (odds.apply_takes, odds.apply_lost, odds.apply_unheard) = match kind {
            0 => (takes, 0.2, 0.2),
            1 => (Span::from_millis(50), 0.8, 0.0),
            2 => (Span::from_millis(50), 0.0, 0.8),
            _ => (Span::from_millis(50), 0.0, 0.0),
        }
    });
}

fn hooks(random: &mut Random, stage: &Stage) {
    let bad = if random.chance(0.3) { 1.0 } else { random.unit() };
    let takes = Span::from_millis(random.below(8_000));
    stage.audit.tell(format!("webhooks answer badly at odds of {bad:.2}, within {takes}"));
    stage.faults.change(|odds| (odds.hook_bad, odds.hook_takes) = (bad, takes));
}

fn meter(random: &mut Random, stage: &Stage) {
    let kind = random.below(5);
    stage.audit.tell(format!("the meter's trouble is of kind {kind}"));
    match kind {
        0 => stage.plane.meter(|counted| Meter::Stuck(counted.clone())),
        1 => stage.plane.meter(|_| Meter::Away),
        2 => stage.plane.forget_counts(),
        _ => stage.plane.meter(|_| Meter::Fresh),
    }
}

fn visitors(random: &mut Random, stage: &Stage) {
    let rate = *drawn::one(random, &[&0, &1, &2, &3, &20]);
    stage.audit.tell(format!("each visitor makes {rate} requests a second"));
    stage.plane.rate(rate);
}

fn clock(random: &mut Random, stage: &Stage) {
    let millis = i64::try_from(random.below(180_000)).unwrap_or(0);
    let by = if random.chance(0.5) { millis } else { -millis / 30 };
    stage.audit.tell(format!("the clock is set by {by} ms"));
    stage.audit.trouble();
    stage.time.set_by(by);
}

fn calendar(random: &mut Random, stage: &Stage, people: &mut People, engine: &Engine) {
    let now = stage.time.now();
    let (from, long) = (random.below(30), 20 + random.below(60));
    let at = |seconds: u64| now.after(Span::from_secs(seconds)).to_string();
    let calendar = match random.below(3) {
        0 => String::new(),
        1 => format!("  freezes: [ {{ from: '{}', to: '{}', reason: sale }} ]\n", at(from), at(from + long)),
        _ => {
            let minute = |at: Timestamp| at.to_string().get(11..16).unwrap_or("00:00").to_owned();
            let (opens, closes) =
                (minute(now.after(Span::from_secs(60))), minute(now.after(Span::from_secs(240))));
            format!("  windows: [ 'Mon-Sun {opens}-{closes}' ]\n")
        }
    };
    let environments = people.environments.clone();
    let yaml = stage.environment(drawn::one(random, &environments.iter().collect::<Vec<_>>()), &calendar);
    people.apply(engine, yaml);
}

/// All troubles are over.
pub(super) fn clear(stage: &Stage) {
    stage.audit.tell("all troubles are over");
    stage.faults.end();
    stage.plane.meter(|_| Meter::Fresh);
    stage.plane.rate(3);
    mend_versions(stage);
}

/// Every version is well, and what was announced meanwhile too.
pub(super) fn mend_versions(stage: &Stage) {
    for (service, version) in stage.plane.versions() {
        stage.plane.behave(&service, &version, |behaviour| *behaviour = Behaviour::good());
    }
    stage.plane.report();
}
