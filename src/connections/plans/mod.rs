//! Switches that are made at a set time, and switches that make themselves back where more people are denied than was
//! thought. What is kept of them is here; the previews above make them.

pub mod actions;
mod model;
mod queries;

pub use model::{Facts, HOUR_OF_WATCH, LATEST, Plan, Start, State, Switch, Watch, judge_start, judge_watch};
pub use queries::{due, find, recent};
