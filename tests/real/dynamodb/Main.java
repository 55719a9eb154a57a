import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.ContextHandler;

/**
 * DynamoDB Local on a port of loopback, with its tables in a directory: its own command listens on every address of the
 * machine, and reports its use to AWS unless it is told not to.
 */
public final class Main {
    public static void main(String[] arguments) throws Exception {
        String directory = arguments[0];
        int port = Integer.parseInt(arguments[1]);
        var requests = new LocalDynamoDBRequestHandler(0, false, directory, true, false);
        var server = new Server(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        server.setHandler(new ContextHandler(new LocalDynamoDBServerHandler(requests, null)));
        server.start();
        System.out.println("listening on " + ((ServerConnector) server.getConnectors()[0]).getLocalPort());
        // Whoever started it holds the other end: it is gone when that is.
        while (System.in.read() != -1) {}
        System.exit(0);
    }
}
