// A bank's back-end: answers the requests in its queue from a small table of loans.
//
//     apt-get install default-jdk-headless librabbitmq-client-java libjackson2-databind-java
//     J=/usr/share/java
//     export CLASSPATH=$J/amqp-client.jar:$J/jackson-databind.jar:$J/jackson-core.jar:$J/jackson-annotations.jar:$J/slf4j-api.jar:$J/slf4j-nop.jar:.
//     javac Bank.java
//     AMQP_URL=amqp://testvik:testvik@127.0.0.1/%2f java Bank ../loans.json
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

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

public final class Bank {
    private static final String STATUS = "no.dsve.status.v1";
    private static final Map<String, String> ANSWERED_BY = Map.of(
            "no.dsve.restgjeldsforespoersel.v1", "no.dsve.restgjeldssvar.v1",
            "no.dsve.innfrielsessaldoforespoersel.v1", "no.dsve.innfrielsessaldosvar.v1");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    /** What the table says to a request; the wrong account to give first, or "". */
    private record Reply(String type, ObjectNode body, String wrongAccount) {}

    private final ConnectionFactory factory;
    private final JsonNode book;
    private final Path statePath;
    /** Answers that wait for their rejection, by the id of the wrong one. */
    private final ObjectNode corrections;
    private final long milliseconds;

    private Bank(ConnectionFactory factory, JsonNode book, Path statePath) throws IOException {
        this.factory = factory;
        this.book = book;
        this.statePath = statePath;
        byte[] kept = Files.exists(statePath) ? Files.readAllBytes(statePath) : "{}".getBytes();
        corrections = (ObjectNode) JSON.readTree(kept);
        milliseconds = (long) (1000 * Double.parseDouble(System.getenv().getOrDefault("BANK_SECONDS", "0")));
    }

    private static void say(String... fields) {
        OUT.println(Stream.of(fields).map(f -> f.strip().replaceAll("\\s+", " ")).collect(Collectors.joining("\t")));
    }

    private static Stream<JsonNode> each(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false);
    }

    private void save() throws IOException {
        // Written whole beside the old one, then put in its place: a kill leaves the one or the other.
        Path beside = Path.of(statePath + ".new");
        Files.write(beside, JSON.writeValueAsBytes(corrections));
        Files.move(beside, statePath, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** A UUID (version 5) that follows from another and a name. */
    private static String derive(String namespace, String name) throws GeneralSecurityException {
        UUID from = UUID.fromString(namespace);
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        ByteBuffer input = ByteBuffer.allocate(16 + text.length)
                .putLong(from.getMostSignificantBits()).putLong(from.getLeastSignificantBits()).put(text);
        ByteBuffer hash = ByteBuffer.wrap(MessageDigest.getInstance("SHA-1").digest(input.array()));
        long most = hash.getLong() & ~0xF000L | 0x5000L;
        return new UUID(most, hash.getLong() & ~(3L << 62) | 2L << 62).toString();
    }

    /** A property's row in the table; missing when the bank knows nothing of it. */
    private JsonNode row(JsonNode unit) {
        JsonNode plot = unit.path("matrikkel");
        JsonNode share = unit.path("borettsandel");
        String key = plot.isObject()
                ? plot.path("kommunenummer").asText() + "/" + plot.path("gaardsnummer").asText() + "/" + plot.path("bruksnummer").asText()
                : share.path("organisasjonsnummer").asText() + "/" + share.path("andelsnummer").asText();
        return book.path("properties").path(key);
    }

    private static ObjectNode loanEntry(JsonNode loan, Set<String> owners, JsonNode request) {
        // Only borrowers who own the property may be named; that there are others may be said.
        List<String> named = each(loan.path("laantakere")).map(JsonNode::asText).filter(owners::contains).toList();
        ObjectNode entry = JSON.createObjectNode()
                .put("laantakerIkkeHjemmelshaver", named.size() < loan.path("laantakere").size())
                .put("transporterklaering", false)
                .put("laanenummer", loan.path("laanenummer").asText())
                .put("kontonummer", loan.path("kontonummer").asText())
                .put("kidnummer", loan.path("kidnummer").asText());
        named.forEach(entry.putArray("laantakereHjemmelshaver")::add);
        if (!request.has("innfrielsesdatoer")) {
            return entry.put("rammelaan", false).put("fastrente", false).put("realkausjon", false)
                    .put("saldo", loan.path("saldo").asText());
        }
        // A real bank works out the interest to each date. Amounts are decimal strings, never floats.
        ArrayNode amounts = entry.putArray("saldoerPerDato");
        each(request.path("innfrielsesdatoer")).forEach(date -> amounts.addObject()
                .put("beloep", loan.path("innfrielse").asText()).put("dato", date.asText()));
        return entry;
    }

    private Reply answer(String requestType, JsonNode request) {
        List<JsonNode> units = each(request.path("registerenheterMedHjemmelshavere")).toList();
        List<JsonNode> known = units.stream().filter(unit -> row(unit).isObject()).toList();
        List<JsonNode> rows = known.stream().map(this::row).toList();
        JsonNode asker = request.path("avsender");
        String reference = rows.isEmpty() ? "UKJENT" : rows.get(0).path("sak").asText();
        ObjectNode body = JSON.createObjectNode();
        ObjectNode avsender = body.putObject("avsender").put("id", book.path("bank").path("id").asText());
        ObjectNode mottaker = body.putObject("mottaker").put("id", asker.path("id").asText())
                .put("referanse", asker.path("referanse").asText());
        JsonNode status = rows.stream().filter(row -> row.has("status")).findFirst()
                .map(row -> row.path("status")).orElse(null);
        if (rows.isEmpty()) {
            status = JSON.createObjectNode().put("statuskode", "FEIL").put("aarsak", "FEIL_PANTHAVER")
                    .put("tekst", "Vi har ikke pant i denne eiendommen.");
        }
        if (status != null) {
            avsender.put("referanse", reference);
            body.setAll((ObjectNode) status.deepCopy());
            return new Reply(STATUS, body, "");
        }
        avsender.setAll((ObjectNode) book.path("bank").deepCopy());
        avsender.put("referanse", reference);
        mottaker.put("foretaksnavn", asker.path("foretaksnavn").asText());
        Set<String> owners = units.stream().flatMap(unit -> each(unit.path("hjemmelshavere")))
                .map(owner -> owner.path("person").path("fornavn").asText() + " " + owner.path("person").path("etternavn").asText())
                .collect(Collectors.toSet());
        ArrayNode loans = body.putArray("laanliste");
        rows.forEach(row -> row.path("loans").forEach(loan -> loans.add(loanEntry(loan, owners, request))));
        ArrayNode properties = body.putArray("registerenheterMedDokumentreferanser");
        for (JsonNode unit : known) {
            ObjectNode told = ((ObjectNode) unit).deepCopy().without("hjemmelshavere");
            told.set("pantedokumentreferanser", row(unit).path("pantedokumentreferanser"));
            properties.add(told);
        }
        body.put("panterettSlettesVedInnfrielse", true);
        if (!request.has("innfrielsesdatoer")) {
            body.put("sperretForVidereOpplaan", true);
        }
        return new Reply(ANSWERED_BY.get(requestType), body, rows.get(0).path("wrongAccountFirst").asText());
    }

    /** Publishes an answer and waits until RabbitMQ has it. */
    private void publish(Channel channel, AtomicBoolean returned, String requestId, String name, String type, JsonNode body)
            throws Exception {
        // Derived from the request's id: the same request always gets the same answer id, so that innfri
        // drops what we say twice. (The same id with other content would be refused.)
        String answerId = derive(requestId, name);
        var properties = new AMQP.BasicProperties.Builder()
                .type(type)
                .messageId(answerId)
                .correlationId(requestId) // the message_id of the request as it was delivered to us
                .userId(factory.getUsername()) // RabbitMQ checks it against the login
                .contentType("application/json")
                .appId("example-bank-java")
                .timestamp(new Date())
                .deliveryMode(2)
                .build();
        // Mandatory: without it a message that reaches no queue is confirmed all the same, and lost. It
        // comes back just before its confirmation.
        channel.basicPublish("innfri.answers", "", true, properties, JSON.writeValueAsBytes(body));
        if (!channel.waitForConfirms(30_000) || returned.get()) {
            throw new IOException("RabbitMQ did not take the answer");
        }
        say("answered", requestId, answerId, body.path("statuskode").asText(type));
    }

    private Void onRequest(Channel channel, AtomicBoolean returned, Delivery delivery) throws Exception {
        String requestId = delivery.getProperties().getMessageId();
        String type = delivery.getProperties().getType();
        say("working", requestId, type);
        if (!ANSWERED_BY.containsKey(type)) {
            // Not for us to guess: it goes to innfri's dead letters, where people look.
            channel.basicReject(delivery.getEnvelope().getDeliveryTag(), false);
            return null;
        }
        Thread.sleep(milliseconds);
        Reply reply = answer(type, JSON.readTree(delivery.getBody()));
        ObjectNode body = reply.body();
        if (!reply.wrongAccount().isEmpty()) {
            corrections.putObject(derive(requestId, "answer"))
                    .put("request", requestId).put("type", reply.type()).set("body", body);
            save();
            body = body.deepCopy();
            ((ObjectNode) body.path("laanliste").path(0)).put("kontonummer", reply.wrongAccount());
        }
        publish(channel, returned, requestId, "answer", reply.type(), body);
        // Only now: killed before this line, the request comes again.
        channel.basicAck(delivery.getEnvelope().getDeliveryTag(), false);
        return null;
    }

    /** Other post to the bank. A rejection says everything that was wrong; a person would look. */
    private Void onMessage(Channel channel, AtomicBoolean returned, Delivery delivery) throws Exception {
        JsonNode body = JSON.readTree(delivery.getBody());
        String rejectedId = String.valueOf(delivery.getProperties().getCorrelationId());
        String rules = each(body.path("avvik")).map(one -> one.path("regel").asText()).collect(Collectors.joining(","));
        say("rejected", rejectedId, rules, body.path("tekst").asText());
        JsonNode right = corrections.path(rejectedId);
        if (right.isObject()) {
            publish(channel, returned, right.path("request").asText(), "correction", right.path("type").asText(), right.path("body"));
            corrections.remove(rejectedId);
            save();
        }
        channel.basicAck(delivery.getEnvelope().getDeliveryTag(), false);
        return null;
    }

    /** One connection's life; it ends only by breaking. */
    private void session() throws Exception {
        try (Connection connection = factory.newConnection(); Channel channel = connection.createChannel()) {
            System.err.println("connected");
            AtomicBoolean returned = new AtomicBoolean();
            channel.addReturnListener((code, text, exchange, key, properties, body) -> returned.set(true));
            channel.confirmSelect();
            channel.basicQos(10);
            // Done here, one after the other; the client's own threads only collect what has come.
            BlockingQueue<Callable<Void>> work = new LinkedBlockingQueue<>();
            String own = "innfri.org.no." + book.path("bank").path("id").asText();
            consume(channel, own + ".requests", delivery -> work.add(() -> onRequest(channel, returned, delivery)));
            consume(channel, own + ".answers", delivery -> work.add(() -> onMessage(channel, returned, delivery)));
            while (true) {
                Callable<Void> next = work.poll(1, TimeUnit.SECONDS);
                if (!channel.isOpen()) {
                    throw new IOException("the connection is closed");
                }
                if (next != null) {
                    next.call();
                }
            }
        }
    }

    private static void consume(Channel channel, String queue, Consumer<Delivery> handler) throws IOException {
        channel.basicConsume(queue, false, new DefaultConsumer(channel) {
            @Override
            public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
                handler.accept(new Delivery(envelope, properties, body));
            }
        });
    }

    public static void main(String[] arguments) throws Exception {
        String url = System.getenv("AMQP_URL");
        if (arguments.length != 1 || url == null) {
            System.err.println("usage: AMQP_URL=amqp://… java Bank LOANS.json");
            System.exit(2);
        }
        ConnectionFactory factory = new ConnectionFactory();
        factory.setUri(url);
        factory.setAutomaticRecoveryEnabled(false); // the loop below does it
        JsonNode book = JSON.readTree(Files.readAllBytes(Path.of(arguments[0])));
        Bank bank = new Bank(factory, book, Path.of(System.getenv().getOrDefault("BANK_STATE", "bank-state.json")));
        long pause = 500;
        while (true) {
            long began = System.nanoTime();
            try {
                bank.session();
            } catch (IOException | TimeoutException | ShutdownSignalException error) {
                System.err.println("disconnected: " + error);
            }
            // Waits double up to 30 s, with chance in them so that not all come back at once.
            boolean longAgo = System.nanoTime() - began > TimeUnit.SECONDS.toNanos(30);
            pause = longAgo ? 500 : Math.min(pause * 2, 30_000);
            Thread.sleep(ThreadLocalRandom.current().nextLong(pause / 2, pause));
        }
    }
}
