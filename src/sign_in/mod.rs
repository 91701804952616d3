//! How people sign in.

pub mod oidc;
