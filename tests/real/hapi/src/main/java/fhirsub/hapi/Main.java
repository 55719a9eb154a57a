package fhirsub.hapi;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.rest.server.RestfulServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

/**
 * A HAPI FHIR JPA R4 server on a loopback port, with its data in one H2 file.
 *
 * <p>Standard output carries a single line, {@code listening on <port>}, printed once
 * the server has answered {@code /fhir/metadata}. Everything else goes to standard error.
 */
public final class Main {

    private static final String USAGE =
            "usage: --database FILE [--port N] [--interval MILLISECONDS]"
                    + " [--until-stdin-closes] [--exit-when-ready]";

    private Path database;
    private int port = 0;
    private long interval = SubscriptionSettings.DEFAULT_SUBMISSION_INTERVAL_IN_MS;
    private boolean untilStdinCloses = false;
    private boolean exitWhenReady = false;

    public static void main(String[] args) throws Exception {
        Logger.getLogger("").setLevel(Level.WARNING);
        // Ready before two threads ask for it at once, of which SLF4J would warn.
        LoggerFactory.getILoggerFactory();
        Main main = new Main();
        try {
            main.parse(args);
        } catch (IllegalArgumentException mistake) {
            System.err.println(mistake.getMessage());
            System.err.println(USAGE);
            System.exit(2);
        }
        try {
            main.serve();
        } catch (Exception failure) {
            failure.printStackTrace();
            // HAPI's own threads would keep a half-started server alive.
            System.exit(1);
        }
    }

    private void parse(String[] args) {
        for (int i = 0; i < args.length; i++) {
            switch (args[i]) {
                case "--database" -> database = Path.of(value(args, ++i)).toAbsolutePath();
                case "--port" -> port = (int) number(args, ++i, 0, 65535);
                case "--interval" -> interval = number(args, ++i, 100, Integer.MAX_VALUE);
                case "--until-stdin-closes" -> untilStdinCloses = true;
                case "--exit-when-ready" -> exitWhenReady = true;
                default -> throw new IllegalArgumentException("unknown argument: " + args[i]);
            }
        }
        if (database == null) {
            throw new IllegalArgumentException("--database is required");
        }
    }

    private static String value(String[] args, int index) {
        if (index == args.length) {
            throw new IllegalArgumentException(args[index - 1] + " needs a value");
        }
        return args[index];
    }

    private static long number(String[] args, int index, long least, long most) {
        String text = value(args, index);
        try {
            long number = Long.parseLong(text);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException notANumber) {
            // Reported below, with the same words as a number out of range.
        }
        throw new IllegalArgumentException(
                args[index - 1] + " takes a number from " + least + " to " + most + ", not " + text);
    }

    private void serve() throws Exception {
        System.setProperty(ServerConfig.DATABASE, database.toString());
        System.setProperty(ServerConfig.INTERVAL, Long.toString(interval));
        Thread warmUp = new Thread(Main::readDefinitions, "read-definitions");
        warmUp.setDaemon(true);
        warmUp.start();
        AnnotationConfigApplicationContext context =
                new AnnotationConfigApplicationContext(ServerConfig.class);

        QueuedThreadPool threads = new QueuedThreadPool(32, 4);
        threads.setName("http");
        Server server = new Server(threads);
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        connector.setPort(port);
        server.addConnector(connector);

        ServletHolder fhir = new ServletHolder("fhir", context.getBean(RestfulServer.class));
        fhir.setInitOrder(1);
        ServletContextHandler root = new ServletContextHandler("/");
        root.addServlet(fhir, "/fhir/*");
        server.setHandler(root);

        // First stop answering, then let Spring close the database: the file is whole
        // after SIGTERM.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                server.stop();
            } catch (Exception failure) {
                failure.printStackTrace();
            }
            context.close();
        }));

        server.start();
        awaitAnswer(connector.getLocalPort());
        confirmOnlyWhatIsWritten(context.getBean(DataSource.class));
        System.out.println("listening on " + connector.getLocalPort());
        System.out.flush();

        if (exitWhenReady) {
            System.exit(0);
        }
        if (untilStdinCloses) {
            InputStream stdin = System.in;
            while (stdin.read() >= 0) {
                // Only the end of the stream matters.
            }
            System.exit(0);
        }
        server.join();
    }

    /**
     * Parses R4's own definitions, which HAPI keeps for all its parts once they are read,
     * while Hibernate starts on the other core.
     */
    private static void readDefinitions() {
        new DefaultProfileValidationSupport(FhirContext.forR4Cached())
                .fetchAllStructureDefinitions();
    }

    /**
     * By default H2 writes up to half a second after a commit, and a killed server has
     * forgotten what it last confirmed. While the server starts, which is one commit after
     * another, the delay saves a great deal of time.
     */
    private static void confirmOnlyWhatIsWritten(DataSource database) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("SET WRITE_DELAY 0");
        }
    }

    private static void awaitAnswer(int port) throws IOException {
        HttpURLConnection connection = (HttpURLConnection)
                URI.create("http://127.0.0.1:" + port + "/fhir/metadata").toURL().openConnection();
        connection.setRequestProperty("Accept", "application/fhir+json");
        int status = connection.getResponseCode();
        if (status != 200) {
            throw new IOException("/fhir/metadata answered " + status);
        }
        try (InputStream body = connection.getInputStream()) {
            body.readAllBytes();
        }
    }
}
