//! Who is signed in.
//!
//! Sessions live in the database; the browser holds a random key, the table its hash. A session by
//! single sign-on belongs to one organization; one by password to the account, and opens every
//! organization in which the account is an active member. Each request reads membership and role anew,
//! so that nobody acts after the commit that deactivates them.
//!
//! **Authorization is a type**: a handler that takes [`Admin`] can't be reached by a member.

mod frame;
mod model;
mod people;
mod queries;
mod store;

pub use frame::Frame;
pub use model::{
    IDLE, LIFETIME, NewSession, Open, begin, end, end_all_of_account, end_in_organization, end_others,
    end_single_sign_on, enter, leave, list,
};
pub use people::{Admin, Member, Operator, Owner, Signed};
pub use queries::{is_owner_anywhere, organizations_of};
pub use store::Sessions;
