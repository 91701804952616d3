//! Signatures of another shape than SAML gives them.

use super::*;

/// SAML-015, SAML-018, SAML-019, SAML-020, SAML-021, SAML-026, SAML-027, SAML-029, SAML-030, SAML-031, SAML-032.
#[test]
fn signatures_of_another_shape_are_refused() {
    let honest = Forge::new().build();
    let value = cut(&honest, "<SignatureValue>", "</SignatureValue>");
    let with_value = |text: &str| {
        format!(
            "{}<SignatureValue>{text}</SignatureValue>{}",
            value.before, value.after
        )
    };
    let digest = cut(&honest, "<DigestValue>", "</DigestValue>");
    let with_digest = |text: &str| format!("{}{text}{}", digest.before, digest.after);
    let bare = digest
        .part
        .replace("<DigestValue>", "")
        .replace("</DigestValue>", "");
    let info = cut(&honest, "<SignedInfo>", "</SignedInfo>").part;
    let reference = cut(&honest, "<Reference ", "</Reference>").part;
    let whole = signature(&honest).part;
    let uri = |uri: &str| honest.replace("URI=\"#_assertion1\"", uri);
    let method =
        |algorithm: &str| honest.replace("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", algorithm);
    let transforms = cut(&honest, "<Transforms>", "</Transforms>");
    let with_transforms = |text: &str| {
        format!(
            "{}<Transforms>{text}</Transforms>{}",
            transforms.before, transforms.after
        )
    };
    let transform = |algorithm: &str| format!("<Transform Algorithm=\"{algorithm}\"/>");
    let enveloped = transform("http://www.w3.org/2000/09/xmldsig#enveloped-signature");
    let exclusive = transform("http://www.w3.org/2001/10/xml-exc-c14n#");
    let canonical = |algorithm: &str| {
        honest.replace(
            "<CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"",
            &format!("<CanonicalizationMethod Algorithm=\"{algorithm}\""),
        )
    };
    all_refused(&[
        ("empty_sigvalue", with_value(""), "signature_shape"),
        ("blank value", with_value(" \n"), "signature_shape"),
        ("garbage_sigvalue", with_value("Z2FyYmFnZQ=="), "signature"),
        ("not base64", with_value("!!!"), "signature"),
        ("zeros", with_value(&"A".repeat(340)), "signature"),
        ("no value", honest.replace(&value.part, ""), "signature_shape"),
        ("digest_comment", with_digest(&format!("<DigestValue><!--{bare}-->AAAA</DigestValue>")), "mixed_text"),
        ("two digests", with_digest(&format!("{}<DigestValue>AAAA</DigestValue>", digest.part)), "unknown_element"),
        ("digest of nothing", with_digest("<DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</DigestValue>"), "signature"),
        ("empty digest", with_digest("<DigestValue/>"), "signature_shape"),
        ("digest with elements", with_digest(&format!("<DigestValue>{bare}<a xmlns=\"\"/></DigestValue>")), "mixed_text"),
        ("two_signedinfo", honest.replace(&info, &format!("{info}{info}")), "unknown_element"),
        ("two values", honest.replace(&value.part, &format!("{0}{0}", value.part)), "unknown_element"),
        ("two signatures", honest.replace(&whole, &format!("{whole}{whole}")), "signature_shape"),
        ("status_detail_digest", honest.replace("</samlp:Status>", &format!("<samlp:StatusDetail xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignedInfo>{reference}</SignedInfo></samlp:StatusDetail></samlp:Status>")).replace("Ada King", "Eve King"), "signature"),
        ("two_refs", honest.replace(&reference, &format!("{reference}{reference}")), "unknown_element"),
        ("no reference", honest.replace(&reference, ""), "signature_shape"),
        ("manifest", honest.replace("</Signature>", "<Object><Manifest/></Object></Signature>"), "unknown_element"),
        ("ref_empty", uri("URI=\"\""), "reference"),
        ("no URI", uri(""), "reference"),
        ("xpointer", uri("URI=\"#xpointer(/)\""), "reference"),
        ("xpointer id", uri("URI=\"#xpointer(id('_assertion1'))\""), "reference"),
        ("external", uri("URI=\"http://127.0.0.1:1/x\""), "reference"),
        ("cid", uri("URI=\"cid:x\""), "reference"),
        ("file", uri("URI=\"file:///etc/passwd\""), "reference"),
        ("other element", uri("URI=\"#_response1\""), "reference"),
        ("reference type", uri("URI=\"#_assertion1\" Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\""), "reference"),
        ("hmac_confusion", method("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"), "algorithm"),
        ("hmac-sha1", method("http://www.w3.org/2000/09/xmldsig#hmac-sha1"), "algorithm"),
        ("hmac length", honest.replace("#rsa-sha256\"/>", "#rsa-sha256\"><HMACOutputLength>8</HMACOutputLength></SignatureMethod>"), "signature_shape"),
        ("rsa-sha1", method("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), "algorithm"),
        ("rsa-md5", method("http://www.w3.org/2001/04/xmldsig-more#rsa-md5"), "algorithm"),
        ("dsa", method("http://www.w3.org/2000/09/xmldsig#dsa-sha1"), "algorithm"),
        ("no algorithm", method(""), "algorithm"),
        ("other algorithm", method("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"), "signature"),
        ("ecdsa with an RSA key", method("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"), "signature"),
        ("ed25519 with an RSA key", method("http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519"), "signature"),
        ("sha1 digest", honest.replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"), "algorithm"),
        ("xslt", with_transforms(&format!("{enveloped}<Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\"/></Transform>")), "transforms"),
        ("xpath", with_transforms(&format!("{enveloped}<Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><XPath>true()</XPath></Transform>")), "transforms"),
        ("base64", with_transforms(&format!("{enveloped}{}", transform("http://www.w3.org/2000/09/xmldsig#base64"))), "transforms"),
        ("decrypt", with_transforms(&format!("{enveloped}{}", transform("http://www.w3.org/2002/07/decrypt#XML"))), "transforms"),
        ("three transforms", with_transforms(&format!("{enveloped}{exclusive}{exclusive}")), "transforms"),
        ("no transforms", with_transforms(""), "transforms"),
        ("only exclusive", with_transforms(&exclusive), "transforms"),
        ("only enveloped", with_transforms(&enveloped), "transforms"),
        ("in another order", with_transforms(&format!("{exclusive}{enveloped}")), "transforms"),
        ("inclusive", with_transforms(&format!("{enveloped}{}", transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"))), "transforms"),
        ("with comments", with_transforms(&format!("{enveloped}{}", transform("http://www.w3.org/2001/10/xml-exc-c14n#WithComments"))), "transforms"),
        ("inclusive method", canonical("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), "algorithm"),
        ("method with comments", canonical("http://www.w3.org/2001/10/xml-exc-c14n#WithComments"), "algorithm"),
        ("prefixes added", with_transforms(&format!("{enveloped}<Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><InclusiveNamespaces xmlns=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"xs #default\"/></Transform>")), "signature"),
    ]);
}
