//! The client verbs: each asks the server for one thing and prints the answer; some need no server.

pub(crate) mod analyze;
pub(crate) mod apply;
pub(crate) mod delete;
pub(crate) mod diff;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod gateway;
pub(crate) mod get;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod preview;
pub(crate) mod promote;
pub(crate) mod rehearse;
pub(crate) mod release;
pub(crate) mod schema;
pub(crate) mod standing;
pub(crate) mod validate;
pub(crate) mod version;

use crate::args::Common;
use crate::client::Client;
use crate::terminal::Screen;

/// What every client verb works with.
pub(crate) struct Context {
    pub(crate) common: Common,
    pub(crate) client: Client,
    /// For data.
    pub(crate) out: Screen,
    /// For everything else.
    pub(crate) notes: Screen,
}

impl Context {
    /// A context from the options of the command line.
    pub(crate) fn new(common: Common) -> Context {
        Context {
            client: Client::new(common.server.clone(), common.actor.clone().map(String::from).or_else(login)),
            out: Screen::stdout(common.color),
            notes: Screen::stderr(common.color),
            common,
        }
    }
}

/// Who acts when nobody is named: whoever is logged in. There is no sign-in yet, so this is a courtesy to readers of the
/// log and no proof.
fn login() -> Option<String> {
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    (!name.is_empty() && name.len() <= 64 && name.chars().all(is_plain)).then_some(name)
}
