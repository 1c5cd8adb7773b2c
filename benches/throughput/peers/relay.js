// Takes requests from a queue, validates them against their JSON Schema, publishes each to its bank's queue
// with a confirmation, acknowledges in groups. With PG_URL it also writes each to PostgreSQL: one insert before
// it is published, one update after.
import { readFileSync } from "node:fs";
import amqp from "amqplib";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import pg from "pg";

const { AMQP_URL, QUEUE_IN, SCHEMA_FILES, PG_URL } = process.env;
const WINDOW = 512;

const ajv = new Ajv2020({ strict: false, allErrors: false });
addFormats(ajv);
const validators = new Map(
  SCHEMA_FILES.split(",").map((file) => {
    const schema = JSON.parse(readFileSync(file, "utf8"));
    return [schema.$id.split(":").pop(), ajv.compile(schema)];
  }),
);

const connection = await amqp.connect(AMQP_URL);
const channel = await connection.createConfirmChannel();
await channel.prefetch(WINDOW);
const pool = PG_URL ? new pg.Pool({ connectionString: PG_URL, max: 8 }) : null;
if (pool) {
  await pool.query("CREATE TABLE IF NOT EXISTS relay (id uuid PRIMARY KEY, body text NOT NULL, sent boolean NOT NULL)");
}

// What is done is acknowledged together with all that came before it, when nothing before it is under way.
let scheduled = false;
const tags = [];
const done = new Set();
function acknowledge() {
  scheduled = false;
  let last = null;
  while (tags.length > 0 && done.has(tags[0].fields.deliveryTag)) {
    last = tags.shift();
    done.delete(last.fields.deliveryTag);
  }
  if (last) channel.ack(last, true);
}
function settle(message) {
  done.add(message.fields.deliveryTag);
  if (!scheduled) {
    scheduled = true;
    setImmediate(acknowledge);
  }
}

function publish(message, bank) {
  const { type, messageId, correlationId } = message.properties;
  return new Promise((resolve, reject) => {
    channel.publish(
      "",
      bank,
      message.content,
      { type, messageId, correlationId, contentType: "application/json", persistent: true, mandatory: true },
      (error) => (error ? reject(error) : resolve()),
    );
  });
}

async function handle(message) {
  const body = JSON.parse(message.content);
  const validate = validators.get(message.properties.type);
  if (!validate || !validate(body)) throw new Error("invalid message");
  const bank = `innfri.org.no.${body.mottaker.id}.${body.laanliste ? "answers" : "requests"}`;
  if (pool) {
    await pool.query({
      name: "insert",
      text: "INSERT INTO relay (id, body, sent) VALUES ($1, $2, false)",
      values: [message.properties.messageId, message.content.toString()],
    });
  }
  await publish(message, bank);
  if (pool) {
    await pool.query({
      name: "update",
      text: "UPDATE relay SET sent = true WHERE id = $1",
      values: [message.properties.messageId],
    });
  }
  settle(message);
}

await channel.consume(QUEUE_IN, (message) => {
  tags.push(message);
  handle(message).catch((error) => {
    console.error(error);
    process.exit(1);
  });
});
