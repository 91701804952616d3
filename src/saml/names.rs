//! Namespaces and other fixed names of the SAML and XML security standards.

/// SAML assertions (SAML Core §2).
pub const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// SAML messages (SAML Core §3).
pub const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// XML signatures.
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// XML encryption.
pub const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// XML encryption 1.1.
pub const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
/// Exclusive canonical XML, without comments.
pub const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The transform that leaves the signature itself out.
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
