"""Takes requests from a queue, validates them against their JSON Schema, publishes each to its bank's queue with
a confirmation, acknowledges."""

import asyncio
import json
import os

import aio_pika
import fastjsonschema
import uvloop

WINDOW = 512


def validators(files):
    found = {}
    for path in files:
        with open(path, encoding="utf-8") as file:
            schema = json.load(file)
        name = schema.pop("$id").split(":")[-1]
        # The library knows drafts up to 7, which write these two words otherwise.
        schema = json.loads(json.dumps(schema).replace("2020-12/schema", "").replace("$defs", "definitions"))
        schema["$schema"] = "http://json-schema.org/draft-07/schema#"
        found[name] = fastjsonschema.compile(schema)
    return found


async def main():
    validate = validators(os.environ["SCHEMA_FILES"].split(","))
    connection = await aio_pika.connect(os.environ["AMQP_URL"])
    channel = await connection.channel(publisher_confirms=True)
    await channel.set_qos(prefetch_count=WINDOW)
    queue = await channel.get_queue(os.environ["QUEUE_IN"], ensure=False)

    async def handle(message):
        body = json.loads(message.body)
        validate[message.type](body)
        kind = "answers" if "laanliste" in body else "requests"
        await channel.default_exchange.publish(
            aio_pika.Message(
                message.body,
                type=message.type,
                message_id=message.message_id,
                correlation_id=message.correlation_id,
                content_type="application/json",
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            ),
            routing_key=f"innfri.org.no.{body['mottaker']['id']}.{kind}",
        )
        await message.ack()

    await queue.consume(handle)
    await asyncio.Future()


uvloop.run(main())
