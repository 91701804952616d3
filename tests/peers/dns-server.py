"""A real DNS server for the tests: dnslib, by UDP and TCP on one port of 127.0.0.1.

    python dns-server.py '{"names": {"_vestibule.acme.example": {"txt": ["vestibule-verification=abc"]}}}'

It prints one line, {"port": PORT}, and serves until its standard input closes. Each line that comes in is a JSON object
whose "names" replaces what it knows, and is answered by {}. A name that it does not know does not exist. Of a known one:

    txt     its TXT records, each a text or a list of texts
    cname   another name, whose records follow it in the answer
    fault   "servfail", "refused", "silent" (no answer at all), "truncated" (by UDP), "garbled", "referral"
"""

import json
import sys
import time

from dnslib import CNAME, NS, QTYPE, RCODE, RR, SOA, TXT
from dnslib.server import BaseResolver, DNSLogger, DNSServer, UDPServer


class Names(BaseResolver):
    def __init__(self, names):
        self.names = names

    def resolve(self, request, handler):
        asked = str(request.q.qname).rstrip(".").lower()
        about = self.names.get(asked, {"fault": "nxdomain"})
        fault, by_udp, reply = about.get("fault"), handler.protocol == "udp", request.reply()
        if fault == "silent":
            time.sleep(8)
        elif fault in ("servfail", "refused", "nxdomain"):
            reply.header.rcode = getattr(RCODE, fault.upper())
            if fault == "nxdomain":
                reply.add_auth(RR("example", QTYPE.SOA, ttl=60, rdata=SOA("ns.example", "dns.example", (1, 60, 60, 60, 60))))
        elif fault == "referral":
            reply.add_auth(RR("example", QTYPE.NS, ttl=60, rdata=NS("ns.example")))
        elif fault == "truncated" and by_udp:
            reply.header.tc = 1
        elif fault == "garbled":
            reply.header.id ^= 0xFFFF
        else:
            self.answer(reply, request.q.qname, about)
        return reply

    def answer(self, reply, name, about):
        if "cname" in about:
            reply.add_answer(RR(name, QTYPE.CNAME, ttl=60, rdata=CNAME(about["cname"])))
            name, about = about["cname"], self.names.get(about["cname"], {})
        for text in about.get("txt", []):
            parts = text if isinstance(text, list) else [text]
            reply.add_answer(RR(name, QTYPE.TXT, ttl=60, rdata=TXT([part.encode() for part in parts])))
        if not about.get("txt"):
            reply.add_auth(RR("example", QTYPE.SOA, ttl=60, rdata=SOA("ns.example", "dns.example", (1, 60, 60, 60, 60))))


def serve(names):
    quiet = DNSLogger(log="-request,-reply,-truncated,-error,-recv,-send,-data")
    UDPServer.allow_reuse_address = False
    while True:
        udp = DNSServer(names, address="127.0.0.1", port=0, logger=quiet)
        port = udp.server.server_address[1]
        try:
            tcp = DNSServer(names, address="127.0.0.1", port=port, tcp=True, logger=quiet)
        except OSError:  # somebody else has this port for TCP
            udp.server.server_close()
            continue
        udp.start_thread()
        tcp.start_thread()
        return port


def main():
    names = Names(json.loads(sys.argv[1])["names"])
    print(json.dumps({"port": serve(names)}), flush=True)
    for line in sys.stdin:
        names.names = json.loads(line)["names"]
        print("{}", flush=True)


main()
