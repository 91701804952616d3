//! Denied sign-ins: the administrators' queue, one row per person who was turned away. The attempts
//! themselves are sign-ins; a denial is what they have in common, and what became of it.

pub mod actions;
mod model;
mod queries;

pub use model::{Denial, State};
pub use queries::find;
