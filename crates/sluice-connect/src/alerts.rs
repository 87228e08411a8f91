//! Alerts that other programs send: which are firing now.
//!
//! Alertmanager, Grafana and Datadog call `POST /api/v1/alerts` when an alert begins or ends. What is firing is kept in a
//! file, so that a restart forgets nothing: senders repeat themselves only after hours.

mod http;
mod shape;
mod source;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sluice_core::{Span, Timestamp};
use sluice_engine::port::Clock;

pub(crate) use self::http::take;
use self::shape::Told;
pub(crate) use self::source::AlertsSource;

/// An alert that nobody speaks of any more for so long is over: senders repeat themselves within hours.
const EXPIRES_AFTER: Span = Span::from_secs(24 * 3600);
/// Somebody who has more than this firing has other worries.
const ALERTS_MAX: usize = 10_000;

/// The alerts that are firing.
pub struct Alerts {
    clock: Arc<dyn Clock>,
    path: Option<PathBuf>,
    board: Mutex<Board>,
    /// Held while one request is written down, so that the next one builds on it.
    changing: tokio::sync::Mutex<()>,
}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Board {
    /// When anything was received last, be it that an alert is over.
    received: Option<Timestamp>,
    /// By what their senders know them as.
    firing: BTreeMap<String, Alert>,
}

/// An alert that is firing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Alert {
    name: String,
    labels: BTreeMap<String, String>,
    /// When it is over without anybody saying so.
    until: Timestamp,
}

impl Board {
    fn tell(&mut self, told: Vec<Told>, now: Timestamp) {
        self.received = Some(now);
        self.firing.retain(|_, alert| alert.until > now);
        for Told { fingerprint, name, labels, is_firing, ends } in told {
            if is_firing {
                let until = ends.unwrap_or_else(|| now.after(EXPIRES_AFTER));
                self.firing.insert(fingerprint, Alert { name, labels, until });
            } else {
                self.firing.remove(&fingerprint);
            }
        }
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and times can be written")
    }
}

/// Reads any bytes as a call of Alertmanager, Grafana or Datadog in 1970, and gives the file in which its alerts would
/// be kept; `None` when it is refused. For whoever wants to see that no bytes do harm.
pub fn read_alert_call(bytes: &[u8]) -> Option<Vec<u8>> {
    let told = shape::read(bytes).ok()?;
    let mut board = Board::default();
    board.tell(told, Timestamp::from_millis(0));
    Some(board.to_json())
}

/// Reads any bytes as the file in which alerts are kept, and writes it anew; `None` when they are none. What is written
/// anew is written the same from then on.
pub fn read_kept_alerts(bytes: &[u8]) -> Option<Vec<u8>> {
    serde_json::from_slice::<Board>(bytes).ok().map(|board| board.to_json())
}

/// Why alerts that were kept cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AlertsUnreadable {
    /// The file cannot be read.
    #[error("cannot read the alerts that are kept in `{path}`: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("`{path}` does not hold alerts: {source}; move it away to begin without any")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Why what was received is not taken.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error("{ALERTS_MAX} alerts are firing already, which is as many as are kept")]
    Full,
    #[error("the alerts could not be written to `{path}`: {source}", path = path.display())]
    Unwritten { path: PathBuf, source: std::io::Error },
}

impl Alerts {
    /// Keeps them for as long as the process lives.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Alerts {
        Alerts { clock, path: None, board: Mutex::default(), changing: tokio::sync::Mutex::default() }
    }

    /// Keeps them in a file, and begins with those that are in it. The file need not be there yet; its folder must.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn kept_in(path: PathBuf, clock: Arc<dyn Clock>) -> Result<Alerts, AlertsUnreadable> {
        let board = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| AlertsUnreadable::Content { path: path.clone(), source })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Board::default(),
            Err(source) => return Err(AlertsUnreadable::File { path, source }),
        };
        Ok(Alerts { path: Some(path), board: Mutex::new(board), ..Alerts::in_memory(clock) })
    }

    /// Writes down what a sender has told, then lets it count.
    ///
    /// # Cancel safety
    /// When dropped, it may have been written down without counting yet; it counts with the next request, or after a
    /// restart.
    async fn change(&self, told: Vec<Told>) -> Result<(), NotTaken> {
        let _changing = self.changing.lock().await;
        let now = self.clock.now();
        let mut board = self.board().clone();
        board.tell(told, now);
        if board.firing.len() > ALERTS_MAX {
            return Err(NotTaken::Full);
        }
        if let Some(path) = &self.path {
            let bytes = board.to_json();
            let writing = tokio::task::spawn_blocking({
                let path = path.clone();
                move || write(&path, &bytes)
            });
            let written = writing.await.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped)));
            written.map_err(|source| NotTaken::Unwritten { path: path.clone(), source })?;
        }
        *self.board() = board;
        Ok(())
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replaces the file whole, or leaves it as it was.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}
