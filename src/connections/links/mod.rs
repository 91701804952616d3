//! Set-up links: what an owner hands to somebody without an account, so that they set one connection up. A link opens one
//! connection and nothing else, in the browser that opened it first, until it ends.

pub mod actions;
mod guest;
mod model;
mod queries;

pub use guest::{COOKIE, SetupGuest};
pub use model::{Link, State, TERMS};
pub use queries::{list, waiting};
