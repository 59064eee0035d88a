// npm's imap, called node-imap, over STARTTLS. See test_imap_more.py.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [port, tlsPort, ca, user, password, box, file, folder] = process.argv.slice(2);
const Imap = createRequire(folder + "/")("imap");
const client = new Imap({ user, password, host: "127.0.0.1", port: Number(port), autotls: "required", connTimeout: 30000,
	tlsOptions: { ca: readFileSync(ca), servername: "mail.alice.example", checkServerIdentity: () => undefined } });
// A method of it, or of its `seq`, as a promise.
const call = (method, ...words) => new Promise((resolve, reject) =>
	method.call(client, ...words, (error, answer) => error ? reject(error) : resolve(answer)));

// [{ uid, struct, octets }, ...] of all.
const messages = () => new Promise((resolve, reject) => {
	const found = [], fetch = client.seq.fetch("1:*", { bodies: "", struct: true, envelope: true });

	fetch.on("message", (message) => {
		const one = { octets: 0 };

		found.push(one);
		message.on("body", (stream) => stream.on("data", (data) => one.octets += data.length));
		message.on("attributes", ({ uid, struct }) => Object.assign(one, { uid, struct }));
	});
	fetch.once("error", reject);
	fetch.once("end", () => resolve(found));
});

client.once("ready", async () => {
	if (!(box in await call(client.getBoxes)))
		throw new Error("it is not listed");
	await call(client.openBox, box);
	const all = await messages();
	console.log("sizes", ...all.map((one) => one.octets));
	console.log("parts", ...all.map((one) => one.struct.length > 1 ? "multipart" : one.struct[0].type));
	await call(client.append, readFileSync(file), { mailbox: box, flags: ["Seen"] });
	const found = await call(client.search, [["SUBJECT", "Grüße"]]);
	console.log("found", found.length);
	await call(client.addFlags, found, "Flagged");
	await call(client.addKeywords, found, "$Work");
	await call(client.copy, all[0].uid, box + " 2");
	await call(client.move, all[2].uid, box + " 2");
	client.end();
});
client.once("error", (error) => { throw error; });
client.connect();
