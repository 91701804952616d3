//! Set-up links: what an owner hands to somebody without an account, so that they set one connection up. A link opens one
//! connection and nothing else, in the browser that opened it first, until it ends. It is copied by the owner who made
//! it, or goes by mail to whoever gets it.

pub mod actions;
mod guest;
mod letters;
mod model;
mod queries;

pub use guest::{COOKIE, SetupGuest};
pub use letters::ABOUT;
pub use model::{Link, State, TERMS, Wanted};
pub use queries::{list, waiting};
