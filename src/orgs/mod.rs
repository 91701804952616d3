//! Organizations: what people are let into, and their settings.

mod model;
mod queries;
pub mod actions;

pub use model::{Organization, Settings};
pub use queries::{all, count, find, find_by_slug};
