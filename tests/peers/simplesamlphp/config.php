<?php
// What SimpleSAMLphp is told for the tests; see serve.php, which makes the folder and what is known.
$folder = getenv('PROVIDER_FOLDER');
$known = json_decode(file_get_contents("$folder/known.json"), true);
$config = [
    'baseurlpath' => $known['url'] . '/',
    'certdir' => "$folder/",
    'loggingdir' => "$folder/",
    'datadir' => "$folder/",
    'tempdir' => "$folder/temp",
    'metadatadir' => __DIR__ . '/metadata/',
    'attributenamemapdir' => '/usr/share/simplesamlphp/attributemap/',
    'secretsalt' => 'not a secret: this is a test',
    'auth.adminpassword' => bin2hex(random_bytes(16)),
    'admin.checkforupdates' => false,
    'timezone' => 'UTC',
    'showerrors' => true,
    'errorreporting' => false,
    'logging.handler' => 'errorlog',
    'logging.level' => SimpleSAML\Logger::ERR,
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'store.type' => 'phpsession',
    'session.phpsession.savepath' => "$folder/sessions",
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'language.cookie.secure' => false,
    'language.cookie.samesite' => null,
    'language.default' => 'en',
    'metadata.sources' => array_merge(
        [['type' => 'flatfile']],
        $known['sp'] === '' ? [] : [['type' => 'xml', 'file' => "$folder/sp.xml"]]
    ),
];
