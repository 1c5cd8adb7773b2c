#!/usr/bin/env python3
"""A bank's REST back-end: answers each question that innfri posts to it, at once, from a small table of loans.

    python3 back_end.py ../clients/loans.json

Argument      the table: who the bank is, and what it knows of each property

Needs nothing but Python 3.9. It prints its address, and then a line for each question, with tabs between the
fields: the asker's reference, the type, and how it was answered.

A real back-end checks who calls (mutual TLS or OAuth 2.0, see examples/http/directory.toml), keeps what it
answered by Innfri-Message-Id (the same question may come again and must get the same answer), and may say 202
and answer later.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STATUS = "no.dsve.status.v1"
ANSWERED_BY = {
    "no.dsve.restgjeldsforespoersel.v1": "no.dsve.restgjeldssvar.v1",
    "no.dsve.innfrielsessaldoforespoersel.v1": "no.dsve.innfrielsessaldosvar.v1",
}
NOT_OURS = {
    "statuskode": "FEIL",
    "aarsak": "FEIL_PANTHAVER",
    "tekst": "Vi har ikke pant i denne eiendommen.",
}
LARGEST = 256 * 1024


def key(unit):
    """A property's key in the table."""
    if plot := unit.get("matrikkel"):
        return f"{plot['kommunenummer']}/{plot['gaardsnummer']}/{plot['bruksnummer']}"
    if share := unit.get("borettsandel"):
        return f"{share['organisasjonsnummer']}/{share['andelsnummer']}"
    return None


def loan_entry(loan, owners, request):
    # Only borrowers who own the property may be named; that there are others may be said.
    named = [name for name in loan["laantakere"] if name in owners]
    entry = {field: loan[field] for field in ("laanenummer", "kontonummer", "kidnummer")}
    entry["laantakerIkkeHjemmelshaver"] = len(named) < len(loan["laantakere"])
    entry["laantakereHjemmelshaver"] = named
    entry["transporterklaering"] = False
    if dates := request.get("innfrielsesdatoer"):
        # A real bank works out the interest to each date. Amounts are decimal strings, never floats.
        entry["saldoerPerDato"] = [{"beloep": loan["innfrielse"], "dato": date} for date in dates]
        return entry
    no = {"rammelaan": False, "fastrente": False, "realkausjon": False}
    return {**entry, **no, "saldo": loan["saldo"]}


def answer(book, request_type, request):
    """What the table says to a question: message type and body."""
    units = request["registerenheterMedHjemmelshavere"]
    known = [(unit, book["properties"][key(unit)]) for unit in units if key(unit) in book["properties"]]
    asker, bank = request["avsender"], book["bank"]
    ours = {"referanse": known[0][1]["sak"] if known else "UKJENT"}
    status = next((row["status"] for _, row in known if "status" in row), None if known else NOT_OURS)
    if status:
        parties = {
            "avsender": {"id": bank["id"], **ours},
            "mottaker": {"id": asker["id"], "referanse": asker["referanse"]},
        }
        return STATUS, {**parties, **status}
    people = [o["person"] for unit in units for o in unit["hjemmelshavere"] if "person" in o]
    owners = {f"{person['fornavn']} {person['etternavn']}" for person in people}
    documents = "pantedokumentreferanser"
    body = {
        "avsender": {**bank, **ours},
        "mottaker": {field: asker[field] for field in ("id", "foretaksnavn", "referanse")},
        "laanliste": [loan_entry(loan, owners, request) for _, row in known for loan in row["loans"]],
        "registerenheterMedDokumentreferanser": [
            {**{k: v for k, v in unit.items() if k != "hjemmelshavere"}, documents: row[documents]}
            for unit, row in known
        ],
        "panterettSlettesVedInnfrielse": True,
    }
    if "innfrielsesdatoer" not in request:
        body["sperretForVidereOpplaan"] = True
    return ANSWERED_BY[request_type], body


class BackEnd(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    book = {}

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LARGEST:
            self.close_connection = True
            return self.reply(413)
        body = self.rfile.read(int(length))
        message_type = self.headers.get("Innfri-Message-Type", "")
        if message_type not in ANSWERED_BY:
            # Not a question: a rejection of what we answered, say. A real back-end shows it to a person.
            print("-", message_type, "taken note of", sep="\t", flush=True)
            return self.reply(204)
        request = json.loads(body)
        answered_by, content = answer(self.book, message_type, request)
        outcome = content.get("statuskode", "answered")
        print(request["avsender"]["referanse"], message_type, outcome, sep="\t", flush=True)
        self.reply(200, answered_by, json.dumps(content, ensure_ascii=False).encode())

    def reply(self, status, message_type=None, body=b""):
        self.send_response(status)
        if message_type:
            self.send_header("Innfri-Message-Type", message_type)
            self.send_header("Content-Type", "application/json")
        # A 204 has no body, and says nothing of its length.
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """What is asked says enough."""


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    BackEnd.book = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    with ThreadingHTTPServer(("127.0.0.1", 0), BackEnd) as server:
        print(f"http://127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
