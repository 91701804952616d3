//! The audit log: every change and every sign-in outcome. An entry is written in the transaction of
//! what it tells, or neither is. It keeps names as they were then, so that it needs no other feature.

mod model;
mod queries;

pub use model::{Actor, ActorKind, Event, Subject, record};
