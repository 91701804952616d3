"""A real SMTP server for the tests: aiosmtpd, on 127.0.0.1. It keeps what it is given, and can be told to refuse.

    python mail-sink.py '{"tls": "none", "login": null}'

`tls` is "none", "starttls" or "implicit"; the certificate is of a CA of its own, made at the start. `login` is null, or
{"user": …, "password": …}: then it takes letters only from who logged in. It prints one line, {"port": PORT, "ca": PATH},
and serves until its standard input closes. Each line that comes in is a JSON object, answered by one:

    {"wait": N}     waits until there are N letters (at most a minute); all letters that are there
    {"faults": {}}  what is done with the letter to an address from now on, "*" for all that are not named:
                    "452 …", "550 …": said to RCPT TO      "data 451 …": said after the text
                    "hang up": keeps it, and closes the connection without a word
                    "slow": says nothing until {"go": true} comes
                    "greet 554 …": said instead of a greeting ("*" only)
"""

import asyncio
import email
import email.policy
import ipaddress
import json
import ssl
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Sink:
    def __init__(self, login):
        self.login, self.letters, self.faults = login, [], {}
        self.came, self.go = asyncio.Condition(), asyncio.Event()
        self.under_way = 0

    def fault(self, address):
        return self.faults.get(address, self.faults.get("*", ""))

    async def handle_RCPT(self, server, session, envelope, address, options):
        fault = self.fault(address)
        if fault[:1] in ("4", "5"):
            return fault
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        fault = self.fault(envelope.rcpt_tos[0])
        if fault.startswith("data "):
            return fault[5:]
        if fault == "slow":
            async with self.came:
                self.under_way += 1
                self.came.notify_all()
            await self.go.wait()
        async with self.came:
            self.letters.append(read(envelope, session, server.transport))
            self.came.notify_all()
        if fault == "hang up":
            server.transport.abort()
            await asyncio.sleep(3600)
        return "250 Taken"

    def authenticate(self, server, session, envelope, mechanism, data):
        wanted = (self.login["user"].encode(), self.login["password"].encode())
        return AuthResult(success=(data.login, data.password) == wanted, handled=False)

    async def ask(self, question):
        if "faults" in question:
            self.faults = question["faults"]
        if "go" in question:
            self.go.set()
        waited = lambda: len(self.letters) >= question.get("wait", 0) and self.under_way >= question.get("slow", 0)
        async with self.came:
            await asyncio.wait_for(self.came.wait_for(waited), 60)
        return {"letters": self.letters}


class Server(SMTP):
    turned_away = False

    def connection_made(self, transport):
        greeting = self.event_handler.faults.get("*", "")
        if greeting.startswith("greet "):
            self.turned_away = True
            transport.write(greeting[6:].encode() + b"\r\n")
            transport.close()
        else:
            super().connection_made(transport)

    def connection_lost(self, error):
        if not self.turned_away:
            super().connection_lost(error)


def read(envelope, session, transport):
    raw = envelope.original_content
    message = email.message_from_bytes(raw, policy=email.policy.default)
    part = lambda kind: (body := message.get_body((kind,))) and body.get_content()
    lines = raw.split(b"\r\n")
    return {
        "envelope_from": envelope.mail_from,
        "envelope_to": envelope.rcpt_tos,
        "headers": [[name, str(value)] for name, value in message.items()],
        "subject": str(message["subject"]),
        "id": str(message["message-id"]),
        "from": str(message["from"]),
        "to": str(message["to"]),
        "text": part("plain"),
        "html": part("html"),
        "raw": raw.decode("latin-1"),
        "longest": max(len(line) for line in lines),
        "bare": any(b"\r" in line or b"\n" in line for line in lines),
        "tls": transport.get_extra_info("ssl_object") is not None,
        "login": session.authenticated,
    }


def certificates(folder):
    """Makes a CA, and a certificate of it for 127.0.0.1 and localhost."""
    now = datetime.now(timezone.utc)

    def make(name, issuer, issuer_key, extensions):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder(issuer or name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=30))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return key, builder.sign(issuer_key or key, hashes.SHA256())

    ca_key, ca = make("CA of the tests", None, None, [x509.BasicConstraints(ca=True, path_length=0)])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    usage = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])
    key, certificate = make("127.0.0.1", ca.subject, ca_key, [names, usage, x509.BasicConstraints(ca=False, path_length=None)])
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(private + certificate.public_bytes(pem))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem")
    return folder / "ca.pem", context


async def main(folder):
    about = json.loads(sys.argv[1])
    tls, login = about["tls"], about["login"]
    sink = Sink(login)
    ca, context = certificates(folder) if tls != "none" else ("", None)

    def factory():
        return Server(
            sink,
            hostname="mail.test",
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            auth_required=login is not None,
            auth_require_tls=tls == "starttls",
            authenticator=sink.authenticate if login else None,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, "127.0.0.1", 0, ssl=context if tls == "implicit" else None)
    print(json.dumps({"port": server.sockets[0].getsockname()[1], "ca": str(ca)}), flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        print(json.dumps(await sink.ask(json.loads(line))), flush=True)


with tempfile.TemporaryDirectory(prefix="mail-sink-") as folder:
    asyncio.run(main(Path(folder)))
