// A bank's back-end: answers the requests in its queue from a small table of loans.
//
//     npm ci
//     AMQP_URL=amqp://testvik:testvik@127.0.0.1/%2f node bank.js ../loans.json
//
// Argument      the table: who we are, and what is known of each property
// AMQP_URL      how to reach RabbitMQ, and as whom
// BANK_STATE    file that keeps answers to be corrected (bank-state.json)
// BANK_SECONDS  how long the bank takes over each request (0), so that you can kill it meanwhile
//
// It prints lines of fields with tabs between them:
//     working   REQUEST-ID  TYPE                       a request has come
//     answered  REQUEST-ID  ANSWER-ID  STATUS-OR-TYPE  RabbitMQ has confirmed the answer
//     rejected  ANSWER-ID  RULES  TEXT                 innfri did not accept an answer, and why
//
// A loan with `wrongAccountFirst` is first answered with that account, to show what then happens: innfri
// rejects the answer, the asker sees nothing of it, and the right answer follows.
// Kill it and start it again: what it had not acknowledged comes again and gets the same answer.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import amqp from "amqplib";

const STATUS = "no.dsve.status.v1";
const ANSWERED_BY = {
  "no.dsve.restgjeldsforespoersel.v1": "no.dsve.restgjeldssvar.v1",
  "no.dsve.innfrielsessaldoforespoersel.v1": "no.dsve.innfrielsessaldosvar.v1",
};
const NOT_OURS = {
  statuskode: "FEIL",
  aarsak: "FEIL_PANTHAVER",
  tekst: "Vi har ikke pant i denne eiendommen.",
};

const url = process.env.AMQP_URL;
const user = url && decodeURIComponent(new URL(url).username);
const seconds = Number(process.env.BANK_SECONDS ?? "0");
const statePath = process.env.BANK_STATE ?? "bank-state.json";

const say = (...fields) =>
  console.log(fields.map((field) => String(field).trim().replace(/\s+/g, " ")).join("\t"));

// Answers that wait for their rejection, by the id of the wrong one.
const corrections = existsSync(statePath) ? JSON.parse(readFileSync(statePath, "utf8")) : {};

function save() {
  // Written whole beside the old one, then put in its place: a kill leaves the one or the other.
  writeFileSync(`${statePath}.new`, JSON.stringify(corrections));
  renameSync(`${statePath}.new`, statePath);
}

// A UUID (version 5) that follows from another and a name.
function derive(namespace, name) {
  const hash = createHash("sha1").update(Buffer.from(namespace.replaceAll("-", ""), "hex")).update(name);
  const bytes = hash.digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x50;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// A property's key in the table.
function key({ matrikkel, borettsandel }) {
  if (matrikkel) return `${matrikkel.kommunenummer}/${matrikkel.gaardsnummer}/${matrikkel.bruksnummer}`;
  if (borettsandel) return `${borettsandel.organisasjonsnummer}/${borettsandel.andelsnummer}`;
  return undefined;
}

function loanEntry(loan, owners, request) {
  // Only borrowers who own the property may be named; that there are others may be said.
  const named = loan.laantakere.filter((name) => owners.has(name));
  const entry = {
    laantakerIkkeHjemmelshaver: named.length < loan.laantakere.length,
    transporterklaering: false,
    laanenummer: loan.laanenummer,
    kontonummer: loan.kontonummer,
    kidnummer: loan.kidnummer,
    laantakereHjemmelshaver: named,
  };
  if (!request.innfrielsesdatoer)
    return { ...entry, rammelaan: false, fastrente: false, realkausjon: false, saldo: loan.saldo };
  // A real bank works out the interest to each date. Amounts are decimal strings, never numbers.
  const saldoerPerDato = request.innfrielsesdatoer.map((dato) => ({ beloep: loan.innfrielse, dato }));
  return { ...entry, saldoerPerDato };
}

// What the table says to a request: message type, body, and the wrong account to give first.
function answer({ bank, properties }, requestType, request) {
  const units = request.registerenheterMedHjemmelshavere;
  const known = units.filter((unit) => properties[key(unit)]);
  const rows = known.map((unit) => properties[key(unit)]);
  const asker = request.avsender;
  const referanse = rows[0]?.sak ?? "UKJENT";
  const status = rows.length === 0 ? NOT_OURS : rows.find((row) => row.status)?.status;
  if (status) {
    const avsender = { id: bank.id, referanse };
    const mottaker = { id: asker.id, referanse: asker.referanse };
    return { type: STATUS, body: { avsender, mottaker, ...status } };
  }
  const people = units.flatMap((unit) => unit.hjemmelshavere.flatMap(({ person }) => person ?? []));
  const owners = new Set(people.map(({ fornavn, etternavn }) => `${fornavn} ${etternavn}`));
  const body = {
    avsender: { ...bank, referanse },
    mottaker: { id: asker.id, foretaksnavn: asker.foretaksnavn, referanse: asker.referanse },
    laanliste: rows.flatMap((row) => row.loans.map((loan) => loanEntry(loan, owners, request))),
    registerenheterMedDokumentreferanser: known.map(({ hjemmelshavere, ...unit }) => ({
      ...unit,
      pantedokumentreferanser: properties[key(unit)].pantedokumentreferanser,
    })),
    panterettSlettesVedInnfrielse: true,
  };
  if (!request.innfrielsesdatoer) body.sperretForVidereOpplaan = true;
  return { type: ANSWERED_BY[requestType], body, wrongAccount: rows[0].wrongAccountFirst };
}

// Publishes an answer; settles once RabbitMQ has taken it or has said that it will not.
function publish(channel, returned, requestId, name, { type, body }) {
  // Derived from the request's id: the same request always gets the same answer id, so that innfri
  // drops what we say twice. (The same id with other content would be refused.)
  const messageId = derive(requestId, name);
  const options = {
    type,
    messageId,
    correlationId: requestId, // the message_id of the request as it was delivered to us
    userId: user, // RabbitMQ checks it against the login
    contentType: "application/json",
    appId: "example-bank-node",
    timestamp: Math.floor(Date.now() / 1000),
    persistent: true,
    // Without it a message that reaches no queue is confirmed all the same, and lost.
    mandatory: true,
  };
  return new Promise((resolve, reject) => {
    channel.publish("innfri.answers", "", Buffer.from(JSON.stringify(body)), options, (error) => {
      if (error) return reject(error);
      // A message that reached no queue comes back just before its confirmation.
      if (returned.delete(messageId)) return reject(new Error("no queue takes answers"));
      say("answered", requestId, messageId, body.statuskode ?? type);
      resolve();
    });
  });
}

async function onRequest(book, channel, returned, message) {
  const { messageId: requestId, type } = message.properties;
  say("working", requestId, type);
  // Not for us to guess: it goes to innfri's dead letters, where people look.
  if (!(type in ANSWERED_BY)) return channel.reject(message, false);
  await sleep(seconds * 1000);
  const reply = answer(book, type, JSON.parse(message.content));
  if (reply.wrongAccount) {
    corrections[derive(requestId, "answer")] = { request: requestId, type: reply.type, body: reply.body };
    save();
    reply.body = structuredClone(reply.body);
    reply.body.laanliste[0].kontonummer = reply.wrongAccount;
  }
  await publish(channel, returned, requestId, "answer", reply);
  // Only now: killed before this line, the request comes again.
  channel.ack(message);
}

// Other post to the bank. A rejection says everything that was wrong; a person would look.
async function onMessage(channel, returned, message) {
  const body = JSON.parse(message.content);
  const rejectedId = message.properties.correlationId ?? "";
  say("rejected", rejectedId, (body.avvik ?? []).map(({ regel }) => regel).join(","), body.tekst);
  const right = corrections[rejectedId];
  if (right) {
    await publish(channel, returned, right.request, "correction", right);
    delete corrections[rejectedId];
    save();
  }
  channel.ack(message);
}

// One connection's life; it ends only by breaking.
async function session(book) {
  const connection = await amqp.connect(url, { timeout: 10_000 });
  try {
    await new Promise((_, reject) => {
      connection.on("error", reject);
      connection.on("close", () => reject(new Error("the connection is closed")));
      converse(book, connection, reject).catch(reject);
    });
  } finally {
    await connection.close().catch(() => {});
  }
}

async function converse(book, connection, reject) {
  console.error("connected");
  const channel = await connection.createConfirmChannel();
  const returned = new Set();
  channel.on("error", reject);
  channel.on("close", () => reject(new Error("the channel is closed")));
  channel.on("return", (message) => returned.add(message.properties.messageId));
  await channel.prefetch(10);
  // One after the other, in the order in which they came.
  let work = Promise.resolve();
  const consume = (queue, handle) =>
    channel.consume(`innfri.org.no.${book.bank.id}.${queue}`, (message) => {
      if (!message) return reject(new Error("the queue is gone"));
      work = work.then(() => handle(message));
      work.catch(reject);
    });
  await consume("requests", (message) => onRequest(book, channel, returned, message));
  await consume("answers", (message) => onMessage(channel, returned, message));
}

if (process.argv.length !== 3 || !url) {
  console.error("usage: AMQP_URL=amqp://… node bank.js LOANS.json");
  process.exit(2);
}
const book = JSON.parse(readFileSync(process.argv[2], "utf8"));
let pause = 500;
for (;;) {
  const began = Date.now();
  const error = await session(book).catch((error) => error);
  // Waits double up to 30 s, with chance in them so that not all come back at once.
  pause = Date.now() - began > 30_000 ? 500 : Math.min(pause * 2, 30_000);
  console.error("disconnected:", error.message);
  await sleep(pause * (0.5 + Math.random() / 2));
}
