<?php
// Everybody's password is their login name.
$folder = getenv('PROVIDER_FOLDER');
$people = json_decode(file_get_contents("$folder/known.json"), true)['people'];
$config = ['people' => ['exampleauth:UserPass']];
foreach ($people as $login => $attributes) {
    $config['people']["$login:$login"] = $attributes;
}
