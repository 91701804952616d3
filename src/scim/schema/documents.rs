//! The discovery documents (RFC 7643 §5 to §7, RFC 7644 §4).

use serde_json::{Map, Value, json};

use super::attribute::{Attribute, Type};
use super::{Extension, GROUP_URN, Kind, USER_URN};
use crate::scim::list;
use crate::scim::patch::MAX_OPERATIONS;

const SCHEMA_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const RESOURCE_TYPE_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const CONFIG_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// The largest body of a bulk request, in bytes.
pub const MAX_BULK_BYTES: usize = 1_048_576;

/// Every schema document. `base` is the address of the server, without a slash at its end.
#[must_use]
pub fn documents(base: &str) -> Vec<Value> {
    let mut all = vec![core(base, Kind::User), core(base, Kind::Group)];
    all.extend(Kind::User.extensions().iter().map(|it| extension(base, it)));
    all
}

/// The schema document of this URN, in any case.
#[must_use]
pub fn document(base: &str, urn: &str) -> Option<Value> {
    with_id(documents(base), urn)
}

/// The documents of users and groups.
#[must_use]
pub fn resource_types(base: &str) -> Vec<Value> {
    [Kind::User, Kind::Group]
        .map(|kind| {
            let name = kind.name();
            let extensions: Vec<Value> = kind
                .extensions()
                .iter()
                .map(|it| json!({ "schema": it.urn, "required": false }))
                .collect();
            json!({
                "schemas": [RESOURCE_TYPE_URN],
                "id": name,
                "name": name,
                "endpoint": kind.endpoint(),
                "description": describe(kind),
                "schema": kind.urn(),
                "schemaExtensions": extensions,
                "meta": meta("ResourceType", &format!("{base}/ResourceTypes/{name}")),
            })
        })
        .to_vec()
}

/// The document of the resource type of this name, in any case.
#[must_use]
pub fn resource_type(base: &str, name: &str) -> Option<Value> {
    with_id(resource_types(base), name)
}

/// What this server can do.
#[must_use]
pub fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": [CONFIG_URN],
        "documentationUri": "https://www.rfc-editor.org/rfc/rfc7644",
        "patch": { "supported": true },
        "bulk": {
            "supported": true,
            "maxOperations": MAX_OPERATIONS,
            "maxPayloadSize": MAX_BULK_BYTES,
        },
        "filter": { "supported": true, "maxResults": list::MAX_COUNT },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token of the connection, made by an administrator of the organization.",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true,
        }],
        "meta": meta("ServiceProviderConfig", &format!("{base}/ServiceProviderConfig")),
    })
}

fn with_id(all: Vec<Value>, id: &str) -> Option<Value> {
    all.into_iter().find(|document| {
        document
            .get("id")
            .and_then(Value::as_str)
            .is_some_and(|known| known.eq_ignore_ascii_case(id))
    })
}

const fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "People",
        Kind::Group => "Groups of people",
    }
}

fn meta(kind: &str, location: &str) -> Value {
    json!({ "resourceType": kind, "location": location })
}

fn core(base: &str, kind: Kind) -> Value {
    let urn = match kind {
        Kind::User => USER_URN,
        Kind::Group => GROUP_URN,
    };
    schema(base, urn, kind.name(), describe(kind), kind.attributes())
}

fn extension(base: &str, it: &Extension) -> Value {
    schema(base, it.urn, it.name, it.description, it.attributes)
}

fn schema(base: &str, urn: &str, name: &str, description: &str, attributes: &[Attribute]) -> Value {
    let attributes: Vec<Value> = attributes.iter().map(attribute).collect();
    json!({
        "schemas": [SCHEMA_URN],
        "id": urn,
        "name": name,
        "description": description,
        "attributes": attributes,
        "meta": meta("Schema", &format!("{base}/Schemas/{urn}")),
    })
}

fn attribute(it: &Attribute) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("name", it.name.into());
    put("type", it.kind.as_str().into());
    put("multiValued", it.multi.into());
    put("description", it.description.into());
    put("required", (it.required || it.inherent).into());
    put("mutability", it.mutability.as_str().into());
    put("returned", if it.always { "always" } else { "default" }.into());
    if it.kind != Type::Boolean && it.kind != Type::Complex {
        put("caseExact", it.exact.into());
        put("uniqueness", if it.unique { "server" } else { "none" }.into());
    }
    if !it.values.is_empty() {
        put("canonicalValues", json!(it.values));
    }
    if !it.leads_to.is_empty() {
        put("referenceTypes", json!(it.leads_to));
    }
    if !it.parts.is_empty() {
        put("subAttributes", it.parts.iter().map(attribute).collect());
    }
    Value::Object(fields)
}
