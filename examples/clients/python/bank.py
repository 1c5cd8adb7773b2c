#!/usr/bin/env python3
"""A bank's back-end: answers the requests in its queue from a small table of loans.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    AMQP_URL=amqp://testvik:testvik@127.0.0.1/%2f .venv/bin/python bank.py ../loans.json

Argument      the table: who we are, and what is known of each property
AMQP_URL      how to reach RabbitMQ, and as whom
BANK_STATE    file that keeps answers to be corrected (bank-state.json)
BANK_SECONDS  how long the bank takes over each request (0), so that you can kill it meanwhile

It prints lines of fields with tabs between them:
    working   REQUEST-ID  TYPE                       a request has come
    answered  REQUEST-ID  ANSWER-ID  STATUS-OR-TYPE  RabbitMQ has confirmed the answer
    rejected  ANSWER-ID  RULES  TEXT                 innfri did not accept an answer, and why

A loan with `wrongAccountFirst` is first answered with that account, to show what then happens: innfri
rejects the answer, the asker sees nothing of it, and the right answer follows.
Kill it and start it again: what it had not acknowledged comes again and gets the same answer.
"""

import json
import os
import random
import sys
import time
import uuid
from pathlib import Path

import pika
from pika.exceptions import AMQPError

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


def say(*fields):
    print(*(" ".join(str(field).split()) for field in fields), sep="\t", flush=True)


def log(*words):
    print(*words, file=sys.stderr, flush=True)


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
    entry = {
        "laantakerIkkeHjemmelshaver": len(named) < len(loan["laantakere"]),
        "transporterklaering": False,
        "laanenummer": loan["laanenummer"],
        "kontonummer": loan["kontonummer"],
        "kidnummer": loan["kidnummer"],
        "laantakereHjemmelshaver": named,
    }
    if dates := request.get("innfrielsesdatoer"):
        # A real bank works out the interest to each date. Amounts are decimal strings, never floats.
        entry["saldoerPerDato"] = [{"beloep": loan["innfrielse"], "dato": date} for date in dates]
        return entry
    no = {"rammelaan": False, "fastrente": False, "realkausjon": False}
    return {**entry, **no, "saldo": loan["saldo"]}


def answer(book, request_type, request):
    """What the table says to a request: message type, body, and the wrong account to give first."""
    units = request["registerenheterMedHjemmelshavere"]
    known = [(unit, book["properties"][key(unit)]) for unit in units if key(unit) in book["properties"]]
    asker, bank = request["avsender"], book["bank"]
    reference = known[0][1]["sak"] if known else "UKJENT"
    status = next((row["status"] for _, row in known if "status" in row), None if known else NOT_OURS)
    if status:
        body = {
            "avsender": {"id": bank["id"], "referanse": reference},
            "mottaker": {"id": asker["id"], "referanse": asker["referanse"]},
        }
        return STATUS, {**body, **status}, None
    people = [o["person"] for unit in units for o in unit["hjemmelshavere"] if "person" in o]
    owners = {f"{person['fornavn']} {person['etternavn']}" for person in people}
    documents = "pantedokumentreferanser"
    told = [
        {**{k: v for k, v in unit.items() if k != "hjemmelshavere"}, documents: row[documents]}
        for unit, row in known
    ]
    body = {
        "avsender": {**bank, "referanse": reference},
        "mottaker": {k: asker[k] for k in ("id", "foretaksnavn", "referanse")},
        "laanliste": [loan_entry(loan, owners, request) for _, row in known for loan in row["loans"]],
        "registerenheterMedDokumentreferanser": told,
        "panterettSlettesVedInnfrielse": True,
    }
    if "innfrielsesdatoer" not in request:
        body["sperretForVidereOpplaan"] = True
    return ANSWERED_BY[request_type], body, known[0][1].get("wrongAccountFirst")


class Bank:
    def __init__(self, book, state_path, parameters):
        self.book, self.parameters = book, parameters
        self.seconds = float(os.environ.get("BANK_SECONDS", "0"))
        self.path = Path(state_path)
        # Answers that wait for their rejection, by the id of the wrong one.
        self.corrections = json.loads(self.path.read_text("utf-8")) if self.path.exists() else {}

    def save(self):
        beside = self.path.with_name(self.path.name + ".new")
        beside.write_text(json.dumps(self.corrections, ensure_ascii=False), "utf-8")
        os.replace(beside, self.path)

    def publish(self, channel, request_id, name, message_type, body):
        # Derived from the request's id: the same request always gets the same answer id, so that innfri
        # drops what we say twice. (The same id with other content would be refused.)
        answer_id = str(uuid.uuid5(uuid.UUID(request_id), name))
        properties = pika.BasicProperties(
            type=message_type,
            message_id=answer_id,
            correlation_id=request_id,  # the message_id of the request as it was delivered to us
            user_id=self.parameters.credentials.username,
            content_type="application/json",
            app_id="example-bank-python",
            timestamp=int(time.time()),
            delivery_mode=pika.DeliveryMode.Persistent,
        )
        content = json.dumps(body, ensure_ascii=False).encode()
        # Mandatory: without it a message that reaches no queue is confirmed all the same, and lost.
        channel.basic_publish("innfri.answers", "", content, properties, mandatory=True)
        say("answered", request_id, answer_id, body.get("statuskode", message_type))

    def on_request(self, channel, method, properties, body):
        request_id = properties.message_id
        say("working", request_id, properties.type)
        if properties.type not in ANSWERED_BY:
            # Not for us to guess: it goes to innfri's dead letters, where people look.
            channel.basic_reject(method.delivery_tag, requeue=False)
            return
        channel.connection.sleep(self.seconds)
        message_type, reply, wrong_account = answer(self.book, properties.type, json.loads(body))
        if wrong_account:
            wrong_id = str(uuid.uuid5(uuid.UUID(request_id), "answer"))
            self.corrections[wrong_id] = {"request": request_id, "type": message_type, "body": reply}
            self.save()
            reply = json.loads(json.dumps(reply))
            reply["laanliste"][0]["kontonummer"] = wrong_account
        self.publish(channel, request_id, "answer", message_type, reply)
        # Only now: killed before this line, the request comes again.
        channel.basic_ack(method.delivery_tag)

    def on_message(self, channel, method, properties, body):
        """Other post to the bank. A rejection says everything that was wrong; a person would look."""
        body = json.loads(body)
        rejected_id = properties.correlation_id or ""
        rules = ",".join(one["regel"] for one in body.get("avvik", []))
        say("rejected", rejected_id, rules, body.get("tekst", properties.type))
        if right := self.corrections.get(rejected_id):
            self.publish(channel, right["request"], "correction", right["type"], right["body"])
            del self.corrections[rejected_id]
            self.save()
        channel.basic_ack(method.delivery_tag)

    def session(self):
        with pika.BlockingConnection(self.parameters) as connection:
            log("connected")
            channel = connection.channel()
            channel.confirm_delivery()  # from now on basic_publish waits, and raises if not taken
            channel.basic_qos(prefetch_count=10)
            own = f"innfri.org.no.{self.book['bank']['id']}"
            channel.basic_consume(f"{own}.requests", self.on_request)
            channel.basic_consume(f"{own}.answers", self.on_message)
            channel.start_consuming()


def main():
    if len(sys.argv) != 2 or "AMQP_URL" not in os.environ:
        sys.exit(__doc__)
    parameters = pika.URLParameters(os.environ["AMQP_URL"])
    parameters.blocked_connection_timeout = 60
    book = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    bank = Bank(book, os.environ.get("BANK_STATE", "bank-state.json"), parameters)
    pause = 0.5
    while True:
        began = time.monotonic()
        try:
            bank.session()
        except (AMQPError, OSError) as error:
            log("disconnected:", repr(error))
        # Waits double up to 30 s, with chance in them so that not all come back at once.
        pause = 0.5 if time.monotonic() - began > 30 else min(pause * 2, 30)
        time.sleep(pause * random.uniform(0.5, 1))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
