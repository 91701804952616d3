//! The attributes of users and groups (RFC 7643 §3.1, §4) and of our own extension.

use super::attribute::Attribute;

const META_PARTS: &[Attribute] = &[
    Attribute::text("resourceType", "User or Group.")
        .exact()
        .read_only(),
    Attribute::moment("created", "When the resource was made.").read_only(),
    Attribute::moment("lastModified", "When the resource was last changed.").read_only(),
    Attribute::link("location", &["uri"], "The address of the resource.").read_only(),
    Attribute::text("version", "The entity tag of the resource.")
        .exact()
        .read_only(),
];

/// What every resource has.
pub const COMMON: &[Attribute] = &[
    Attribute::text("id", "The server's key of the resource.")
        .exact()
        .read_only()
        .always()
        .unique(),
    Attribute::text("externalId", "The directory's own key of the resource.").exact(),
    Attribute::complex("meta", META_PARTS, "What the server knows about the resource.").read_only(),
];

const NAME_PARTS: &[Attribute] = &[
    Attribute::text("formatted", "The whole name as it is shown."),
    Attribute::text("familyName", "The family name."),
    Attribute::text("givenName", "The given name."),
    Attribute::text("middleName", "The middle names."),
    Attribute::text("honorificPrefix", "A title before the name."),
    Attribute::text("honorificSuffix", "A suffix after the name."),
];

const VALUE: Attribute = Attribute::text("value", "The value itself.");
const DISPLAY: Attribute = Attribute::text("display", "The value as it is shown.");
const PRIMARY: Attribute = Attribute::flag("primary", "Whether this one is preferred. Only one can be.");
const TYPE: Attribute = Attribute::text("type", "What the value is for.");

const EMAIL_PARTS: &[Attribute] = &[VALUE, DISPLAY, TYPE.of(&["work", "home", "other"]), PRIMARY];
const PHONE_PARTS: &[Attribute] = &[
    VALUE,
    DISPLAY,
    TYPE.of(&["work", "home", "mobile", "fax", "pager", "other"]),
    PRIMARY,
];
const PLAIN_PARTS: &[Attribute] = &[VALUE, DISPLAY, TYPE, PRIMARY];
const PHOTO_PARTS: &[Attribute] = &[
    Attribute::link(
        "value",
        &["external"],
        "The address of the picture. It is never fetched.",
    ),
    DISPLAY,
    TYPE.of(&["photo", "thumbnail"]),
    PRIMARY,
];
const CERTIFICATE_PARTS: &[Attribute] = &[
    Attribute::bytes("value", "The certificate in base64 DER."),
    DISPLAY,
    TYPE,
    PRIMARY,
];
const ADDRESS_PARTS: &[Attribute] = &[
    Attribute::text("formatted", "The whole address as it is shown."),
    Attribute::text("streetAddress", "Street and number."),
    Attribute::text("locality", "The city."),
    Attribute::text("region", "The state or region."),
    Attribute::text("postalCode", "The postal code."),
    Attribute::text("country", "The country."),
    TYPE.of(&["work", "home", "other"]),
    PRIMARY,
];
const USER_GROUP_PARTS: &[Attribute] = &[
    Attribute::text("value", "The id of the group.")
        .exact()
        .read_only(),
    Attribute::link("$ref", &["Group"], "The address of the group.").read_only(),
    Attribute::text("display", "The name of the group.").read_only(),
    TYPE.of(&["direct"]).read_only(),
];

/// The attributes of a user.
pub const USER: &[Attribute] = &[
    Attribute::text("userName", "The name by which the directory knows the person.")
        .required()
        .unique(),
    Attribute::complex("name", NAME_PARTS, "The parts of the person's name."),
    Attribute::text("displayName", "The person's name as it is shown."),
    Attribute::text("nickName", "A casual name."),
    Attribute::link(
        "profileUrl",
        &["external"],
        "A page about the person. It is never fetched.",
    ),
    Attribute::text("title", "The person's title."),
    Attribute::text("userType", "How the person belongs to the organization."),
    Attribute::text("preferredLanguage", "The person's language."),
    Attribute::text("locale", "The person's locale."),
    Attribute::text("timezone", "The person's time zone."),
    Attribute::flag("active", "Whether the person may come in.").inherent(),
    Attribute::complex("emails", EMAIL_PARTS, "E-mail addresses.").many(),
    Attribute::complex("phoneNumbers", PHONE_PARTS, "Telephone numbers.").many(),
    Attribute::complex("ims", PLAIN_PARTS, "Instant messaging addresses.").many(),
    Attribute::complex("photos", PHOTO_PARTS, "Pictures.").many(),
    Attribute::complex("addresses", ADDRESS_PARTS, "Postal addresses.").many(),
    Attribute::complex(
        "groups",
        USER_GROUP_PARTS,
        "The groups that the person belongs to.",
    )
    .many()
    .read_only(),
    Attribute::complex("entitlements", PLAIN_PARTS, "Entitlements.").many(),
    Attribute::complex("roles", PLAIN_PARTS, "Roles. They give no rights here.").many(),
    Attribute::complex("x509Certificates", CERTIFICATE_PARTS, "Certificates.").many(),
];

const MEMBER_PARTS: &[Attribute] = &[
    Attribute::text("value", "The id of the user.")
        .exact()
        .immutable(),
    Attribute::link("$ref", &["User"], "The address of the user.").immutable(),
    Attribute::text("display", "The name of the user.").read_only(),
    TYPE.of(&["User"]).immutable(),
];

/// The attributes of a group.
pub const GROUP: &[Attribute] = &[
    Attribute::text("displayName", "The name of the group.")
        .required()
        .unique(),
    Attribute::complex("members", MEMBER_PARTS, "The people of the group.").many(),
];

const MANAGER_PARTS: &[Attribute] = &[
    Attribute::text("value", "The id of the manager.").exact(),
    Attribute::link("$ref", &["User"], "The address of the manager."),
    Attribute::text("displayName", "The name of the manager.").read_only(),
];

/// The attributes of the enterprise extension.
pub const ENTERPRISE: &[Attribute] = &[
    Attribute::text("employeeNumber", "The person's number in the organization."),
    Attribute::text("costCenter", "The cost center."),
    Attribute::text("organization", "The organization."),
    Attribute::text("division", "The division."),
    Attribute::text("department", "The department."),
    Attribute::complex("manager", MANAGER_PARTS, "The person's manager."),
];

/// The attributes of our own extension.
pub const OWN: &[Attribute] = &[
    Attribute::text("role", "What the person may do: member or admin.").of(&["member", "admin"]),
    Attribute::text("teams", "The teams that the person belongs to.")
        .many()
        .read_only(),
];
