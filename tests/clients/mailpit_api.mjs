// The npm package mailpit-api, unchanged, against a mock: each method that it has and the mock too.
//   node mailpit_api.mjs FOLDER-OF-NODE_MODULES URL
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, url] = process.argv.slice(2);
const path = createRequire(folder + "/").resolve("mailpit-api");
const { MailpitClient } = await import(pathToFileURL(path));
const client = new MailpitClient(url);
const message = {
	From: { Email: "alice@example.com", Name: "Alice" }, To: [{ Email: "bob@example.org", Name: "Bob" }],
	Subject: "first", Text: "Hello", HTML: "<p>Hello</p>", Tags: ["one"],
	Attachments: [{ Content: Buffer.from("attached").toString("base64"), Filename: "a.txt", ContentType: "text/plain" }],
};

const cases = {
	async about() {
		assert.equal((await client.getInfo()).Messages, 0);
		assert.equal((await client.getConfiguration()).ChaosEnabled, false);
	},
	async sendMessage() {
		const { ID } = await client.sendMessage(message);
		const found = await client.waitForMessage({ query: "subject:first" });
		assert.equal(found.ID, ID);
		assert.equal(found.From.Address, "alice@example.com");
		await client.sendMessage({ ...message, Subject: "second", Tags: ["two"] });
		await assert.rejects(client.sendMessage({ ...message, To: [{ Email: "bad" }] }));
	},
	async reading() {
		const list = await client.listMessages();
		assert.deepEqual(list.messages.map((m) => m.Subject), ["second", "first"]);
		assert.equal((await client.listMessages(1, 1)).messages[0].Subject, "first");
		const first = list.messages[1].ID;
		const whole = await client.getMessageSummary(first);
		assert.equal(whole.Text.trim(), "Hello");
		assert.equal((await client.getMessageSummary()).Subject, "second");
		assert.deepEqual((await client.getMessageHeaders(first))["X-Tags"], ["one"]);
		assert.match(await client.getMessageSource(first), /^Return-Path: <alice@example.com>\r\n/);
		const blob = await client.getMessageAttachment(first, whole.Attachments[0].PartID);
		assert.equal(await (blob.text ? blob.text() : blob), "attached");
		assert.match(await client.renderMessageHTML(first), /<p>Hello<\/p>/);
		assert.equal((await client.renderMessageText(first)).trim(), "Hello");
		await assert.rejects(client.getMessageSummary("nobody"));
	},
	async searching() {
		const found = await client.searchMessages({ query: "tag:two" });
		assert.equal(found.messages_count, 1);
		assert.equal((await client.waitForMessages()).messages.length, 2);
	},
	async marking() {
		await client.setReadStatus({ Read: false });
		assert.equal((await client.listMessages()).unread, 2);
		await client.setReadStatus({ Read: true, Search: "subject:first" });
		assert.equal((await client.listMessages()).unread, 1);
	},
	async tagging() {
		const { ID } = (await client.listMessages()).messages[0];
		await client.setTags({ IDs: [ID], Tags: ["three", "four"] });
		assert.deepEqual(await client.getTags(), ["four", "one", "three"]);
		await client.renameTag("four", "a b/c");
		await client.renameTag("a b c", "five");
		await client.deleteTag("three");
		assert.deepEqual(await client.getTags(), ["five", "one"]);
		await assert.rejects(client.deleteTag("nobody's"));
	},
	async chaos() {
		await assert.rejects(client.getChaosTriggers());
	},
	async deleting() {
		await client.deleteMessagesBySearch({ query: "subject:first" });
		assert.equal((await client.listMessages()).total, 1);
		await client.deleteMessages({ IDs: [(await client.listMessages()).messages[0].ID] });
		assert.equal((await client.listMessages()).total, 0);
		await client.sendMessage(message);
		await client.deleteMessages();
		assert.equal((await client.listMessages()).total, 0);
		await assert.rejects(client.waitForMessage({ query: "subject:first" }, { timeout: 300, interval: 50 }));
	},
};

for (const [name, run] of Object.entries(cases)) {
	await run();
	console.log(name);
}
