/* page_cases.mjs - what the page must do, as somebody in front of it sees it.
 *
 * `call` does something outside the browser: "add" brings a message, and so on; see
 * test_page.py. A case waits for what shall be there; it never sleeps. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const row = (n) => `#rows li[aria-posinset="${n}"]`;
const subject = (page, n) => page.locator(row(n) + " .row-subject").textContent();

async function until(page, test, ...args) {
	await page.waitForFunction(test, ...args);
}

async function opened(page, url, path = "/") {
	await page.goto(url + path);
	await page.waitForSelector('#live[data-state="open"]');
}

async function tab(page, name) {
	await page.click("#tab-" + name);
	await page.waitForSelector(`#panel-${name}:not([aria-busy]):not([hidden])`);
	return page.locator("#panel-" + name);
}

async function text(page, name) {
	return (await tab(page, name)).innerText();
}

/* The page shows it before the server has it. */
async function deleted(page) {
	await page.waitForResponse((response) => response.request().method() === "DELETE");
}

async function count(page, words) {
	await until(page, (w) => document.getElementById("list-count").textContent === w, words);
}

/* What no console may say: scripts of the page broke, or its own policy stopped it. */
function quiet(trouble) {
	assert.deepEqual(trouble.filter((t) => !/Failed to load resource|WebSocket connection/.test(t)), []);
}

/* ---- arrival ---- */

async function live({ page, url, call, trouble }) {
	await opened(page, url);
	await page.getByRole("heading", { name: "No mail yet" }).waitFor();
	assert.match(await page.locator(".start").innerText(), /127\.0\.0\.1:\d+/);
	for (const way of ["posthouse", "swaks", "curl", "Python", "ncat"]) {
		await page.getByRole("button", { name: way, exact: true }).click();
		assert.match(await page.locator(".start pre").innerText(), /127\.0\.0\.1/);
	}
	await call("add", { subject: "First of all", text: "It came by itself." });
	await page.waitForSelector(row(1) + ".unread");
	assert.equal(await subject(page, 1), "First of all");
	await count(page, "1, 1 unread");
	await until(page, () => document.title === "(1) Posthouse");
	await until(page, () => document.getElementById("announce").textContent.includes("First of all"));
	assert.equal(await page.locator("#blank").isVisible(), false);
	for (let i = 2; i <= 30; i++)
		await call("add", { subject: "Number " + i });
	await until(page, () => document.querySelector('#rows li[aria-posinset="1"] .row-subject')?.textContent === "Number 30");
	assert.equal(await subject(page, 2), "Number 29");

	/* Who reads further down is not moved, and told. */
	await page.locator("#scroller").evaluate((s) => s.scrollTo(0, 10 * 78));
	const before = await page.evaluate(() => document.elementFromPoint(200, 400).closest("li").innerText);
	await call("add", { subject: "Number 31" });
	await page.getByRole("button", { name: "1 new message" }).waitFor();
	await until(page, (w) => document.elementFromPoint(200, 400).closest("li").innerText === w, before);
	await page.getByRole("button", { name: "1 new message" }).click();
	await until(page, () => document.getElementById("scroller").scrollTop === 0);
	assert.equal(await subject(page, 1), "Number 31");
	quiet(trouble);
}

async function reconnect({ page, url, call }) {
	await opened(page, url);
	await page.waitForSelector(row(1));
	await call("refuse", true);
	await page.waitForSelector('#live[data-state="waiting"]');
	assert.match(await page.locator("#notice").innerText(), /No connection/);
	await page.click(row(1) + " .row-link");
	await page.getByRole("heading", { name: "This message can't be shown" }).waitFor();
	await call("add", { subject: "Meanwhile" });
	await call("refuse", false);
	await page.waitForSelector('#live[data-state="open"]');
	await until(page, () => document.querySelector('#rows li[aria-posinset="1"] .row-subject')?.textContent === "Meanwhile");
	assert.equal(await page.locator("#notice").isVisible(), false);
	await page.waitForSelector("#panel-text:not([aria-busy])");     /* of the message that could not be shown */
}

async function refused({ page, url, call }) {
	await page.goto(url + "/assets/icon.svg");
	await opened(page, url);
	await call("refuse", true);
	await page.waitForSelector('#live[data-state="waiting"]');
	await page.fill("#query", "is:unread");
	await page.getByRole("heading", { name: "The server can't be reached" }).waitFor();
	await call("refuse", false);
	await page.waitForSelector(row(1));
}

/* ---- search, mailboxes ---- */

async function search({ page, url, job, trouble }) {
	await opened(page, url);
	await page.waitForSelector(row(1));
	await page.fill("#query", "subject:invoice is:unread");
	await count(page, job.want + ", " + job.want + " unread");
	await until(page, (w) => document.getElementById("announce").textContent === w, job.want + " messages found");
	assert.equal(new URL(page.url()).search, "?q=subject%3Ainvoice+is%3Aunread");
	assert.match(await subject(page, 1), /Invoice/);
	await page.fill("#query", "nobodywrotethis");
	await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
	await page.getByRole("button", { name: "How to search" }).click();
	await page.fill("#query", "");
	await page.getByRole("button", { name: "is:unread" }).click();
	await until(page, () => document.getElementById("list-title").textContent === "Found");
	await page.keyboard.press("Escape");
	await page.click(row(1) + " .row-link");
	await page.waitForSelector(".message-subject");
	assert.match(page.url(), /\/view\/[^?]+\?q=is%3Aunread$/);
	await page.goBack();
	await page.goBack();
	await page.reload();
	await page.waitForSelector(row(1));
	quiet(trouble);
}

async function mailboxes({ page, url, job, call }) {
	await opened(page, url);
	await page.waitForSelector("#mailbox:not([hidden])");
	assert.deepEqual(await page.locator("#mailbox option").allTextContents(), ["All mailboxes", ...job.names]);
	await page.selectOption("#mailbox", job.names[0]);
	await until(page, () => document.querySelectorAll("#rows li").length === 1);
	assert.equal(new URL(page.url()).searchParams.get("mailbox"), job.names[0]);
	await call("add", { subject: "For the second", mailbox: job.names[1] });
	await call("add", { subject: "For the first", mailbox: job.names[0] });
	await until(page, () => document.querySelector('#rows li[aria-posinset="1"] .row-subject')?.textContent === "For the first");
	assert.equal(await page.locator("#rows li").count(), 2);
	await page.check("#select-all");
	await page.click("#delete");
	assert.match(await page.getByRole("dialog").innerText(), /All messages in mailbox first\./);
	await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
	await page.getByRole("heading", { name: "Nothing in first" }).waitFor();
	await page.getByRole("button", { name: "Show all mailboxes" }).click();
	await count(page, "2, 2 unread");
}

/* A lab's hosts have a page each. */
async function hosts({ page, url, trouble }) {
	await opened(page, url);
	await page.waitForSelector("#hosts:not([hidden])");
	assert.deepEqual(await page.locator("#hosts a").evaluateAll((all) =>
		all.map((a) => [a.textContent, a.getAttribute("href"), a.getAttribute("aria-current")])),
	[["bob.example", "http://127.0.0.9:1/", null], ["alice.example", "/", "page"]]);
	/* Its mail is deleted by POP3: the page does not offer to. */
	await page.locator("#rows .row a").first().click();
	await page.waitForSelector(".message-tools");
	assert.equal(await page.locator("[aria-label^='Delete']:visible").count(), 0);
	await page.keyboard.press("#");
	await page.waitForFunction(() => document.body.textContent.includes("deleted by POP3"));
	quiet(trouble);
}

/* ---- one message ---- */

async function views({ page, url, job, trouble }) {
	await opened(page, url, "/view/" + job.id);
	await page.waitForSelector("#panel-html iframe");
	assert.equal(await page.locator(".message-subject").innerText(), "Your order #4711 \u2013 thank you");
	const head = await page.locator(".message-head").innerText();
	for (const words of ["Caf\u00e9 Alice <alice@alice.example>", "<bounce@alice.example>", "<hidden@bob.example>", "mailbox shop"])
		assert.ok(head.includes(words), words + " in " + head);
	const mail = page.frameLocator("#panel-html iframe");
	await mail.getByRole("heading", { name: "Thank you, Bob" }).waitFor();
	await until(page, () => document.querySelector("#panel-html iframe").contentDocument.querySelector("img[alt=Logo]").naturalWidth === 120);
	assert.equal(await mail.locator("a.go").getAttribute("rel"), "noreferrer noopener");
	assert.equal(await mail.locator(".card").evaluate((e) => getComputedStyle(e).maxWidth), "520px");
	assert.match(await page.locator(".remote").innerText(), /1 remote item blocked/);
	assert.ok(await page.evaluate(() => {
		const frame = document.querySelector("#panel-html iframe");
		return frame.clientHeight >= frame.contentDocument.body.scrollHeight;
	}), "the frame is as high as the message");

	assert.match(await text(page, "text"), /By train\./);
	assert.equal(await page.locator("#panel-text a").getAttribute("href"), "https://shop.example/track/4711");
	assert.equal(await page.locator("#panel-text .quoted").count(), 1);
	assert.match(await text(page, "source"), /Subject: Your order #4711 =\?utf-8\?/);
	assert.match(await text(page, "headers"), /Caf\u00e9 Alice <alice@alice\.example>/);
	await page.getByRole("button", { name: "As they came" }).click();
	assert.match(await page.locator("#panel-headers").innerText(), /=\?utf-8\?q\?Caf=C3=A9\?= Alice/);

	const parts = await text(page, "parts");
	assert.deepEqual(parts.match(/(multipart|text|image|application)\/[a-z]+/g), ["multipart/mixed", "multipart/alternative",
		"text/plain", "multipart/related", "text/html", "image/png", "application/pdf"]);
	assert.deepEqual(await page.locator(".part-id").allTextContents(), ["0", "1", "1.1", "1.2", "1.2.1", "1.2.2", "2"]);
	await page.locator("#panel-parts summary").first().click();
	await until(page, () => document.querySelector("#panel-parts pre")?.textContent.includes("Caf\u00e9 Alice"));

	assert.match(await text(page, "attachments"), /Rechnung f\u00fcr Bob\.pdf[\s\S]*application\/pdf/);
	const [download] = await Promise.all([page.waitForEvent("download"),
		page.getByRole("link", { name: "Download Rechnung f\u00fcr Bob.pdf" }).click()]);
	assert.equal(download.suggestedFilename(), "Rechnung f\u00fcr Bob.pdf");

	const lint = await text(page, "lint");
	assert.match(lint, /1 error[\s\S]*do not end in CR LF[\s\S]*1 warning[\s\S]*no Date[\s\S]*1 hint/);
	assert.equal(await page.getByRole("link", { name: "RFC 5321 section 2.3.8" }).getAttribute("href"),
		"https://www.rfc-editor.org/rfc/rfc5321#section-2.3.8");
	assert.equal(await page.locator("#tab-lint .badge").innerText(), "3");
	await page.getByRole("button", { name: "Line 17" }).click();
	await page.waitForSelector("#panel-source .source-mark");
	assert.equal(await page.evaluate(() => {
		const block = document.querySelector(".source-block");
		const at = Math.round(parseFloat(block.querySelector(".source-mark").style.top) / 20);
		return block.querySelector(".source-numbers").textContent.split("\n")[at] + " " + at;
	}), "17 16");

	const talk = await text(page, "transcript");
	for (const words of [/EHLO laptop\.example[\s\S]*RFC 5321 \u00a74\.1\.1\.1/, /AUTH PLAIN\s*not shown/, /550 5\.1\.1 No such mailbox/,
		/no such mailbox\s*RFC 3463 \u00a73\.2/, /354 Go on[\s\S]*then a line with one dot/, /on disk/, /NOTIFY[\s\S]*RFC 3461 \u00a74\.1/])
		assert.match(talk, words);
	assert.equal(await page.locator('.line[data-from="client"]').count(), 9);
	await page.getByRole("button", { name: "Show 2 more lines" }).click();
	await page.getByRole("button", { name: "Hide explanations" }).click();
	assert.equal(await page.locator(".said").first().isVisible(), false);

	const journey = await text(page, "journey");
	assert.match(journey, /6 events on 2 hosts[\s\S]*mock\.example[\s\S]*edge[\s\S]*on disk in the journal[\s\S]*alice\.example[\s\S]*durable/);
	quiet(trouble);
}

/* Of whatever server: each view is there, or says that it is not. */
async function every_view({ page, url, job, trouble }) {
	await opened(page, url, "/view/" + job.id);
	const mail = page.frameLocator("#panel-html iframe");
	await mail.getByRole("heading", { name: "Thank you, Bob" }).waitFor();
	await until(page, () => document.querySelector("#panel-html iframe").contentDocument.querySelector("img[alt=Logo]").naturalWidth === 120);
	await until(page, () => document.querySelector(".envelope").innerText.includes("<bounce@alice.example> \u2192 <bob@bob.example> <hidden@bob.example>"));
	assert.match(await text(page, "text"), /By train\./);
	assert.match(await text(page, "source"), /Subject: Your order #4711 =\?utf-8\?/);
	assert.match(await text(page, "headers"), /Caf\u00e9 Alice <alice@alice\.example>/);
	await tab(page, "parts");
	assert.deepEqual(await page.locator(".part-id").allTextContents(), ["0", "1", "1.1", "1.2", "1.2.1", "1.2.2", "2"]);
	assert.match(await text(page, "attachments"), /Rechnung f\u00fcr Bob\.pdf[\s\S]*application\/pdf[\s\S]*part 2[\s\S]*image\/png[\s\S]*part 1\.2\.2/);
	await until(page, () => document.querySelector(".thumb img").naturalWidth === 120);
	assert.match(await text(page, "lint"), /no Date[\s\S]*RFC 5322 section 3\.6\.1/);
	assert.match(await text(page, "transcript"), /ehlo[\s\S]*queued as/i);
	assert.match(await text(page, "journey"), /edge\.0[\s\S]*connects \(smtp\)[\s\S]*on disk in the journal/);
	quiet(trouble);
}

async function tags({ page, url, job, call, trouble }) {
	const shown = (names) => until(page, (w) => [...document.querySelectorAll(".people .tag")].map((t) => t.textContent).join() === w, names);

	await opened(page, url, "/view/" + job.id);
	await shown("shop");
	await page.getByRole("button", { name: "Change", exact: true }).click();
	await page.keyboard.type(", Later,, ");
	await page.keyboard.press("Enter");
	await shown("Later,shop");
	await until(page, () => document.querySelector("#rows li.open .row-marks").textContent.startsWith("Latershop"));
	assert.equal(await page.evaluate(() => document.activeElement.textContent), "Change");
	await page.keyboard.press("t");
	await page.keyboard.press("Escape");
	await shown("Later,shop");
	await page.keyboard.press("t");
	for (const [more, words] of [["grün, x", "“grün” can't be a tag"], ["a/b", "“a/b” can't be a tag"], ["!", "“!” can't be a tag"],
		["x".repeat(101), "longer than 100 letters"], [Array.from({ length: 101 }, (_, n) => n).join(), "at most 100 tags"]]) {
		await page.locator(".tag-form input").fill(more);
		await page.keyboard.press("Enter");
		await until(page, (w) => document.getElementById("toast").textContent.includes(w), words);
		assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-invalid")), "true");
	}
	assert.deepEqual((await call("tags", job.id)).join(), "Later,shop");
	await page.keyboard.press("Control+a");
	await page.keyboard.press("Delete");
	await page.keyboard.press("Enter");
	await page.getByRole("button", { name: "Add a tag" }).waitFor();
	assert.deepEqual(await call("tags", job.id), []);
	quiet(trouble);
}

/* A server without the routes of ours says so in words, each in its place. */
async function unavailable({ page, url, job, trouble }) {
	await opened(page, url, "/view/" + job.id);
	await page.waitForSelector("#panel-text:not([aria-busy])");
	assert.equal(await page.locator("#tab-html").count(), 0);
	assert.equal(await page.locator("#tab-attachments").count(), 0);
	await page.locator(".envelope").waitFor({ state: "detached" });
	for (const name of ["lint", "transcript", "journey"])
		assert.match(await text(page, name), /is not available here/);
	await page.goto(url + "/view/latest");
	await until(page, (wanted) => location.href === wanted, url + "/view/" + job.id);
	await page.waitForSelector(row(1) + ".open");
	await page.goto(url + "/view/nosuchmessage");
	await page.getByRole("heading", { name: "This message is not here any more" }).waitFor();
	await page.getByRole("button", { name: "Show the list" }).click();
	await until(page, () => location.pathname === "/");
	quiet(trouble);
}

/* ---- strangers' HTML ---- */

async function hostile({ page, context, url, job, call, trouble }) {
	const pages = [], asked = [], gone = [];

	context.on("page", (p) => pages.push(p));
	context.on("request", (r) => asked.push(r));
	page.on("framenavigated", (f) => gone.push(f.url()));
	const stayed = () => assert.deepEqual(gone.filter((u) => !u.startsWith(url + "/") && !/^(about:blank$|chrome-error:)/.test(u)), []);
	/* What the policy stopped is in the log as well. */
	const left = () => asked.filter((r) => r.url().startsWith(job.elsewhere) && !/^(csp|origin)$/.test(r.failure()?.errorText)).map((r) => r.url() + " " + r.failure()?.errorText);
	await context.addCookies([{ name: "secret", value: "hunter2", url }]);
	await opened(page, url, "/view/" + job.id);
	const mail = page.frameLocator("#panel-html iframe");
	await mail.locator("#there").waitFor();
	await until(page, () => document.querySelector(".remote")?.innerText.includes("blocked"));
	await until(page, () => document.querySelector("#panel-html iframe").contentDocument.querySelector("#along").naturalWidth === 120);
	assert.match(await mail.locator("#cid").evaluate((e) => getComputedStyle(e).backgroundImage), /^url\("blob:/);
	const inside = () => page.evaluate(() => {
		const doc = document.querySelector("#panel-html iframe").contentDocument;
		const all = [...doc.querySelectorAll("*")];
		return { tags: [...new Set(all.map((e) => e.localName))],
			handlers: all.filter((e) => [...e.attributes].some((a) => a.name.startsWith("on"))).length,
			named: all.filter((e) => e.hasAttribute("name") && !e.matches("a, map")).length,
			urls: all.flatMap((e) => ["src", "srcset", "background", "action", "formaction", "data", "poster", "ping", "lowsrc", "dynsrc", "xlink:href"]
				.map((n) => e.getAttribute(n))).filter((u) => u && !u.startsWith("blob:")),
			hrefs: all.filter((e) => e.hasAttribute("href")).map((e) => e.localName + " " + e.getAttribute("href")),
			targets: [...new Set([...doc.links].map((a) => a.target))] };
	});
	const found = await inside();
	for (const tag of ["script", "iframe", "object", "embed", "base", "meta", "link", "video", "audio", "animate", "set", "form", "noscript", "source", "portal", "fencedframe"])
		assert.ok(!found.tags.includes(tag) || (tag === "meta" && found.tags.includes("title")), tag + " is still there");
	assert.equal(found.handlers, 0);
	assert.deepEqual(found.urls, []);
	assert.equal(found.named, 0);
	assert.deepEqual(found.hrefs, ["top", "pinged", "link"].map((name) => "a " + job.elsewhere + "/" + name));
	assert.deepEqual(found.targets, ["_blank"]);
	assert.equal(await call("connections"), 0);
	assert.deepEqual(left(), []);
	await mail.locator("#js").click();
	await mail.locator("#data").click();
	await mail.locator("#in").click();
	await mail.locator("#send").click();

	/* The second and the third wall, without the first: what gets into the frame all the same. */
	await page.evaluate((e) => {
		const frame = document.querySelector("#panel-html iframe");
		const doc = frame.contentDocument;
		const add = (tag, more) => doc.body.append(Object.assign(doc.createElement(tag), more));

		add("script", { textContent: "window.top.owned = 1" });
		add("script", { src: e + "/wall.js" });
		add("img", { src: e + "/wall.png" });
		add("img", { src: "/api/v1/info?wall" });
		add("iframe", { src: e + "/wall-frame" });
		add("object", { data: e + "/wall-object" });
		add("link", { rel: "stylesheet", href: e + "/wall.css" });
		const form = doc.createElement("form");
		form.action = e + "/wall-form";
		doc.body.append(form);
		form.submit();
	}, job.elsewhere);
	await page.evaluate(() => fetch("/api/v1/info"));       /* a way there and back, so that a load would have begun */
	for (const name of ["text", "source", "headers", "parts", "attachments"])
		await tab(page, name);
	assert.equal(await page.evaluate(() => document.querySelector("#panel-attachments script, #rows b, #rows script, .message-head b, " +
		".message-head img, #panel-text b, #panel-source script")), null);
	assert.equal(await page.evaluate(() => window.owned ?? document.title.includes("owned")), false);
	assert.deepEqual(await call("seen"), []);
	assert.equal(await call("connections"), 0);
	assert.deepEqual(left(), []);
	assert.deepEqual(pages, []);
	stayed();
	assert.equal((await call("asked")).filter((path) => path.includes("wall") || /message\/M0000001$/.test(path)).length, 0);
	assert.ok(trouble.every((t) => !t.startsWith("a dialog")), trouble.join("\n"));

	/* When somebody asks: pictures and styles, and still no script and no cookie. */
	await tab(page, "html");
	await page.getByRole("button", { name: "Load remote content" }).click();
	await page.getByRole("button", { name: "Block again" }).waitFor();
	await call("waitSeen", "/img.png");
	await call("waitSeen", "/link.css");
	const seen = await call("seen");
	assert.ok(seen.every((path) => /\.(png|css|woff)$|^\/fill\.svg$/.test(path)), seen.join(" "));
	assert.deepEqual(await call("cookies"), []);
	assert.equal(await page.evaluate(() => window.owned ?? document.title.includes("owned")), false);
	const [out] = await Promise.all([context.waitForEvent("page"), mail.locator("#out").click()]);
	await out.waitForURL(job.elsewhere + "/link");
	assert.equal(await out.evaluate(() => window.opener), null);
	assert.equal(await out.evaluate(() => document.referrer), "");
	const [above] = await Promise.all([context.waitForEvent("page"), mail.locator("#top").click()]);
	await above.waitForURL(job.elsewhere + "/top");
	stayed();
	assert.ok(!(await call("seen")).includes("/ping"));
}

/* ---- 100,000 messages ---- */

async function many({ page, url, job, call, trouble }) {
	await opened(page, url);
	await count(page, job.count);
	assert.match(await subject(page, 1), new RegExp("\\(" + job.n + "\\)$"));
	const shown = () => page.evaluate(() => [...document.querySelectorAll("#rows li:not(.waiting)")].map((li) =>
		[Number(li.getAttribute("aria-posinset")), Number(/\((\d+)\)$/.exec(li.querySelector(".row-subject").textContent)[1])]));
	const settled = () => until(page, () => !document.querySelector("#rows li.waiting"));
	/* A dragged scroll bar passes everything; only what it stops at is asked for, or little more. */
	const before = (await call("asked")).length;
	await page.locator("#scroller").evaluate(async (s) => {
		for (let i = 1; i <= 80; i++) {
			s.scrollTop = s.scrollHeight * i / 160;
			await new Promise(requestAnimationFrame);
		}
	});
	await settled();
	for (const [position, number] of await shown())
		assert.equal(position + number, job.n + 1);
	assert.ok((await call("asked")).length - before <= 170, "at most two requests a frame");
	assert.ok(await page.locator("#rows li").count() < 60, "few rows are elements");
	const middle = Math.round(await page.locator("#scroller").evaluate((s) => s.scrollTop / 78));
	assert.ok(Math.abs(middle - job.n / 2) < 100, "the middle is in the middle: " + middle);

	/* One that comes does not move what is seen. */
	const seen = await page.evaluate(() => document.elementFromPoint(200, 400).closest("li").innerText);
	await call("add", { subject: "On top (" + (job.n + 1) + ")" });
	await page.getByRole("button", { name: "1 new message" }).waitFor();
	assert.equal(await page.evaluate(() => document.elementFromPoint(200, 400).closest("li").innerText), seen);
	for (const [position, number] of await shown())
		assert.equal(position + number, job.n + 2);

	await page.locator(row(job.n / 2) + " .row-link, #rows .row-link[tabindex='0']").first().focus();
	await page.keyboard.press("End");
	await page.waitForSelector(row(job.n + 1) + ":not(.waiting)");
	assert.match(await subject(page, job.n + 1), /\(1\)$/);
	assert.equal(await page.evaluate(() => document.activeElement.closest("li")?.getAttribute("aria-posinset")), String(job.n + 1));
	await page.keyboard.press("Enter");
	await page.waitForSelector("#panel-text:not([aria-busy])");
	await page.keyboard.press("k");
	await until(page, () => /\(2\)$/.test(document.querySelector(".message-subject")?.textContent));
	quiet(trouble);
}

/* More than a browser can lay out: the list moves in proportion. */
async function more_than_pixels({ page, url, job }) {
	await opened(page, url);
	await count(page, job.count);
	await page.locator("#scroller").evaluate((s) => s.scrollTo(0, s.scrollHeight));
	await page.waitForSelector(row(job.n) + ":not(.waiting)");
	const there = await page.locator(row(job.n)).boundingBox();
	assert.ok(Math.abs(there.y + there.height - 800) < 2, "the last is at the bottom: " + JSON.stringify(there));
	await page.locator("#scroller").evaluate((s) => s.scrollTo(0, s.scrollHeight / 2));
	await until(page, () => !document.querySelector("#rows li.waiting"));
	const middle = await page.evaluate(() => Number(document.elementFromPoint(200, 400).closest("li").getAttribute("aria-posinset")));
	assert.ok(Math.abs(middle - job.n / 2) < job.n / 100, String(middle));
}

/* ---- what one does with messages ---- */

async function selecting({ page, url, call, job, trouble }) {
	await opened(page, url);
	await page.waitForSelector(row(1));
	assert.ok(await page.locator("#delete").isDisabled());
	const first = await subject(page, 1);
	await page.locator(row(1) + " input").check();
	await page.locator(row(3) + " input").click({ modifiers: ["Shift"] });
	await count(page, "3 selected");
	await page.click("#mark-read");
	await until(page, () => document.querySelectorAll("#rows li[aria-posinset='1'].unread, #rows li[aria-posinset='3'].unread").length === 0);
	await page.click("#mark-unread");
	await page.waitForSelector(row(3) + ".unread");
	await page.click("#delete");
	await page.getByRole("heading", { name: "Delete 3 messages?" }).waitFor();
	await page.getByRole("button", { name: "Cancel" }).click();
	assert.equal(await subject(page, 1), first);
	await page.click("#delete");
	await Promise.all([deleted(page), page.getByRole("dialog").getByRole("button", { name: "Delete" }).click()]);
	await until(page, (s) => document.querySelector('#rows li[aria-posinset="1"] .row-subject').textContent !== s, first);
	assert.equal((await call("subjects")).length, job.n - 3);
	await page.fill("#query", "subject:invoice");
	await until(page, () => document.getElementById("list-title").textContent === "Found" && document.getElementById("list-count").textContent !== "");
	await page.check("#select-all");
	await page.click("#delete");
	await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
	await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
	const left = await call("subjects");
	assert.ok(left.length > 0 && left.every((s) => !s.includes("Invoice")), left.join());
	await page.getByRole("button", { name: "Show all messages" }).click();
	await page.waitForSelector(row(1));
	await call("remove", left[0]);          /* by somebody else */
	await until(page, (s) => document.querySelector('#rows li[aria-posinset="1"] .row-subject').textContent === s, left[1]);
	quiet(trouble);
}

/* ---- keyboard ---- */

async function keyboard({ page, url, call, job, trouble }) {
	const key = (k) => page.keyboard.press(k);
	const at = (n) => until(page, (p) => document.activeElement.closest("li")?.getAttribute("aria-posinset") === p, String(n));
	const ringed = async (what) => assert.notEqual(await page.evaluate(() =>
		getComputedStyle(document.activeElement).outlineStyle), "none", "focus is visible on " + what);

	await opened(page, url);
	await page.waitForSelector(row(1));
	const seen = [];
	for (let i = 0; i < 9; i++) {
		await key("Tab");
		seen.push(await page.evaluate(() => document.activeElement.id || document.activeElement.className));
		if (seen.at(-1) !== "query")
			await ringed(seen.at(-1));
	}
	assert.deepEqual(seen, ["skip", "home", "query", "search-help", "theme", "help", "select-all", seen[7], "row-link"]);
	await key("j");
	await at(2);
	await ringed("a row");
	await key("j");
	await at(3);
	await key("k");
	await at(2);
	const wanted = await subject(page, 2);
	await key("Enter");
	await until(page, (s) => document.querySelector(".message-subject")?.textContent === s, wanted);
	await page.waitForSelector("#panel-text:not([aria-busy])");
	await key("]");
	await page.waitForSelector("#panel-source:not([aria-busy])");
	await key("[");
	await page.waitForSelector("#panel-text:not([hidden])");
	await key("j");
	await until(page, (s) => document.querySelector(".message-subject")?.textContent === s, await subject(page, 3));
	await key("u");
	await until(page, () => document.querySelector(".nothing-open") !== null);
	await at(3);
	await key("x");
	await key("j");
	await key("x");
	await count(page, "2 selected");
	await key("m");
	await key("Escape");
	await Promise.all([deleted(page), key("#")]);
	await until(page, (n) => document.querySelector("#rows li").getAttribute("aria-setsize") === n, String(job.n - 1));
	assert.equal((await call("subjects")).length, job.n - 1);
	await at(4);
	await key("/");
	await page.keyboard.type("subject:invoice");
	await key("Enter");
	await until(page, () => document.getElementById("list-title").textContent === "Found" && document.querySelector("#rows li") !== null);
	await key("ArrowDown");
	await at(1);
	await key("?");
	await page.getByRole("heading", { name: "Keys" }).waitFor();
	await key("j");
	await key("Escape");
	await page.getByRole("heading", { name: "Keys" }).waitFor({ state: "hidden" });
	await at(1);
	await key("Escape");
	await until(page, () => document.getElementById("list-title").textContent === "Messages");

	/* In a message's frame keys are the page's as well. */
	await page.goto(url + "/view/" + job.id);
	await page.frameLocator("#panel-html iframe").getByRole("heading").waitFor();
	await page.frameLocator("#panel-html iframe").locator("a").focus();
	await key("]");
	await page.waitForSelector("#panel-text:not([aria-busy])");
	await page.locator("#tab-text").focus();
	await key("ArrowRight");
	assert.equal(await page.evaluate(() => document.activeElement.id), "tab-source");
	quiet(trouble);
}

/* ---- how it looks, and sounds ---- */

/* What axe-core finds in what is seen, but for small things. */
async function accessible(page, job, rules, what) {
	if (await page.evaluate(() => window.axe === undefined))
		await page.evaluate(readFileSync(job.axe, "utf8"));
	const found = await page.evaluate(async (only) => {
		const { violations, passes } = await axe.run(document, { iframes: false, resultTypes: ["violations"],
			...(only === null ? {} : { runOnly: only }) });
		return { passes: passes.length, bad: violations.filter((v) => v.impact !== "minor").map((v) =>
			v.id + ": " + v.nodes.map((n) => n.html.slice(0, 120) + " " + n.failureSummary).slice(0, 4).join(" | ")) };
	}, rules);
	assert.deepEqual(found.bad, [], what);
	assert.ok(found.passes > 0, what);
}

/* By all rules as it is by day, and once more for its colours as it is by night. */
async function looks(page, url, job) {
	const fine = async (name) => {
		await accessible(page, job, null, name);
		await page.emulateMedia({ colorScheme: "dark" });
		await accessible(page, job, ["color-contrast"], name + ", dark");
		await page.emulateMedia({ colorScheme: "light" });
	};

	await opened(page, url);
	await page.waitForSelector(row(1));
	await page.check("#select-all");
	await page.keyboard.press("?");
	await page.getByRole("heading", { name: "Help" }).waitFor();
	await fine("help");
	await page.keyboard.press("Escape");
	await page.click("#search-help");
	await fine("terms and a selection");
	await page.fill("#query", "nobodywrotethis");
	await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
	await fine("nothing");
	await page.getByRole("button", { name: "Show all messages" }).click();
	await page.click(row(1) + " .row-link");
	await page.waitForSelector("#panel-html iframe");
	for (const name of ["text", "source", "headers", "parts", "attachments", "lint", "transcript", "journey"])
		await tab(page, name);
	await page.keyboard.press("t");
	/* All at once, and nothing scrolled out of sight: that is not judged. */
	const size = page.viewportSize();
	await page.evaluate(() => document.querySelectorAll(".panel").forEach((panel) => (panel.hidden = false)));
	await page.setViewportSize({ ...size, height: 400 + await page.evaluate(() => document.querySelector(".pane-message").scrollHeight) });
	await fine("a message, all of its views");
	await page.setViewportSize(size);
}

async function dark({ page, url, job, trouble }) {
	const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

	await page.emulateMedia({ colorScheme: "light" });
	await looks(page, url, job);
	const day = await paper();
	await page.emulateMedia({ colorScheme: "dark" });
	const night = await paper();
	assert.notEqual(day, night);
	await page.getByRole("button", { name: "Colours: as the system" }).click();
	assert.equal(await paper(), day);
	await page.reload();
	assert.equal(await paper(), day);
	await page.getByRole("button", { name: "Colours: light" }).click();
	await page.emulateMedia({ colorScheme: "light" });
	assert.equal(await paper(), night);
	quiet(trouble);
}

async function phone({ page, url, job, trouble }) {
	const fits = async (what) => assert.deepEqual(await page.evaluate(() => [document.documentElement.scrollWidth,
		...[...document.querySelectorAll(".bar, .tools, .message-head, .panel:not([hidden])")].filter((e) => e.checkVisibility())
			.map((e) => e.getBoundingClientRect().right)].filter((x) => x > innerWidth + 0.5)), [], what + " is not wider than the phone");

	await page.setViewportSize({ width: 360, height: 740 });
	await opened(page, url);
	await page.waitForSelector(row(1));
	await fits("the list");
	assert.equal(await page.locator("#message").isVisible(), false);
	await page.click(row(1) + " .row-link");
	await page.waitForSelector("#panel-html iframe");
	assert.equal(await page.locator("#list").isVisible(), false);
	for (const name of ["html", "text", "source", "headers", "parts", "attachments", "lint", "transcript", "journey"]) {
		await tab(page, name);
		await fits(name);
	}
	assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll("button, .row-link")].filter((e) => e.checkVisibility() &&
		!e.matches(".link, .tag")).filter((e) => Math.min(e.getBoundingClientRect().height, e.getBoundingClientRect().width) < 40).map((e) => e.outerHTML)), []);
	await page.getByRole("button", { name: "Back to the list" }).click();
	await page.waitForSelector(row(1));
	assert.equal(await page.locator("#list").isVisible(), true);
	quiet(trouble);
}

/* What a screen reader has to say. */
async function labels({ page, url, job, trouble }) {
	await opened(page, url, "/view/" + job.id);
	await page.waitForSelector("#panel-html iframe");
	for (const name of ["transcript", "lint", "attachments", "headers", "html"])
		await tab(page, name);
	const faults = await page.evaluate(() => {
		const words = (e) => (e.getAttribute("aria-label") ?? document.getElementById(e.getAttribute("aria-labelledby"))?.textContent ??
			e.labels?.[0]?.textContent ?? (e.textContent || e.title || "")).trim();
		const all = [...document.querySelectorAll("button, a[href], input, select, iframe, dialog[open], [role=tabpanel], [role=tablist]")]
			.filter((e) => e.checkVisibility());
		const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
		return [
			...all.filter((e) => words(e) === "").map((e) => "no name: " + e.outerHTML.slice(0, 120)),
			...ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => "twice: " + id),
			...[...document.querySelectorAll("[aria-controls], [aria-labelledby], [aria-describedby]")].flatMap((e) =>
				["aria-labelledby", "aria-describedby"].map((n) => e.getAttribute(n)).filter((id) => id && !document.getElementById(id) && id !== "dialog-title")),
			...[...document.images].filter((i) => i.getAttribute("alt") === null).map((i) => "no alt: " + i.outerHTML),
			...[...document.querySelectorAll("svg")].filter((s) => s.getAttribute("aria-hidden") !== "true").map((s) => "svg is read: " + s.outerHTML),
			...[...document.querySelectorAll("[tabindex]")].filter((e) => e.tabIndex > 0).map((e) => "out of order: " + e.outerHTML),
		];
	});
	assert.deepEqual(faults, []);
	const landmarks = await page.evaluate(() => ["header.bar", "main", "[role=search]", "section[aria-label]", "[aria-live=polite]", "h1", "h2"]
		.map((s) => document.querySelectorAll(s).length > 0));
	assert.ok(landmarks.every(Boolean), landmarks.join());
	assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
	assert.equal(await page.locator('[role=tab][aria-selected="true"]').count(), 1);
	const list = page.getByRole("list", { name: "Messages, newest first" });
	assert.equal(await list.getByRole("listitem").first().getAttribute("aria-setsize"), String(job.n));
	assert.equal(await page.getByRole("main").count(), 1);
	assert.equal(await page.getByRole("tab", { name: /^Lint/ }).count(), 1);
	quiet(trouble);
}

/* ---- the pure parts ---- */

async function explained({ page, url }) {
	await opened(page, url);
	const got = await page.evaluate(async () => {
		const { explain, enhanced } = await import("/assets/smtp_explain.js");
		const { clauseUrl, verbs, replies, extensions, parameters, answers } = await import("/assets/smtp_words.js");
		const talk = (text) => explain(text.split("\n").map((line) => ({ from: line[0] === "S" ? "server" : "client", text: line.slice(3) })))
			.map((s) => [s.kind, s.title ?? "", s.answers ?? "", (s.next ?? []).join(",")].join("|"));
		const clauses = [verbs, replies, extensions, parameters, answers].flatMap((t) => Object.values(t).map((r) => r[0]));

		return {
			plain: talk("S: 220 x\nC: HELO a\nS: 250 x\nC: MAIL FROM:<>\nS: 250 ok\nC: RCPT TO:<b@c>\nS: 450 later\nC: RCPT TO:<c@c>\nS: 250 ok\n" +
				"C: DATA\nS: 354 go\nC: Subject: QUIT\nC: \nC: 250 no reply\nC: .\nS: 250 ok\nC: QUIT\nS: 221 bye"),
			grouped: talk("S: 220 x\nC: EHLO a\nS: 250-x\nS: 250 PIPELINING\nC: MAIL FROM:<a@b>\nC: RCPT TO:<b@c>\nC: DATA\nS: 250 ok\nS: 550 no\nS: 554 no recipient"),
			login: talk("S: 220 x\nC: AUTH LOGIN\nS: 334 VXNlcg==\nC: Ym9i\nS: 334 UGFzcw==\nC: c2VjcmV0\nS: 535 5.7.8 no"),
			odd: talk("S: hello\nS: 421 4.3.2 bye\nC: FOO\nS: 500 what"),
			without: talk("S: 220 x\nC: DATA\nS: 354 go\nS: 250 ok"),
			enhanced: [enhanced("5.1.1").words, enhanced("4.99.1").words, enhanced("5.1"), enhanced("3.1.1")],
			bad: clauses.filter((c) => clauseUrl(c) === null || !/#section-\d/.test(clauseUrl(c))),
			url: [clauseUrl("RFC 5322 \u00a73.6"), clauseUrl("RFC 6532 section 3.2"), clauseUrl("x"), clauseUrl(undefined)],
		};
	});
	assert.deepEqual(got.plain, ["reply|220|greeting|EHLO,HELO,QUIT", "verb|HELO||", "reply|250|HELO|MAIL,QUIT", "verb|MAIL||",
		"reply|250|MAIL|RCPT,RSET", "verb|RCPT||", "reply|450|RCPT|RCPT,RSET,QUIT", "verb|RCPT||", "reply|250|RCPT|RCPT,DATA,RSET",
		"verb|DATA||", "reply|354|DATA|the message, then a line with one dot", "content|||", "content|||", "content|||", "verb|.||",
		"reply|250|.|MAIL,QUIT", "verb|QUIT||", "reply|221|QUIT|the connection ends"]);
	assert.deepEqual(got.grouped.slice(7), ["reply|250|MAIL|RCPT,RSET", "reply|550|RCPT|RCPT,RSET,QUIT", "reply|554|DATA|RCPT,RSET,QUIT"]);
	assert.deepEqual(got.login.map((l) => l.split("|")[0]), ["reply", "verb", "reply", "secret", "reply", "secret", "reply"]);
	assert.deepEqual(got.odd, ["other|No reply of SMTP||", "reply|421|greeting|the connection ends", "other|No command of SMTP||", "reply|500|?|MAIL,QUIT"]);
	assert.equal(got.without.at(-1), "reply|250|.|MAIL,QUIT");
	assert.deepEqual(got.enhanced, ["for good: no such mailbox", "for now: something about the rest", null, null]);
	assert.deepEqual(got.bad, []);
	assert.deepEqual(got.url, ["https://www.rfc-editor.org/rfc/rfc5322#section-3.6", "https://www.rfc-editor.org/rfc/rfc6532#section-3.2", null, null]);
}

async function mime({ page, url, job }) {
	await opened(page, url);
	const got = await page.evaluate(async ([broken, deep]) => {
		const m = await import("/assets/mime_source.js");
		const flat = (source) => {
			const out = [];
			for (const open = [m.tree(source)]; open.length > 0;) {
				const part = open.shift();
				out.push([part.id, part.type, ...part.faults.map((f) => f.slice(0, 20))].join(" "));
				open.unshift(...part.children);
			}
			return out;
		};
		const names = (field) => m.parameter(m.parameters(field).parameters, "filename");

		return {
			words: ["=?utf-8?q?caf=C3=A9?= =?utf-8?b?IMO8?= x", "=?iso-8859-1?q?a_b=E9?=", "=?nosuch?q?a?=", "=?utf-8?b?!!!?=", "plain =? x"].map(m.decodeWords),
			names: ["attachment; filename*=utf-8''f%C3%BCr.pdf", 'attachment; filename*0="a"; filename*1="b.c"', 'x; filename="=?utf-8?q?=C3=BC?="',
				'x; filename="a\\"b"', "x; filename*0*=utf-8''%C3; filename*1*=%BC"].map(names),
			fields: m.fields("A: 1\r\n 2\r\nno colon\r\nB:\r\n\r\nC: body").map((f) => [f.name, f.value]),
			broken: flat(broken), deep: flat(deep).length,
			bodies: [["base64", "aGVsbG8=\r\n"], ["quoted-printable", "a=3D=\r\nb \r\nc"], ["8bit", "x"], ["base64", "%%%"], ["base64", "aGVsb"]].map(([encoding, t]) =>
				m.body(t, { encoding, body: 0, to: t.length })),
		};
	}, [job.broken, job.deep]);
	assert.deepEqual(got.words, ["caf\u00e9 \u00fc x", "a b\u00e9", "a", "", "plain =? x"]);
	assert.deepEqual(got.names, ["f\u00fcr.pdf", "ab.c", "\u00fc", 'a"b', "\u00fc"]);
	assert.deepEqual(got.fields, [["A", "1 2"], ["", "no colon"], ["B", ""]]);
	assert.deepEqual(got.broken, ["0 multipart/mixed its last boundary is", "1 text/plain", "2 multipart/alternative its boundary never c", "3 multipart/mixed no boundary: its par"]);
	assert.equal(got.deep, 51);
	assert.deepEqual(got.bodies, ["hello", "a=b\r\nc", "x", "", "hel"]);
}

/* Nothing in the page turns text into elements, and its policy does not let it. */
async function policy({ page, url, job }) {
	const response = await page.goto(url + "/");
	const csp = response.headers()["content-security-policy"];

	for (const words of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'",
		"form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"])
		assert.ok(csp.split("; ").includes(words), words + " in " + csp);
	const thrown = await page.evaluate(() => {
		try {
			document.body.innerHTML = "<b>x</b>";
			return "";
		} catch (error) {
			return error.name;
		}
	});
	assert.equal(thrown, "TypeError");
	for (const name of ["frame.html", "frame.html?remote"]) {
		const own = (await page.request.get(url + "/assets/" + name)).headers()["content-security-policy"];
		assert.match(own, /^default-src 'none'; /);
		assert.match(own, /sandbox (?!.*allow-scripts)/);
		assert.doesNotMatch(own, /script-src|unsafe-eval/);
	}
	for (const file of job.files) {
		const code = readFileSync(file, "utf8");
		assert.doesNotMatch(code.replace(/\/\*[\s\S]*?\*\//g, ""), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|javascript:/, file);
		assert.doesNotMatch(code, /<script(?![^>]*\bsrc=)|\sstyle="|\son[a-z]+="/, file);
	}
}

export const cases = { live, reconnect, refused, search, mailboxes, hosts, views, every_view, tags, unavailable, hostile, many, more_than_pixels, selecting, keyboard,
	dark, phone, labels, explained, mime, policy };
