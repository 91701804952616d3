//! What the server says about itself (RFC 7644 §4).

use serde_json::Value;

use super::request::{Answer, Context, Request};
use crate::scim::schema::{document, documents, resource_type, resource_types, service_provider_config};
use crate::scim::{ScimError, list};

/// Answers a request for a discovery document.
///
/// # Errors
/// 403 for a filter, which RFC 7644 §4 does not allow here; 404 for what there is not.
pub fn handle(context: &Context, request: &Request) -> Result<Answer, ScimError> {
    let mut query = url::form_urlencoded::parse(request.query.as_bytes());
    if query.any(|(name, _)| name.eq_ignore_ascii_case("filter")) {
        return Err(ScimError::new(
            403,
            "What the server says about itself can’t be filtered.",
        ));
    }
    let base = context.base.as_str();
    let names: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let body = match names.as_slice() {
        ["ServiceProviderConfig"] => Some(service_provider_config(base)),
        ["ResourceTypes"] => Some(listed(&resource_types(base))),
        ["ResourceTypes", name] => resource_type(base, name),
        ["Schemas"] => Some(listed(&documents(base))),
        ["Schemas", urn] => document(base, urn),
        _ => None,
    };
    body.map(|body| Answer::new(200, Some(body)))
        .ok_or_else(ScimError::not_found)
}

fn listed(all: &[Value]) -> Value {
    list::response(i64::try_from(all.len()).unwrap_or(i64::MAX), 1, all)
}
