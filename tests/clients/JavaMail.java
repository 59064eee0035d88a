/* tests/clients/JavaMail.java - what programs in Java send and read with: javax.mail.
 *
 *   java -cp javax.mail.jar JavaMail.java send HOST PORT USER PASSWORD TO SUBJECT
 *   java -cp javax.mail.jar JavaMail.java read HOST PORT USER PASSWORD SUBJECT
 *
 * send: with STARTTLS and a login; an attachment; the message as it was sent goes to
 * stdout. read: over POP3 with STLS; the message of that subject, as it is. */
import java.util.Properties;
import javax.mail.Folder;
import javax.mail.Message;
import javax.mail.Session;
import javax.mail.Store;
import javax.mail.Transport;
import javax.mail.internet.InternetAddress;
import javax.mail.internet.MimeBodyPart;
import javax.mail.internet.MimeMessage;
import javax.mail.internet.MimeMultipart;
import javax.mail.util.ByteArrayDataSource;
import javax.activation.DataHandler;

public class JavaMail {
    static Session session(String protocol) {
        Properties p = new Properties();
        p.put("mail." + protocol + ".starttls.enable", "true");
        p.put("mail." + protocol + ".starttls.required", "true");
        p.put("mail." + protocol + ".ssl.trust", "*");
        p.put("mail." + protocol + ".timeout", "20000");
        p.put("mail.smtp.auth", "true");
        return Session.getInstance(p);
    }

    static void send(String[] a) throws Exception {
        MimeMessage message = new MimeMessage(session("smtp"));
        MimeMultipart parts = new MimeMultipart();
        MimeBodyPart text = new MimeBodyPart(), file = new MimeBodyPart();
        byte[] bytes = new byte[100000];

        for (int i = 0; i < bytes.length; i++)
            bytes[i] = (byte)(i * i >> 3);
        text.setText("Grüße, 挨拶\r\n.\r\n..\r\nFrom here on\r\n", "utf-8");
        file.setDataHandler(new DataHandler(new ByteArrayDataSource(bytes, "image/png")));
        file.setFileName("Bild ä.png");
        parts.addBodyPart(text);
        parts.addBodyPart(file);
        message.setFrom(new InternetAddress(a[3]));
        message.setRecipient(Message.RecipientType.TO, new InternetAddress(a[5]));
        message.setSubject(a[6], "utf-8");
        message.setContent(parts);
        message.saveChanges();
        Transport transport = message.getSession().getTransport("smtp");
        transport.connect(a[1], Integer.parseInt(a[2]), a[3], a[4]);
        transport.sendMessage(message, message.getAllRecipients());
        transport.close();
        message.writeTo(System.out);
    }

    static void read(String[] a) throws Exception {
        Store store = session("pop3").getStore("pop3");
        store.connect(a[1], Integer.parseInt(a[2]), a[3], a[4]);
        Folder inbox = store.getFolder("INBOX");
        inbox.open(Folder.READ_ONLY);
        for (Message message : inbox.getMessages()) {
            if (a[5].equals(message.getSubject()))
                message.writeTo(System.out);
        }
        inbox.close(false);
        store.close();
    }

    public static void main(String[] a) throws Exception {
        if (a[0].equals("send"))
            send(a);
        else
            read(a);
        System.out.flush();
    }
}
