//! SCIM 2.0 without HTTP and without a database (RFC 7643, RFC 7644): schemas, filters, paths, PATCH, lists,
//! and the shapes of answers.

mod error;

pub use error::{ScimError, ScimType};
