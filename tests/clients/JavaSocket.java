/* tests/clients/JavaSocket.java - a first program over java.net.Socket.
 *
 *   java JavaSocket.java HOST PORT FIRST COUNT
 *
 * It takes each reply for one line, so with that to EHLO it falls behind, and goes with replies
 * unread. COUNT messages, numbered from FIRST, each over a socket of its own; the last is left
 * open until the program exits. */
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Socket;

public class JavaSocket {
    /* One byte at a time: the rest stays in the kernel. */
    static void readSlowly(InputStream in) throws IOException {
        int c;

        do
            c = in.read();
        while (c != '\n' && c != -1);
    }

    static Socket send(String host, int port, int number) throws IOException {
        Socket socket = new Socket(host, port);
        BufferedReader lines = new BufferedReader(new InputStreamReader(socket.getInputStream()));

        for (String text : new String[] { "EHLO client.example\r\n", "MAIL FROM:<a@b.example>\r\n",
                "RCPT TO:<c@d.example>\r\n", "DATA\r\n",
                "Subject: number " + number + "\r\nFrom: a@b.example\r\n\r\nHello\r\n", ".\r\n",
                "QUIT\r\n" }) {
            socket.getOutputStream().write(text.getBytes());
            if (number % 2 == 0)
                lines.readLine();
            else
                readSlowly(socket.getInputStream());
        }
        return socket;
    }

    public static void main(String[] a) throws IOException {
        int first = Integer.parseInt(a[2]), count = Integer.parseInt(a[3]);

        for (int i = 0; i < count; i++) {
            Socket socket = send(a[0], Integer.parseInt(a[1]), first + i);

            if (i + 1 < count)
                socket.close();
        }
    }
}
