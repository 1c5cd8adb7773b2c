// An estate agent's system: asks what stands in files, and waits until each question has its outcome.
//
//     apt-get install default-jdk-headless librabbitmq-client-java libjackson2-databind-java
//     J=/usr/share/java
//     export CLASSPATH=$J/amqp-client.jar:$J/jackson-databind.jar:$J/jackson-core.jar:$J/jackson-annotations.jar:$J/slf4j-api.jar:$J/slf4j-nop.jar:.
//     javac Agent.java
//     AMQP_URL=amqp://megler:megler@127.0.0.1/%2f java Agent ../requests
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

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

public final class Agent {
    private static final String STATUS = "no.dsve.status.v1";
    private static final String REJECTION = "innfri.rejection.v1";
    private static final String RECEIPT = "innfri.receipt.v1";
    private static final Pattern TYPE = Pattern.compile("no\\.dsve\\.[a-z]+\\.v[0-9]+");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final ConnectionFactory factory;
    private final List<Path> files;
    private final Path statePath;
    /** What must outlive this process: which id each request has, and its newest outcome. */
    private final ObjectNode requests;

    private Agent(ConnectionFactory factory, List<Path> files, Path statePath) throws IOException {
        this.factory = factory;
        this.files = files;
        this.statePath = statePath;
        byte[] kept = Files.exists(statePath) ? Files.readAllBytes(statePath) : "{}".getBytes();
        requests = (ObjectNode) JSON.readTree(kept);
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
        Files.write(beside, JSON.writeValueAsBytes(requests));
        Files.move(beside, statePath, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private JsonNode of(Path file) {
        return requests.path(file.getFileName().toString());
    }

    private List<Path> open() {
        return files.stream().filter(file -> !of(file).has("outcome")).toList();
    }

    private static String amounts(JsonNode loan) {
        String number = loan.path("laanenummer").asText();
        if (loan.has("saldo")) {
            return number + " " + loan.path("saldo").asText();
        }
        return each(loan.path("saldoerPerDato"))
                .map(per -> number + " " + per.path("dato").asText() + " " + per.path("beloep").asText())
                .collect(Collectors.joining(", "));
    }

    private static void show(JsonNode request) {
        String id = request.path("id").asText();
        String type = request.path("outcome").path("type").asText();
        JsonNode body = request.path("outcome").path("body");
        if (!type.equals(STATUS)) {
            say("outcome", id, type, each(body.path("laanliste")).map(Agent::amounts).collect(Collectors.joining("; ")));
            return;
        }
        say("outcome", id, body.path("statuskode").asText(), body.path("tekst").asText());
        each(body.path("avvik")).forEach(one -> say("finding", id, one.path("regel").asText(),
                one.path("peker").asText(), one.path("tekst").asText()));
    }

    /** Publishes one request and waits until RabbitMQ has it. */
    private void ask(Channel channel, AtomicBoolean returned, Path file) throws Exception {
        String id = of(file).path("id").asText();
        var type = TYPE.matcher(file.getFileName().toString());
        if (!type.find()) {
            throw new IllegalArgumentException(file + ": its name holds no message type");
        }
        var properties = new AMQP.BasicProperties.Builder()
                .type(type.group())
                .messageId(id) // the idempotency key: the same again has no effect
                .userId(factory.getUsername()) // RabbitMQ checks it against the login
                .contentType("application/json")
                .appId("example-agent-java")
                .timestamp(new Date())
                .deliveryMode(2)
                .build();
        // Mandatory: without it a message that reaches no queue is confirmed all the same, and lost. It
        // comes back just before its confirmation.
        channel.basicPublish("innfri.requests", "", true, properties, Files.readAllBytes(file));
        if (!channel.waitForConfirms(30_000) || returned.get()) {
            throw new IOException("RabbitMQ did not take the request");
        }
        say("asked", id, file.getFileName().toString());
    }

    /** Keeps what has come; false when it is not ours. */
    private boolean receive(Delivery delivery) throws IOException {
        AMQP.BasicProperties properties = delivery.getProperties();
        ObjectNode request = (ObjectNode) each(requests)
                .filter(one -> one.path("id").asText().equals(properties.getCorrelationId()))
                .findFirst().orElse(null);
        if (request == null) {
            return false;
        }
        String id = request.path("id").asText();
        JsonNode body = JSON.readTree(delivery.getBody());
        if (REJECTION.equals(properties.getType())) {
            // This id was used before with other content. The first message keeps its effect.
            String rules = each(body.path("avvik")).map(one -> one.path("regel").asText()).collect(Collectors.joining(","));
            say("rejected", id, rules, body.path("tekst").asText());
        } else if (!RECEIPT.equals(properties.getType())) {
            // An outcome may come twice, and a bank may send a newer one: the highest revision counts.
            Map<String, Object> headers = properties.getHeaders() == null ? Map.of() : properties.getHeaders();
            long revision = headers.get("innfri-revision") instanceof Number number ? number.longValue() : 1;
            if (revision <= request.path("outcome").path("revision").asLong(0)) {
                say("repeat", id);
                return true;
            }
            request.putObject("outcome").put("type", properties.getType()).put("revision", revision).set("body", body);
            save();
            show(request);
        }
        return true;
    }

    /** One connection's life: asks what has no outcome yet, then waits for outcomes. */
    private void session() throws Exception {
        try (Connection connection = factory.newConnection(); Channel channel = connection.createChannel()) {
            System.err.println("connected");
            AtomicBoolean returned = new AtomicBoolean();
            channel.addReturnListener((code, text, exchange, key, properties, body) -> returned.set(true));
            channel.confirmSelect();
            channel.basicQos(100);
            for (Path file : open()) {
                ask(channel, returned, file);
            }
            BlockingQueue<Delivery> arrived = new LinkedBlockingQueue<>();
            JsonNode asker = JSON.readTree(Files.readAllBytes(files.get(0))).path("avsender");
            channel.basicConsume("innfri.org.no." + asker.path("id").asText() + ".answers", false,
                    new DefaultConsumer(channel) {
                        @Override
                        public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
                            arrived.add(new Delivery(envelope, properties, body));
                        }
                    });
            while (!open().isEmpty()) {
                Delivery delivery = arrived.poll(1, TimeUnit.SECONDS);
                if (delivery == null && !channel.isOpen()) {
                    throw new IOException("the connection is closed");
                }
                // Acknowledged only once it is kept. What is not ours goes back when we leave.
                if (delivery != null && receive(delivery)) {
                    channel.basicAck(delivery.getEnvelope().getDeliveryTag(), false);
                }
            }
        }
    }

    private void run() throws Exception {
        // The id is made once and kept before it is first used: a restart asks with the same id.
        for (Path file : files) {
            if (of(file).isMissingNode()) {
                requests.putObject(file.getFileName().toString()).put("id", UUID.randomUUID().toString());
            }
        }
        save();
        files.stream().map(this::of).filter(request -> request.has("outcome")).forEach(Agent::show);
        long pause = 500;
        while (!open().isEmpty()) {
            long began = System.nanoTime();
            try {
                session();
            } catch (IOException | java.util.concurrent.TimeoutException | com.rabbitmq.client.ShutdownSignalException error) {
                // Waits double up to 30 s, with chance in them so that not all come back at once.
                boolean longAgo = System.nanoTime() - began > TimeUnit.SECONDS.toNanos(30);
                pause = longAgo ? 500 : Math.min(pause * 2, 30_000);
                System.err.println("disconnected: " + error);
                Thread.sleep(ThreadLocalRandom.current().nextLong(pause / 2, pause));
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        String url = System.getenv("AMQP_URL");
        if (arguments.length == 0 || url == null) {
            System.err.println("usage: AMQP_URL=amqp://… java Agent FILE-OR-FOLDER…");
            System.exit(2);
        }
        List<Path> files = new ArrayList<>();
        for (String argument : arguments) {
            Path path = Path.of(argument);
            if (!Files.isDirectory(path)) {
                files.add(path);
                continue;
            }
            try (Stream<Path> inside = Files.list(path)) {
                inside.filter(file -> file.toString().endsWith(".json")).sorted().forEach(files::add);
            }
        }
        ConnectionFactory factory = new ConnectionFactory();
        factory.setUri(url);
        factory.setAutomaticRecoveryEnabled(false); // session() does it, so that it also asks again
        new Agent(factory, files, Path.of(System.getenv().getOrDefault("AGENT_STATE", "agent-state.json"))).run();
    }
}
