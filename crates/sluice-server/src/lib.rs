//! The HTTP API, the live events and the dashboard, over an [`Engine`](sluice_engine::Engine).
//!
//! This crate translates: requests into calls of the engine, its answers into JSON and its errors into problem bodies.
//! It decides nothing and keeps nothing. There is no sign-in yet, so that it listens on loopback addresses only and
//! answers nobody who came by another name; see [`guard`].
//!
//! | module | what it holds |
//! |---|---|
//! | [`serve`] | listening, connections, limits, stopping |
//! | [`guard`] | who is answered at all, and the headers that keep browsers safe |
//! | [`routes`] | the operations, one file for each group, each with its description |
//! | [`extract`] | what operations take from a request |
//! | [`error`] | problem bodies, and the table of their codes |
//! | [`openapi`] | the OpenAPI document, made from all of these |
//! | [`dashboard`] | the files of the dashboard, inside the binary |

mod dashboard;
pub mod error;
mod extract;
mod gateway;
mod guard;
mod observe;
mod openapi;
mod routes;
mod schema;
mod serve;
mod state;

pub use gateway::{AccessLogFigures, Exemplar, GatewayFigures, GatewayView, VersionFigures};
pub use openapi::openapi;
pub use serve::{BindError, Server};
pub use state::{BuildInfo, Options, PreviewSigner};
