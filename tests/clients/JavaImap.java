/* tests/clients/JavaImap.java - javax.mail as an IMAP client.
 *
 *   java -cp javax.mail.jar:javax.activation.jar JavaImap.java HOST PORT USER PASSWORD FOLDER
 *
 * With STARTTLS. Works in FOLDER, which is new, and names of it; prints a word for each thing
 * that was as it must be. */
import com.sun.mail.imap.AppendUID;
import com.sun.mail.imap.IMAPFolder;
import com.sun.mail.imap.IMAPStore;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.activation.DataHandler;
import javax.mail.Flags;
import javax.mail.Folder;
import javax.mail.Message;
import javax.mail.Multipart;
import javax.mail.Session;
import javax.mail.event.MessageCountAdapter;
import javax.mail.event.MessageCountEvent;
import javax.mail.internet.InternetAddress;
import javax.mail.internet.MimeBodyPart;
import javax.mail.internet.MimeMessage;
import javax.mail.internet.MimeMultipart;
import javax.mail.search.BodyTerm;
import javax.mail.search.FlagTerm;
import javax.mail.search.SubjectTerm;
import javax.mail.util.ByteArrayDataSource;

public class JavaImap {
    static String[] a;
    static Session session;

    static void must(boolean good, String what) {
        if (!good)
            throw new AssertionError(what);
    }

    static void equal(Object got, Object want) {
        must(want.equals(got), "got " + got + ", not " + want);
    }

    static IMAPStore store() throws Exception {
        IMAPStore store = (IMAPStore)session.getStore("imap");

        store.connect(a[0], Integer.parseInt(a[1]), a[2], a[3]);
        return store;
    }

    static byte[] file() {
        byte[] bytes = new byte[100000];

        for (int i = 0; i < bytes.length; i++)
            bytes[i] = (byte)(i * i >> 3);
        return bytes;
    }

    static MimeMessage letter(String subject, String body) throws Exception {
        MimeMessage message = new MimeMessage(session);
        MimeMultipart parts = new MimeMultipart();
        MimeBodyPart text = new MimeBodyPart(), file = new MimeBodyPart();

        text.setText(body, "utf-8");
        file.setDataHandler(new DataHandler(new ByteArrayDataSource(file(), "image/png")));
        file.setFileName("Bild.png");
        parts.addBodyPart(text);
        parts.addBodyPart(file);
        message.setFrom(new InternetAddress(a[2], "Älice"));
        message.setRecipient(Message.RecipientType.TO, new InternetAddress(a[2]));
        message.setSubject(subject, "utf-8");
        message.setContent(parts);
        message.saveChanges();
        return message;
    }

    static byte[] bytes(Message message) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();

        message.writeTo(out);
        return out.toByteArray();
    }

    static IMAPFolder folders(IMAPStore store) throws Exception {
        IMAPFolder top = (IMAPFolder)store.getFolder(a[4]);
        Folder below = top.getFolder("Grüße & 挨拶");

        must(top.create(Folder.HOLDS_MESSAGES | Folder.HOLDS_FOLDERS), "create");
        must(below.create(Folder.HOLDS_MESSAGES), "create below");
        equal(top.list("%").length, 1);
        equal(top.list("%")[0].getName(), "Grüße & 挨拶");
        below.setSubscribed(true);
        must(below.isSubscribed(), "subscribed");
        must(below.renameTo(top.getFolder("neu: é")), "rename");
        must(!below.exists() && top.getFolder("neu: é").exists(), "renamed");
        equal(store.getDefaultFolder().getSeparator(), '/');
        must(store.hasCapability("UIDPLUS") && store.hasCapability("IDLE"), "capabilities");
        return top;
    }

    static void append(IMAPFolder top, MimeMessage[] sent) throws Exception {
        AppendUID[] uids = top.appendUIDMessages(sent);

        top.open(Folder.READ_WRITE);
        equal(top.getMessageCount(), sent.length);
        for (int i = 0; i < sent.length; i++) {
            Message message = top.getMessageByUID(uids[i].uid);
            Multipart parts = (Multipart)message.getContent();

            equal(uids[i].uidvalidity, top.getUIDValidity());
            equal(message.getSubject(), sent[i].getSubject());
            equal(message.getFrom()[0].toString(), sent[i].getFrom()[0].toString());
            equal(message.getSize(), bytes(sent[i]).length);
            must(Arrays.equals(bytes(message), bytes(sent[i])), "the same bytes");
            equal(parts.getCount(), 2);
            equal(parts.getBodyPart(0).getContent(), "Körper " + i + "\r\n");
            equal(parts.getBodyPart(1).getFileName(), "Bild.png");
            must(Arrays.equals(parts.getBodyPart(1).getInputStream().readAllBytes(), file()), "the same file");
        }
    }

    static void flags(IMAPFolder top) throws Exception {
        Flags mine = new Flags("Mine");

        must(top.getMessage(1).isSet(Flags.Flag.SEEN), "read");
        mine.add(Flags.Flag.FLAGGED);
        top.setFlags(1, 2, mine, true);
        must(top.getMessage(2).isSet(Flags.Flag.FLAGGED), "flagged");
        equal(top.getMessage(2).getFlags().getUserFlags()[0], "Mine");
        top.getMessage(2).setFlag(Flags.Flag.FLAGGED, false);
        must(!top.getMessage(2).isSet(Flags.Flag.FLAGGED), "no longer flagged");
        must(top.getPermanentFlags().contains(Flags.Flag.USER), "keywords");
    }

    static void search(IMAPFolder top) throws Exception {
        equal(top.search(new SubjectTerm("GRÜSSE 2")).length, 0);
        equal(top.search(new SubjectTerm("größe 2"))[0].getMessageNumber(), 3);
        equal(top.search(new BodyTerm("Körper")).length, 3);
        equal(top.search(new FlagTerm(new Flags(Flags.Flag.FLAGGED), true)).length, 1);
    }

    static void copy(IMAPFolder top) throws Exception {
        IMAPFolder below = (IMAPFolder)top.getFolder("neu: é");
        AppendUID[] uids = top.copyUIDMessages(new Message[] { top.getMessage(1), top.getMessage(3) }, below);

        below.open(Folder.READ_ONLY);
        equal(below.getMessageCount(), 2);
        equal(below.getMessageByUID(uids[1].uid).getSubject(), "Größe 2");
        below.close(false);
        top.moveMessages(new Message[] { top.getMessage(2) }, below);
        equal(below.getMessageCount(), 3);
        top.expunge();      // not before that does it count anew
        equal(top.getMessageCount(), 2);
    }

    /* Another session appends, this one idles and hears of it. */
    static void idle(IMAPFolder top) throws Exception {
        LinkedBlockingQueue<String> heard = new LinkedBlockingQueue<>();
        CountDownLatch listening = new CountDownLatch(1);
        Throwable[] trouble = new Throwable[1];
        Thread other = new Thread(() -> {
            try (IMAPStore store = store()) {
                listening.await();
                store.getFolder(a[4]).appendMessages(new Message[] { letter("while you idled", "Hi\r\n") });
            } catch (Throwable t) {
                trouble[0] = t;
            }
        });

        top.addMessageCountListener(new MessageCountAdapter() {
            @Override
            public void messagesAdded(MessageCountEvent e) {
                try {
                    heard.add(e.getMessages()[0].getSubject());
                } catch (Exception x) {
                    heard.add(x.toString());
                }
            }
        });
        other.start();
        listening.countDown();
        top.idle(true);
        equal(heard.poll(30, TimeUnit.SECONDS), "while you idled");
        other.join();
        must(trouble[0] == null, "" + trouble[0]);
    }

    public static void main(String[] arguments) throws Exception {
        Properties p = new Properties();
        MimeMessage[] sent = new MimeMessage[3];

        a = arguments;
        p.put("mail.imap.starttls.enable", "true");
        p.put("mail.imap.starttls.required", "true");
        p.put("mail.imap.ssl.trust", "*");
        p.put("mail.imap.timeout", "60000");
        session = Session.getInstance(p);
        IMAPStore store = store();
        IMAPFolder top = folders(store);
        System.out.println("folders");
        for (int i = 0; i < sent.length; i++)
            sent[i] = letter("Größe " + i, "Körper " + i + "\r\n");
        append(top, sent);
        System.out.println("append");
        flags(top);
        System.out.println("flags");
        search(top);
        System.out.println("search");
        copy(top);
        System.out.println("copy");
        idle(top);
        System.out.println("idle");
        top.getMessage(1).setFlag(Flags.Flag.DELETED, true);
        equal(top.expunge().length, 1);
        equal(top.getMessageCount(), 2);
        System.out.println("expunge");
        top.close(false);
        must(top.delete(true), "delete");
        must(!top.exists(), "deleted");
        store.close();
        System.out.println("delete");
    }
}
