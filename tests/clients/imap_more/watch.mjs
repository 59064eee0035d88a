// npm's imap in IDLE: prints what the server says of a mailbox, until its input ends. See test_imap_more.py.
import { createRequire } from "node:module";

const [port, tlsPort, ca, user, password, box, file, folder] = process.argv.slice(2);
const Imap = createRequire(folder + "/")("imap");
const client = new Imap({ user, password, host: "127.0.0.1", port: Number(tlsPort), tls: true, tlsOptions: { rejectUnauthorized: false },
	debug: (line) => line === "<= '+ idling'" && console.log("ready") });

client.once("ready", () => client.openBox(box, (error, opened) => {
	if (error)
		throw error;
	client.on("mail", () => console.log("exists", opened.messages.total));
	client.on("expunge", (number) => console.log("expunge", number));
	client.on("update", (number, { flags }) =>
		console.log("flags", number, ...flags.map((flag) => flag.slice(1)).filter((flag) => flag !== "Recent").sort()));
	process.stdin.on("end", () => client.end()).resume();
}));
client.once("error", (error) => { throw error; });
client.connect();
