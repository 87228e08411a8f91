//! What the engine needs of the world, as traits; adapters implement them.

pub mod clock;
pub mod history;
pub mod hooks;
pub mod metrics;
pub mod source;
pub mod store;
pub mod traffic;

pub use clock::Clock;
pub use history::History;
pub use hooks::Hooks;
pub use metrics::Metrics;
pub use source::{Source, Sources};
pub use store::Store;
pub use traffic::Traffic;
