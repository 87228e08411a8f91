//! The story: a bad release, then a good one.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use sluice_core::Timestamp;
use sluice_core::document::Kind;
use sluice_core::release::status::{PhaseName, ReleaseStatus, TimelineKind};
use sluice_engine::resource::ReleaseRequest;

use crate::client::Client;
use crate::demo::cast::Cast;
use crate::demo::stage::Stage;
use crate::demo::tally::{Findings, findings};
use crate::demo::visitors::Visitors;
use crate::follow::{Said, listen};
use crate::outcome::{Exit, Failure};
use crate::show::release::Release;

/// The version that is live at the beginning.
pub(crate) const LIVE: &str = "2.0.3";
/// The version that fails some requests and is slow.
pub(crate) const BAD: &str = "2.1.0";
/// The version that is as it should be.
pub(crate) const GOOD: &str = "2.1.1";

const SERVICE: &str = "shop";
const POLICY: &str = "demo";
/// How often the picture is drawn while nothing is heard.
const DRAW_EVERY: Duration = Duration::from_millis(250);
/// How long people use the shop before the first release, so that there is something to compare with.
const PROLOGUE: Duration = Duration::from_secs(3);
/// How long to go on noting after a release has ended: whoever was being answered is answered by then.
const EPILOGUE: Duration = Duration::from_secs(1);
/// How long one release may take. A good one takes half a minute; a machine that is very busy, longer.
const ACT_TIME_MAX: Duration = Duration::from_secs(120);
/// How long everything may take to be ready.
const READY_TIME_MAX: Duration = Duration::from_secs(30);

/// How one release went.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) version: &'static str,
    pub(crate) phase: PhaseName,
    pub(crate) findings: Findings,
    pub(crate) took: Duration,
}

/// How the story went.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) acts: Vec<Act>,
}

impl Outcome {
    /// Whether it went as it should.
    pub(crate) fn is_as_told(&self) -> bool {
        let phases: Vec<PhaseName> = self.acts.iter().map(|act| act.phase).collect();
        phases == [PhaseName::RolledBack, PhaseName::Succeeded]
            && self.acts.iter().all(|act| act.findings.flipped == 0)
    }
}

/// Plays both releases.
///
/// # Errors
/// When the server refuses or is away, something takes too long, or Ctrl-C is pressed.
pub(crate) fn play(
    cast: &Cast,
    stage: &mut Stage,
    sender: &Sender<Said>,
    said: &Receiver<Said>,
) -> Result<Outcome, Failure> {
    let client = cast.client()?;
    stage.say(&format!("dashboard  {}", cast.dashboard()))?;
    stage.say(&format!("shop       {}", cast.shop()))?;
    client.apply(cast.documents(), false)?;
    wait_until_ready(&client, said)?;
    let visitors = Visitors::start(cast.shop())?;
    stage.say(&format!("{} people use the shop, version {LIVE}", crate::demo::visitors::PEOPLE))?;
    pass(said, PROLOGUE)?;
    let mut acts = Vec::new();
    for (version, announcement) in [
        (BAD, format!("{BAD} is released; nobody knows yet that it fails 8 % of requests and is slow")),
        (GOOD, format!("{GOOD} is released; it is as it should be")),
    ] {
        stage.chapter(&announcement)?;
        acts.push(act(&client, version, &visitors, stage, sender, said)?);
    }
    Ok(Outcome { acts })
}

/// One release, from its start to its end.
fn act(
    client: &Client,
    version: &'static str,
    visitors: &Visitors,
    stage: &mut Stage,
    sender: &Sender<Said>,
    said: &Receiver<Said>,
) -> Result<Act, Failure> {
    let name = |text: &str| text.parse().expect("a constant that is a name");
    let request = ReleaseRequest {
        service: name(SERVICE),
        version: version.parse().expect("a constant that is a version"),
        environment: None,
        policy: Some(name(POLICY)),
        with: Vec::new(),
        reshuffle: false,
        override_reason: None,
    };
    drop(visitors.take());
    let started = Instant::now();
    let first = client.start_release(&request, Some("the demo"))?;
    listen(client.clone(), first.metadata.name.clone(), first.metadata.environment.clone(), sender.clone())?;
    let mut release = Release::try_from(first)?;
    while !release.status.phase.is_final() {
        match said.recv_timeout(DRAW_EVERY) {
            // What is still heard of the first release does not matter in the second.
            Ok(Said::Release(now)) if now.metadata.name == release.resource.metadata.name => {
                release = Release::try_from(*now)?;
            }
            Ok(Said::Release(_)) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Said::Away) | Err(RecvTimeoutError::Disconnected) => return Err(server_is_gone()),
            Ok(Said::Gone(error)) => return Err(error.into()),
            Ok(Said::Interrupted) => return Err(interrupted()),
        }
        if started.elapsed() > ACT_TIME_MAX {
            return Err(Failure::new(Exit::Failed, format!("{version} is still {:?}", release.status.phase))
                .hint(release.status.reason.text));
        }
        visitors
            .look(|visits| stage.show(&release, &findings(visits, version, turned_back(&release.status))))?;
    }
    let took = started.elapsed();
    pass(said, EPILOGUE)?;
    let findings = findings(&visitors.take(), version, turned_back(&release.status));
    stage.show(&release, &findings)?;
    stage.leave();
    Ok(Act { version, phase: release.status.phase, findings, took })
}

/// When the release began to be taken back.
fn turned_back(status: &ReleaseStatus) -> Option<Timestamp> {
    status.timeline.iter().find(|entry| entry.kind == TimelineKind::RollingBack).map(|entry| entry.at)
}

/// Waits until every build of the shop has a ready endpoint.
fn wait_until_ready(client: &Client, said: &Receiver<Said>) -> Result<(), Failure> {
    let deadline = Instant::now() + READY_TIME_MAX;
    let service = SERVICE.parse().expect("a constant that is a name");
    loop {
        let shop = client.get(Kind::Service, &service, None)?;
        let versions = shop.status.as_ref().and_then(|status| status["versions"].as_array());
        let is_ready = |version: &serde_json::Value| {
            version["endpoints"]["ready"].as_u64().is_some_and(|ready| ready > 0)
        };
        if client.is_ready() && versions.is_some_and(|versions| versions.iter().all(is_ready)) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Failure::new(Exit::Failed, "the builds of the shop did not become ready"));
        }
        pass(said, Duration::from_millis(50))?;
    }
}

/// Lets time pass; Ctrl-C ends it.
fn pass(said: &Receiver<Said>, time: Duration) -> Result<(), Failure> {
    let deadline = Instant::now() + time;
    loop {
        match said.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Said::Interrupted) => return Err(interrupted()),
            Ok(Said::Away) => return Err(server_is_gone()),
            Ok(Said::Gone(error)) => return Err(error.into()),
            Ok(Said::Release(_)) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// Returns when Ctrl-C is pressed, or the server is gone.
pub(crate) fn wait_for_interrupt(said: &Receiver<Said>) {
    while let Ok(Said::Release(_)) = said.recv() {}
}

fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, "stopped; nothing is left behind")
}

fn server_is_gone() -> Failure {
    Failure::new(Exit::Unreachable, "the server of the demo went away")
}
