//! Who is signed in.
//!
//! Sessions live in the database; the browser holds a random key, the table its hash. A session by
//! single sign-on belongs to one organization; one by password to the account, and opens every
//! organization in which the account is an active member. Each request reads membership and role anew,
//! so that nobody acts after the commit that deactivates them.
//!
//! **Authorization is a type**: a handler that takes [`Admin`] can't be reached by a member.

mod frame;
mod fresh;
mod model;
mod people;
mod queries;
mod store;

pub use frame::Frame;
pub use fresh::{Fresh, KeptForm, PROOF_LASTS, kept_form, prove};
pub use model::{
    IDLE, LIFETIME, NewSession, Open, Strength, begin, end, end_all_of_account, end_in_organization,
    end_others, end_single_sign_on, enter, go_on, leave, list, way_back,
};
pub use people::{Admin, Member, Operator, Owner, Signed};
pub use queries::{count_in_organization, end_everybody_in_organization, open_denials, organizations_of};
pub use store::{Sessions, or_a_page};
