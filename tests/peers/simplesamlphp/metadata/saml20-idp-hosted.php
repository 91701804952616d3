<?php
// The identity provider itself. The address names the person: the NameID is the attribute `mail`.
$folder = getenv('PROVIDER_FOLDER');
$known = json_decode(file_get_contents("$folder/known.json"), true);
$metadata[$known['url'] . '/metadata'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'provider.key',
    'certificate' => 'provider.pem',
    'auth' => 'people',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'saml20.sign.response' => $known['signed'] !== 'assertion',
    'saml20.sign.assertion' => $known['signed'] !== 'response',
    'assertion.encryption' => $known['encrypted'],
    'validate.authnrequest' => $known['demands'],
    'redirect.validate' => $known['demands'],
    'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic',
    'NameIDFormat' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
    'authproc' => [
        10 => [
            'class' => 'saml:AttributeNameID',
            'attribute' => 'mail',
            'Format' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
        ],
    ],
];
