<?php
// A real SAML identity provider for the tests: SimpleSAMLphp, as the distribution packages it.
//
//   php serve.php '{"people": {"ivan": {"mail": ["ivan@acme.example"]}}}'
//
// It prints one line, {"url": "http://127.0.0.1:PORT"}, and serves until its standard input closes. Each line that comes
// in there is a JSON object that replaces what it names, and is answered by {}:
//
//   people     from the login name to attributes, each a list of texts; the password is the login name
//   sp         the metadata of the service provider, as XML
//   signed     what is signed: "assertion", "response" (whatever the service provider wants) or "both"
//   encrypted  whether the assertion is encrypted, which this version does with AES-CBC
//   demands    whether requests must be signed

$folder = sys_get_temp_dir() . '/simplesamlphp-' . bin2hex(random_bytes(8));
foreach (['', '/sessions', '/temp'] as $part) {
    mkdir($folder . $part, 0700);
}
$key = openssl_pkey_new(['private_key_bits' => 2048, 'private_key_type' => OPENSSL_KEYTYPE_RSA]);
openssl_pkey_export_to_file($key, "$folder/provider.key");
$request = openssl_csr_new(['commonName' => 'provider.example'], $key, ['digest_alg' => 'sha256']);
openssl_x509_export_to_file(openssl_csr_sign($request, null, $key, 400, ['digest_alg' => 'sha256']), "$folder/provider.pem");

$known = ['people' => [], 'sp' => '', 'signed' => 'both', 'encrypted' => false, 'demands' => false];
$change = function (string $line) use (&$known, $folder): void {
    $known = array_merge($known, json_decode($line, true, 32, JSON_THROW_ON_ERROR));
    $wanted = 'WantAssertionsSigned="true"';
    $alone = $known['signed'] === 'response';
    file_put_contents("$folder/sp.xml", $alone ? str_replace($wanted, '', $known['sp']) : $known['sp']);
    file_put_contents("$folder/known.json", json_encode($known));
};

$free = stream_socket_server('tcp://127.0.0.1:0');
$address = stream_socket_get_name($free, false);
fclose($free);
$known['url'] = "http://$address";
$change($argv[1] ?? '{}');
$server = proc_open(
    [PHP_BINARY, '-q', '-d', 'display_errors=0', '-S', $address, '-t', '/usr/share/simplesamlphp/www'],
    [['file', '/dev/null', 'r'], ['file', "$folder/log", 'a'], ['file', "$folder/log", 'a']],
    $pipes,
    null,
    ['SIMPLESAMLPHP_CONFIG_DIR' => __DIR__, 'PROVIDER_FOLDER' => $folder, 'PATH' => getenv('PATH')]
);
for ($tries = 0; !($reached = @fsockopen("tcp://$address")) && $tries < 200; $tries++) {
    usleep(50_000);
}
if (!$reached) {
    fwrite(STDERR, file_get_contents("$folder/log"));
    exit(1);
}
fclose($reached);
echo json_encode(['url' => $known['url']], JSON_UNESCAPED_SLASHES), "\n";
while (($line = fgets(STDIN)) !== false) {
    $change($line);
    echo "{}\n";
}
proc_terminate($server);
$remains = new RecursiveIteratorIterator(
    new RecursiveDirectoryIterator($folder, FilesystemIterator::SKIP_DOTS),
    RecursiveIteratorIterator::CHILD_FIRST
);
foreach ($remains as $remain) {
    $remain->isDir() ? rmdir($remain) : unlink($remain);
}
rmdir($folder);
