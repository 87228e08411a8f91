//! What is known of visitors besides their request: where they are, what their tokens claim, which lists name them.
//!
//! Everything here can be replaced while visitors are served. Whoever holds a clone replaces it for all.

mod countries;
mod forwarded;
mod lists;
mod tokens;

use sluice_core::network::Network;

pub use countries::{Countries, CountriesError};
pub(crate) use forwarded::{Forwarded, is_forwarding};
pub use lists::Lists;
pub(crate) use tokens::{Claims, Verified};
pub use tokens::{KeysError, TokenOptions, Tokens};

/// What is known of visitors, and whom to believe about it.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    /// Proxies that are believed when they say whom they forward. When there are any, what everybody else says of it is
    /// taken off.
    pub trusted_proxies: Vec<Network>,
    /// How tokens are verified. Without, none claims anything.
    pub tokens: Option<Tokens>,
    /// Which country an address is in. Without, none is known.
    pub countries: Countries,
    /// Lists of ids.
    pub lists: Lists,
}
