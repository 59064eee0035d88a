// The npm package imapflow, unchanged, against a server: what applications do with it.
//   node imapflow.mjs FOLDER-OF-NODE_MODULES IMAP-PORT IMAPS-PORT USER PASSWORD MAILBOX
// Works in MAILBOX, which is new; prints a word for each thing that was as it must be.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [folder, imap, imaps, user, pass, name] = process.argv.slice(2);
const { ImapFlow } = createRequire(folder + "/")("imapflow");
const tls = { rejectUnauthorized: false }, there = name + "/Grüße & 挨拶";
const letter = (subject) => Buffer.from("From: Bob <bob@alice.example>\r\nTo: alice@alice.example\r\nSubject: " + subject +
	"\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <" + encodeURI(subject) + "@client.example>\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße " + subject + "\r\n" +
	"--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n--b--\r\n");

async function connect(options) {
	const client = new ImapFlow({ host: "127.0.0.1", port: imaps, secure: true, tls, auth: { user, pass }, logger: false, ...options });

	client.on("error", (error) => { throw error; });
	await client.connect().catch((error) => { client.close(); throw error; });
	return client;
}

// The next event of this name, and what it came with.
const next = (client, event) => new Promise((resolve, reject) => {
	const timer = setTimeout(() => reject(new Error("no " + event)), 30000);

	client.once(event, (what) => { clearTimeout(timer); resolve(what); });
});

for (const way of [{ port: imap, secure: false, doSTARTTLS: true }, { port: imap, secure: false, doSTARTTLS: false }]) {
	const other = await connect(way);

	assert.equal(other.secureConnection, way.doSTARTTLS);
	await other.logout();
}
await assert.rejects(connect({ auth: { user, pass: "wrong" } }), (error) => error.authenticationFailed);
const client = await connect({ qresync: true });
assert.ok(client.authenticated);
console.log("connect");

assert.equal((await client.mailboxCreate(name)).created, true);
await client.mailboxCreate(there);
const boxes = await client.list({ statusQuery: { messages: true, uidNext: true, highestModseq: true } });
assert.equal(boxes.find((box) => box.path === there).delimiter, "/");
assert.equal(boxes.find((box) => box.path === name).status.messages, 0);
await client.mailboxSubscribe(there);
assert.ok((await client.list()).find((box) => box.path === there).subscribed);
await client.mailboxRename(there, there + " neu");
await client.mailboxRename(there + " neu", there);
console.log("folders");

// UIDs count through an account: which they are is the server's affair.
const uids = [], sent = Array.from({ length: 4 }, (_, n) => letter("Nummer " + (n + 1) + " für dich"));
for (const [n, one] of sent.entries()) {
	const done = await client.append(name, one, n === 0 ? ["\\Seen", "Wichtig"] : [], new Date("2026-11-2" + n + "T12:00:00Z"));

	uids.push(done.uid);
}
const opened = await client.mailboxOpen(name);
assert.deepEqual([opened.path, opened.exists, opened.uidNext, opened.readOnly], [name, 4, uids[3] + 1, false]);
assert.ok(opened.permanentFlags.has("\\*") && opened.highestModseq > 0n);
console.log("append");

const fetched = await client.fetchAll("1:*", { uid: true, flags: true, envelope: true, bodyStructure: true, internalDate: true, size: true,
	source: true, headers: ["subject"], bodyParts: ["1", "2"], threadId: true });
assert.equal(fetched.length, 4);
for (const [n, one] of fetched.entries()) {
	assert.deepEqual([one.seq, one.uid, one.size], [n + 1, uids[n], sent[n].length]);
	assert.ok(one.source.equals(sent[n]));
	assert.equal(one.envelope.subject, "Nummer " + (n + 1) + " für dich");
	assert.deepEqual(one.envelope.from, [{ name: "Bob", address: "bob@alice.example" }]);
	assert.deepEqual(one.bodyStructure.childNodes.map((part) => [part.part, part.type]), [["1", "text/plain"], ["2", "image/png"]]);
	assert.equal(one.bodyStructure.childNodes[1].dispositionParameters.filename, "a.png");
	assert.equal(one.bodyParts.get("2").toString().trim(), "iVBORw0K");
	assert.equal(one.internalDate.toISOString(), "2026-11-2" + n + "T12:00:00.000Z");
	assert.ok(one.emailId);
}
assert.deepEqual([...fetched[0].flags].filter((flag) => flag !== "\\Recent").sort(), ["Wichtig", "\\Seen"]);
const file = await client.download("1", "2");
assert.equal(file.meta.contentType, "image/png");
assert.equal(Buffer.concat(await file.content.toArray()).toString("hex"), "89504e470d0a");
console.log("fetch");

for (const [query, want] of [[{ all: true }, [1, 2, 3, 4]], [{ subject: "nummer 2" }, [2]], [{ body: "grüße" }, [1, 2, 3, 4]], [{ seen: false }, [2, 3, 4]],
	[{ keyword: "Wichtig" }, [1]], [{ or: [{ uid: "" + uids[0] }, { subject: "nummer 4 für" }] }, [1, 4]], [{ since: new Date("2026-11-22") }, [3, 4]],
	[{ emailId: fetched[2].emailId }, [3]], [{ from: "nobody" }, []]])
	assert.deepEqual(await client.search(query), want, JSON.stringify(query));
console.log("search");

assert.ok(await client.messageFlagsAdd("2:3", ["\\Flagged"]));
assert.ok(await client.messageFlagsRemove("3", ["\\Flagged"]));
assert.deepEqual(await client.search({ flagged: true }), [2]);
console.log("flags");

// IDLE: imapflow does it by itself when nothing else goes on.
const other = await connect({ disableAutoIdle: true });
let heard = next(client, "exists");
const idling = client.idle();
uids.push((await other.append(name, letter("while you idled"), [])).uid);
assert.deepEqual((({ path, count, prevCount }) => [path, count, prevCount])(await heard), [name, 5, 4]);
await other.mailboxOpen(name);
heard = next(client, "flags");
await other.messageFlagsAdd("5", ["\\Answered"]);
assert.ok((await heard).flags.has("\\Answered"));
heard = next(client, "expunge");
await other.messageDelete("5");
const gone = await heard;
assert.ok(gone.vanished ? gone.uid === uids[4] : gone.seq === 5);
await client.noop();
await idling;
console.log("idle");

const moved = await client.messageMove(uids[1] + ":" + uids[2], there, { uid: true });
assert.deepEqual([...moved.uidMap.keys()], [uids[1], uids[2]]);
const copied = await client.messageCopy("1", there);
assert.deepEqual([...copied.uidMap.keys()], [uids[0]]);
assert.equal((await client.status(there, { messages: true })).messages, 3);
assert.deepEqual(await client.search({ all: true }, { uid: true }), [uids[0], uids[3]]);
console.log("move");

// What changed since it was last here.
const before = (await other.status(name, { highestModseq: true })).highestModseq;
await other.messageFlagsAdd(uids[3], ["Neu"], { uid: true });
const changed = await client.fetchAll("1:*", { uid: true, flags: true }, { changedSince: before });
// Twice it may be: told by the way, and asked for.
assert.deepEqual([...new Set(changed.map((one) => one.uid))], [uids[3]]);
assert.ok(changed.at(-1).flags.has("Neu") && changed.at(-1).modseq > before);
console.log("condstore");

await client.mailboxClose();
await other.messageDelete(uids[0], { uid: true });
await other.messageFlagsAdd(uids[3], ["Spaet"], { uid: true });
const vanished = [], flagged = [];
client.on("expunge", (what) => vanished.push(what.uid));
client.on("flags", (what) => flagged.push([what.uid, what.flags.has("Spaet")]));
await client.mailboxOpen(name, { changedSince: before, uidValidity: opened.uidValidity });
assert.ok(vanished.includes(uids[0]) && !vanished.includes(uids[3]));
assert.deepEqual(flagged, [[uids[3], true]]);
assert.ok(client.enabled.has("QRESYNC"));
console.log("qresync");

assert.ok(client._deflate && other._deflate);
const plain = await connect({ disableCompression: true });
await plain.mailboxOpen(name, { readOnly: true });
assert.deepEqual((await plain.fetchOne("*", { source: true })).source, sent[3]);
await plain.logout();
console.log("compress");

await other.logout();
await client.mailboxClose();
for (const box of [there, name])
	await client.mailboxDelete(box);
assert.ok(!(await client.list()).some((box) => box.path.startsWith(name)));
await client.logout();
console.log("delete");
