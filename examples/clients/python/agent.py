#!/usr/bin/env python3
"""An estate agent's system: asks what stands in files, and waits until each question has its outcome.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    AMQP_URL=amqp://megler:megler@127.0.0.1/%2f .venv/bin/python agent.py ../requests

Arguments    request files, or folders of them; a file's name holds its message type
AMQP_URL     how to reach RabbitMQ, and as whom
AGENT_STATE  file that keeps message ids and outcomes (agent-state.json)

It prints lines of fields with tabs between them:
    asked    MESSAGE-ID  FILE                   RabbitMQ has confirmed the request
    outcome  MESSAGE-ID  STATUS-OR-TYPE  TEXT   one for each request
    finding  MESSAGE-ID  RULE  PLACE  TEXT      what was wrong with a request
    repeat   MESSAGE-ID                         an outcome that was known came again

Kill it and start it again: it goes on where it was, and asks nothing twice.
"""

import json
import os
import random
import re
import sys
import time
import uuid
from pathlib import Path

import pika
from pika.exceptions import AMQPError

STATUS = "no.dsve.status.v1"
REJECTION = "innfri.rejection.v1"
RECEIPT = "innfri.receipt.v1"


def say(*fields):
    print(*(" ".join(str(field).split()) for field in fields), sep="\t", flush=True)


def log(*words):
    print(*words, file=sys.stderr, flush=True)


class State:
    """What must outlive this process: which id each request has, and its newest outcome."""

    def __init__(self, path):
        self.path = Path(path)
        self.requests = json.loads(self.path.read_text("utf-8")) if self.path.exists() else {}

    def save(self):
        # Written whole beside the old one, then put in its place: a kill leaves the one or the other.
        beside = self.path.with_name(self.path.name + ".new")
        beside.write_text(json.dumps(self.requests, ensure_ascii=False), "utf-8")
        os.replace(beside, self.path)

    def with_id(self, message_id):
        return next((r for r in self.requests.values() if r["id"] == message_id), None)


def find_files(arguments):
    paths = [Path(argument) for argument in arguments]
    return [f for p in paths for f in (sorted(p.glob("*.json")) if p.is_dir() else [p])]


def amounts(loan):
    if "saldo" in loan:
        return f"{loan['laanenummer']} {loan['saldo']}"
    return ", ".join(
        f"{loan['laanenummer']} {per['dato']} {per['beloep']}" for per in loan["saldoerPerDato"]
    )


def show(request):
    outcome = request["outcome"]
    body = outcome["body"]
    if outcome["type"] != STATUS:
        text = "; ".join(amounts(loan) for loan in body["laanliste"])
        say("outcome", request["id"], outcome["type"], text)
        return
    say("outcome", request["id"], body["statuskode"], body["tekst"])
    for one in body.get("avvik", []):
        say("finding", request["id"], one["regel"], one["peker"], one["tekst"])


def ask(channel, user, file, message_id):
    """Publishes one request and waits until RabbitMQ has it (or raises)."""
    properties = pika.BasicProperties(
        type=re.search(r"no\.dsve\.[a-z]+\.v[0-9]+", file.name).group(),
        message_id=message_id,  # the idempotency key: the same again has no effect
        user_id=user,  # RabbitMQ checks it against the login
        content_type="application/json",
        app_id="example-agent-python",
        timestamp=int(time.time()),
        delivery_mode=pika.DeliveryMode.Persistent,
    )
    # Mandatory: without it a message that reaches no queue is confirmed all the same, and lost.
    channel.basic_publish("innfri.requests", "", file.read_bytes(), properties, mandatory=True)
    say("asked", message_id, file.name)


def receive(state, properties, body):
    """Keeps what has come; False when it is not ours."""
    request = state.with_id(properties.correlation_id)
    if request is None:
        return False
    body = json.loads(body)
    if properties.type == REJECTION:
        # This id was used before with other content. The first message keeps its effect.
        say("rejected", request["id"], ",".join(a["regel"] for a in body["avvik"]), body["tekst"])
    elif properties.type != RECEIPT:
        # An outcome may come twice, and a bank may send a newer one: the highest revision counts.
        revision = (properties.headers or {}).get("innfri-revision", 1)
        if revision <= request.get("outcome", {}).get("revision", 0):
            say("repeat", request["id"])
            return True
        request["outcome"] = {"type": properties.type, "revision": revision, "body": body}
        state.save()
        show(request)
    return True


def session(parameters, files, state):
    """One connection's life: asks what has no outcome yet, then waits for outcomes."""

    def open_requests():
        return [f for f in files if "outcome" not in state.requests[f.name]]

    with pika.BlockingConnection(parameters) as connection:
        log("connected")
        channel = connection.channel()
        channel.confirm_delivery()  # from now on basic_publish waits, and raises if not taken
        channel.basic_qos(prefetch_count=100)
        for file in open_requests():
            user = parameters.credentials.username
            ask(channel, user, file, state.requests[file.name]["id"])
        own = json.loads(files[0].read_bytes())["avsender"]["id"]
        for method, properties, body in channel.consume(f"innfri.org.no.{own}.answers"):
            # Acknowledged only once it is kept. What is not ours goes back when we leave.
            if receive(state, properties, body):
                channel.basic_ack(method.delivery_tag)
            if not open_requests():
                return


def main():
    files = find_files(sys.argv[1:])
    if not files or "AMQP_URL" not in os.environ:
        sys.exit(__doc__)
    parameters = pika.URLParameters(os.environ["AMQP_URL"])
    parameters.blocked_connection_timeout = 60
    state = State(os.environ.get("AGENT_STATE", "agent-state.json"))
    for file in files:
        # The id is made once and kept before it is first used: a restart asks with the same id.
        state.requests.setdefault(file.name, {"id": str(uuid.uuid4())})
    state.save()
    for file in files:
        if "outcome" in state.requests[file.name]:
            show(state.requests[file.name])
    pause = 0.5
    while any("outcome" not in state.requests[file.name] for file in files):
        began = time.monotonic()
        try:
            session(parameters, files, state)
        except (AMQPError, OSError) as error:
            # Waits double up to 30 s, with chance in them so that not all come back at once.
            pause = 0.5 if time.monotonic() - began > 30 else min(pause * 2, 30)
            log("disconnected:", repr(error))
            time.sleep(pause * random.uniform(0.5, 1))


if __name__ == "__main__":
    main()
