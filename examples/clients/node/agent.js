// An estate agent's system: asks what stands in files, and waits until each question has its outcome.
//
//     npm ci
//     AMQP_URL=amqp://megler:megler@127.0.0.1/%2f node agent.js ../requests
//
// Arguments    request files, or folders of them; a file's name holds its message type
// AMQP_URL     how to reach RabbitMQ, and as whom
// AGENT_STATE  file that keeps message ids and outcomes (agent-state.json)
//
// It prints lines of fields with tabs between them:
//     asked    MESSAGE-ID  FILE                   RabbitMQ has confirmed the request
//     outcome  MESSAGE-ID  STATUS-OR-TYPE  TEXT   one for each request
//     finding  MESSAGE-ID  RULE  PLACE  TEXT      what was wrong with a request
//     repeat   MESSAGE-ID                         an outcome that was known came again
//
// Kill it and start it again: it goes on where it was, and asks nothing twice.

import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import amqp from "amqplib";

const STATUS = "no.dsve.status.v1";
const REJECTION = "innfri.rejection.v1";
const RECEIPT = "innfri.receipt.v1";

const url = process.env.AMQP_URL;
const user = url && decodeURIComponent(new URL(url).username);
const statePath = process.env.AGENT_STATE ?? "agent-state.json";

const say = (...fields) =>
  console.log(fields.map((field) => String(field).trim().replace(/\s+/g, " ")).join("\t"));

// What must outlive this process: which id each request has, and its newest outcome.
const requests = existsSync(statePath) ? JSON.parse(readFileSync(statePath, "utf8")) : {};

function save() {
  // Written whole beside the old one, then put in its place: a kill leaves the one or the other.
  writeFileSync(`${statePath}.new`, JSON.stringify(requests));
  renameSync(`${statePath}.new`, statePath);
}

function findFiles(paths) {
  return paths.flatMap((path) =>
    statSync(path).isDirectory()
      ? readdirSync(path).filter((name) => name.endsWith(".json")).sort().map((name) => join(path, name))
      : [path],
  );
}

function amounts(loan) {
  const told = loan.saldo ? [loan.saldo] : loan.saldoerPerDato.map((per) => `${per.dato} ${per.beloep}`);
  return told.map((words) => `${loan.laanenummer} ${words}`).join(", ");
}

function show({ id, outcome: { type, body } }) {
  if (type !== STATUS) {
    say("outcome", id, type, body.laanliste.map(amounts).join("; "));
    return;
  }
  say("outcome", id, body.statuskode, body.tekst);
  for (const one of body.avvik ?? []) say("finding", id, one.regel, one.peker, one.tekst);
}

// Publishes one request; settles once RabbitMQ has taken it or has said that it will not.
function ask(channel, returned, file, messageId) {
  const options = {
    type: basename(file).match(/no\.dsve\.[a-z]+\.v[0-9]+/)[0],
    messageId, // the idempotency key: the same again has no effect
    userId: user, // RabbitMQ checks it against the login
    contentType: "application/json",
    appId: "example-agent-node",
    timestamp: Math.floor(Date.now() / 1000),
    persistent: true,
    // Without it a message that reaches no queue is confirmed all the same, and lost.
    mandatory: true,
  };
  return new Promise((resolve, reject) => {
    channel.publish("innfri.requests", "", readFileSync(file), options, (error) => {
      if (error) return reject(error);
      // A message that reached no queue comes back just before its confirmation.
      if (returned.delete(messageId)) return reject(new Error("no queue takes requests"));
      say("asked", messageId, basename(file));
      resolve();
    });
  });
}

// Keeps what has come; false when it is not ours.
function receive({ properties, content }) {
  const request = Object.values(requests).find(({ id }) => id === properties.correlationId);
  if (!request) return false;
  const body = JSON.parse(content);
  if (properties.type === REJECTION) {
    // This id was used before with other content. The first message keeps its effect.
    say("rejected", request.id, body.avvik.map(({ regel }) => regel).join(","), body.tekst);
  } else if (properties.type !== RECEIPT) {
    // An outcome may come twice, and a bank may send a newer one: the highest revision counts.
    const revision = properties.headers["innfri-revision"] ?? 1;
    if (revision <= (request.outcome?.revision ?? 0)) {
      say("repeat", request.id);
    } else {
      request.outcome = { type: properties.type, revision, body };
      save();
      show(request);
    }
  }
  return true;
}

// One connection's life: asks what has no outcome yet, then waits for outcomes.
async function session(files) {
  const open = () => files.filter((file) => !requests[basename(file)].outcome);
  const connection = await amqp.connect(url, { timeout: 10_000 });
  try {
    const channel = await new Promise((resolve, reject) => {
      connection.on("error", reject);
      connection.on("close", () => reject(new Error("the connection is closed")));
      converse(connection, files, open, resolve, reject).catch(reject);
    });
    await channel.close(); // after the last acknowledgement has gone out
  } finally {
    await connection.close().catch(() => {});
  }
}

async function converse(connection, files, open, resolve, reject) {
  console.error("connected");
  const channel = await connection.createConfirmChannel();
  const returned = new Set();
  channel.on("error", reject);
  channel.on("close", () => reject(new Error("the channel is closed")));
  channel.on("return", (message) => returned.add(message.properties.messageId));
  await channel.prefetch(100);
  for (const file of open()) await ask(channel, returned, file, requests[basename(file)].id);
  if (open().length === 0) return resolve(channel);
  const own = JSON.parse(readFileSync(files[0], "utf8")).avsender.id;
  await channel.consume(`innfri.org.no.${own}.answers`, (message) => {
    if (!message) return reject(new Error("the queue is gone"));
    try {
      // Acknowledged only once it is kept. What is not ours goes back when we leave.
      if (receive(message)) channel.ack(message);
      if (open().length === 0) resolve(channel);
    } catch (error) {
      reject(error);
    }
  });
}

const files = findFiles(process.argv.slice(2));
if (files.length === 0 || !url) {
  console.error("usage: AMQP_URL=amqp://… node agent.js FILE-OR-FOLDER…");
  process.exit(2);
}
// The id is made once and kept before it is first used: a restart asks with the same id.
for (const file of files) requests[basename(file)] ??= { id: randomUUID() };
save();
for (const file of files) if (requests[basename(file)].outcome) show(requests[basename(file)]);
let pause = 500;
while (files.some((file) => !requests[basename(file)].outcome)) {
  const began = Date.now();
  try {
    await session(files);
  } catch (error) {
    // Waits double up to 30 s, with chance in them so that not all come back at once.
    pause = Date.now() - began > 30_000 ? 500 : Math.min(pause * 2, 30_000);
    console.error("disconnected:", error.message);
    await sleep(pause * (0.5 + Math.random() / 2));
  }
}
