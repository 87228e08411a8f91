//! `sluice events`.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use sluice_engine::port::store::EventRecord;

use crate::args::{EventsArgs, Output};
use crate::client::{Client, Error, Message};
use crate::interrupt::on_interrupt;
use crate::outcome::{Exit, Failure};
use crate::verb::Context;

/// How long to leave a server that is away in peace.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);

enum Said {
    Record(Box<EventRecord>),
    Gone(Error),
    Interrupted,
}

/// Shows the last events, and with `--follow` those that come.
pub(crate) fn run(context: &mut Context, args: &EventsArgs) -> Result<Exit, Failure> {
    let records = context.client.last_events(args.limit)?;
    if !args.follow && context.common.output == Output::Json {
        crate::show::for_programs(&mut context.out, Output::Json, &serde_json::json!({ "items": records }))?;
        return Ok(Exit::Done);
    }
    for record in &records {
        print(context, record)?;
    }
    if !args.follow {
        return Ok(Exit::Done);
    }
    let (sender, said) = channel();
    let client = context.client.clone();
    let (listener, after) = (sender.clone(), records.last().map(|record| record.seq));
    std::thread::spawn(move || listen(&client, after, &listener));
    // Nobody reads any more when this cannot be sent.
    on_interrupt(move || drop(sender.send(Said::Interrupted)))?;
    loop {
        match said.recv() {
            Ok(Said::Record(record)) => print(context, &record)?,
            Ok(Said::Gone(error)) => return Err(error.into()),
            Ok(Said::Interrupted) | Err(_) => return Ok(Exit::Done),
        }
    }
}

/// Hands on every event after `after`, once; connects again when the connection ends.
fn listen(client: &Client, mut after: Option<u64>, to: &Sender<Said>) {
    loop {
        let stream = match client.stream(after) {
            Ok(stream) => stream,
            Err(error) => return drop(to.send(Said::Gone(error))),
        };
        for message in stream {
            let Message::Log(record) = message else { continue };
            if after.is_some_and(|after| record.seq <= after) {
                continue;
            }
            after = Some(record.seq);
            if to.send(Said::Record(record)).is_err() {
                return;
            }
        }
        std::thread::sleep(TRY_AGAIN_AFTER);
    }
}

/// One event as a line; for programs as one object a line, because there is no end to wait for.
fn print(context: &mut Context, record: &EventRecord) -> Result<(), Failure> {
    let paint = context.out.paint();
    let line = match context.common.output {
        Output::Json => serde_json::to_string(record)
            .map_err(|error| Failure::new(Exit::Bug, "the event cannot be printed").because(&error))?,
        Output::Yaml => {
            let value = serde_json::to_value(record).unwrap_or_default();
            format!("---\n{}", crate::show::yaml::text_of(&value).trim_end())
        }
        Output::Table => format!(
            "{} {} {}: {}",
            paint.dim(&record.at.to_string()),
            record.actor,
            record.subject,
            record.text
        ),
        Output::Wide => format!(
            "{} {} {} {} {}: {}",
            record.seq,
            paint.dim(&record.at.to_string()),
            record.kind,
            record.actor,
            record.subject,
            record.text
        ),
    };
    context.out.line(&line)
}
