//! Sign-ins: one record of each attempt that ended, admitted, denied or rejected. Whoever judges an
//! attempt writes it with [`insert`] in the transaction of its effects; nothing changes it afterwards.

mod model;
mod queries;

pub use model::{Outcome, Record};
pub use queries::insert;
