"""A real SAML identity provider for the tests: pysaml2 (with xmlsec1) and a sign-in page of its own.

    python saml-provider.py '{"people": {"ivan": {"name_id": "ivan@acme.example", "mail": ["ivan@acme.example"]}}}'

It prints one line, {"url": "http://127.0.0.1:PORT"}, and serves until its standard input closes: /metadata, /sso by
redirect and by post, and /start?login=ivan, which signs in unasked. Each line that comes in is a JSON object that
replaces what it names, and is answered by {}:

    people    from the login name to "name_id" (with "name_id_format") and to attributes, each a list of texts
    sp        the metadata of the service provider, as XML
    signed    what is signed: "response", "assertion", "both" or "nothing"
    encrypted null, or the algorithm of the assertion: "aes256-gcm", "aes128-gcm", "aes128-cbc"
    demands   whether requests must be signed
    fault     null, or what is wrong with the next answers: a name in FAULTS
"""

import base64
import datetime
import functools
import html
import json
import logging
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, entity, saml, xmldsig
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.server import Server
from saml2.sigver import pre_encryption_part

logging.disable(logging.CRITICAL)
PASSWORD_OVER_TLS = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
ENCRYPTION = {  # algorithm -> its URI, xmlsec1's name for a session key of its length
    "aes256-gcm": ("http://www.w3.org/2009/xmlenc11#aes256-gcm", "aes-256"),
    "aes128-gcm": ("http://www.w3.org/2009/xmlenc11#aes128-gcm", "aes-128"),
    "aes128-cbc": ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "aes-128"),
}
state = {"people": {}, "sp": None, "signed": "both", "encrypted": None, "demands": False, "fault": None}
lock = threading.Lock()


def moment(minutes):
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def confirmation(assertion):
    confirmations = assertion.subject.subject_confirmation
    one = confirmations[0] if isinstance(confirmations, list) else confirmations
    return one.subject_confirmation_data


def expired(assertion, _):
    assertion.conditions.not_before = moment(-60)
    assertion.conditions.not_on_or_after = confirmation(assertion).not_on_or_after = moment(-30)


def not_yet_valid(assertion, _):
    assertion.conditions.not_before = moment(30)


def wrong_audience(assertion, _):
    restriction = assertion.conditions.audience_restriction
    one = restriction[0] if isinstance(restriction, list) else restriction
    one.audience = [saml.Audience(text="https://another.example/metadata")]


def wrong_destination(_, answer):
    answer["consumer_url"] = "https://another.example/acs"


def wrong_recipient(assertion, _):
    confirmation(assertion).recipient = "https://another.example/acs"


def wrong_in_response_to(assertion, answer):
    answer["in_response_to"] = "id-of-another-request"
    confirmation(assertion).in_response_to = "id-of-another-request"


def no_email(assertion, _):
    assertion.subject.name_id = saml.NameID(format=saml.NAMEID_FORMAT_PERSISTENT, text="a7d1e3")
    assertion.attribute_statement = []


FAULTS = {
    "unsigned": None,  # these three are faults of signing: see `answer`
    "wrong_key": None,
    "sha1": None,
    **{bend.__name__: bend for bend in (
        expired, not_yet_valid, wrong_audience, wrong_destination, wrong_recipient, wrong_in_response_to, no_email,
    )},
}


class Provider(Server):
    """pysaml2's, which can be bent before it signs."""

    def _response(self, in_response_to, consumer_url=None, *args, **others):
        bend = FAULTS.get(state["fault"])
        answer = {"in_response_to": in_response_to, "consumer_url": consumer_url}
        if bend and "assertion" in others:
            bend(others["assertion"], answer)
        return super()._response(answer["in_response_to"], answer["consumer_url"], *args, **others)


def new_key(folder, name):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=400)).sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(pem))


def configuration(url, folder):
    return IdPConfig().load({
        "entityid": f"{url}/metadata",
        "xmlsec_binary": "/usr/bin/xmlsec1",
        "key_file": str(folder / "provider.key"),
        "cert_file": str(folder / "provider.pem"),
        "metadata": {"inline": [state["sp"]] if state["sp"] else []},
        "service": {"idp": {
            "endpoints": {"single_sign_on_service": [
                (f"{url}/sso", BINDING_HTTP_REDIRECT), (f"{url}/sso", BINDING_HTTP_POST),
            ]},
            "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None,
                                   "name_form": saml.NAME_FORMAT_URI}},
            "name_id_format": [saml.NAMEID_FORMAT_EMAILADDRESS, saml.NAMEID_FORMAT_PERSISTENT],
            "want_authn_requests_signed": state["demands"],
        }},
    })


def answer(server, person, acs, sp, in_response_to):
    """The response, as XML."""
    signed, fault = state["signed"], state["fault"]
    if fault == "unsigned":
        signed = "nothing"
    server.sec.key_file = str(server.folder / ("attacker.key" if fault == "wrong_key" else "provider.key"))
    weak = {"sign_alg": xmldsig.SIG_RSA_SHA1, "digest_alg": xmldsig.DIGEST_SHA1}
    strong = {"sign_alg": xmldsig.SIG_RSA_SHA256, "digest_alg": xmldsig.DIGEST_SHA256}
    if state["encrypted"]:
        uri, key_type = ENCRYPTION[state["encrypted"]]
        entity.pre_encryption_part = functools.partial(pre_encryption_part, msg_enc=uri)
        encrypt = server.sec.crypto.encrypt_assertion
        server.sec.encrypt_assertion = lambda statement, key, template, key_type=key_type, node_xpath=None: encrypt(
            statement, key, template, key_type, node_xpath
        )
    attributes = {name: values for name, values in person.items() if not name.startswith("name_id")}
    name_id = saml.NameID(
        format=person.get("name_id_format", saml.NAMEID_FORMAT_EMAILADDRESS), text=person["name_id"]
    )
    response = server.create_authn_response(
        attributes, in_response_to, acs, sp, name_id=name_id,
        authn={"class_ref": PASSWORD_OVER_TLS, "authn_auth": server.config.entityid},
        sign_response=signed in ("response", "both"), sign_assertion=signed in ("assertion", "both"),
        encrypt_assertion=bool(state["encrypted"]), encrypt_assertion_self_contained=True,
        **(weak if fault == "sha1" else strong),
    )
    return str(response)


class Pages(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def page(self, status, content, kind="text/html; charset=utf-8"):
        body = content.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        parts = urlsplit(self.path)
        self.serve(parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.serve(urlsplit(self.path).path, {name: values[0] for name, values in parse_qs(body).items()})

    def serve(self, path, fields):
        try:
            with lock:
                self.answer(path, fields)
        except Exception as error:  # whatever it is, the test shall read it on the page
            self.page(400, f"<h1>The provider refuses</h1><p>{html.escape(repr(error))}</p>")

    def answer(self, path, fields):
        url = self.server.url
        config = configuration(url, self.server.folder)
        if path == "/metadata":
            return self.page(200, str(entity_descriptor(config)), "application/samlmetadata+xml")
        server = Provider(config=config)
        server.folder = self.server.folder
        if path == "/start":
            sp = next(iter(server.metadata.service_providers()))
            [service, *_] = server.metadata.assertion_consumer_service(sp, BINDING_HTTP_POST)
            return self.send(server, fields, service["location"], sp, None)
        if path != "/sso":
            return self.page(404, "<h1>There is no such page</h1>")
        binding = BINDING_HTTP_POST if fields.get("by") == "post" or self.command == "POST" and "by" not in fields \
            else BINDING_HTTP_REDIRECT
        request = server.parse_authn_request(
            fields["SAMLRequest"], binding, relay_state=fields.get("RelayState"),
            sigalg=fields.get("SigAlg"), signature=fields.get("Signature"),
        )
        arguments = server.response_args(request.message, [BINDING_HTTP_POST])
        if fields.get("login") not in state["people"]:
            return self.form(fields, binding)
        return self.send(server, fields, arguments["destination"], arguments["sp_entity_id"], request.message.id)

    def form(self, fields, binding):
        problem = f"<p role=alert>Nobody is called “{html.escape(fields['login'])}”." if "login" in fields else ""
        kept = {**fields, "by": "post" if binding == BINDING_HTTP_POST else "redirect"}
        hidden = hidden_fields({name: value for name, value in kept.items() if name != "login"})
        self.page(200, f"""<!doctype html><html lang=en><title>Sign in at the provider</title>
            <h1>Sign in at the provider</h1>{problem}<form method="post" action="/sso">{hidden}
            <label>Login name <input name="login"></label><button>Continue</button></form>""")

    def send(self, server, fields, acs, sp, in_response_to):
        xml = answer(server, state["people"][fields["login"]], acs, sp, in_response_to)
        sent = {"SAMLResponse": base64.b64encode(xml.encode()).decode()}
        if "RelayState" in fields:
            sent["RelayState"] = fields["RelayState"]
        self.page(200, f"""<!doctype html><html lang=en><title>Going back</title>
            <form method="post" action="{html.escape(acs)}">{hidden_fields(sent)}<button>Go back</button></form>""")


def hidden_fields(fields):
    return "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in fields.items()
    )


def change(line):
    changed = json.loads(line)
    unknown = [name for name in changed if name not in state]
    if unknown or changed.get("fault") not in (None, *FAULTS):
        raise SystemExit(f"the SAML provider does not know {unknown or changed['fault']}")
    with lock:
        state.update(changed)


def main():
    change(sys.argv[1] if len(sys.argv) > 1 else "{}")
    with tempfile.TemporaryDirectory() as folder:
        server = HTTPServer(("127.0.0.1", 0), Pages)
        server.url, server.folder = f"http://127.0.0.1:{server.server_port}", Path(folder)
        new_key(server.folder, "provider")
        new_key(server.folder, "attacker")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(json.dumps({"url": server.url}), flush=True)
        for line in sys.stdin:
            change(line)
            print("{}", flush=True)


main()
