//! SCIM 2.0 without HTTP and without a database (RFC 7643, RFC 7644): schemas, filters, paths, PATCH, lists,
//! and the shapes of answers.

pub mod date;
mod error;
pub mod filter;
pub mod list;
pub mod patch;
pub mod path;
mod projection;
pub mod resource;
pub mod schema;

pub use error::{ScimError, ScimType};
pub use projection::Projection;
