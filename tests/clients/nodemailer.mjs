// The npm package nodemailer, unchanged, against a mock: each way in which applications use it.
//   node nodemailer.mjs FOLDER-OF-NODE_MODULES SMTP-PORT SMTPS-PORT
// Prints {name: reply to DATA}, and what TLS was refused with.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [folder, smtp, smtps] = process.argv.slice(2);
const nodemailer = createRequire(folder + "/")("nodemailer");
const host = "127.0.0.1", untrusting = { rejectUnauthorized: false };
const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const ways = {
	plain: { port: smtp, ignoreTLS: true },
	starttls: { port: smtp, requireTLS: true, tls: untrusting },
	tls: { port: smtps, secure: true, tls: untrusting },
	auth: { port: smtp, tls: untrusting, auth: { user: "suite@example.org", pass: "any" } },
	"auth-login": { port: smtp, ignoreTLS: true, authMethod: "LOGIN", auth: { user: "suite 2", pass: "any" } },
	pool: { port: smtp, ignoreTLS: true, pool: true, maxConnections: 1 },
};
const said = {};

for (const [name, options] of Object.entries(ways)) {
	const transport = nodemailer.createTransport({ host, ...options });
	const mail = {
		from: '"Alice Ünï" <alice@example.com>', to: "Bob <bob@example.org>, carol@example.org", cc: "dan@example.net",
		bcc: "hidden@example.com", replyTo: "reply@example.com", subject: "Grüße: " + name,
		text: "Grüße\n.\n..\n" + "a line that is longer than it may be, ".repeat(50),
		html: '<p>Grüße <img src="cid:logo@example.com"></p>',
		attachments: [
			{ filename: "logo.png", content: png, cid: "logo@example.com" },
			{ filename: "Bericht é.bin", content: Buffer.from(Array.from({ length: 100000 }, (_, i) => (i * i) >> 3 & 255)) },
			{ filename: "a.txt", content: "one\r\ntwo" },
		],
	};

	await transport.verify();
	said[name] = (await transport.sendMail(mail)).response;
	if (name === "pool") {
		const more = Array.from({ length: 20 }, (_, n) => transport.sendMail({ ...mail, subject: "pool " + n, attachments: [] }));

		for (const one of await Promise.all(more))
			assert.deepEqual(one.rejected, []);
	}
	transport.close();
}
said.field = (await nodemailer.createTransport({ host, port: smtp, ignoreTLS: true }).sendMail({
	from: "alice@example.com", to: "bob@example.org", subject: "field", text: "x", headers: { "X-Posthouse-Mailbox": "suite 3" } })).response;
said.untrusted = await nodemailer.createTransport({ host, port: smtp, requireTLS: true }).sendMail({
	from: "alice@example.com", to: "bob@example.org", subject: "never", text: "x" }).then(() => "taken", (error) => error.message);
console.log(JSON.stringify(said));
