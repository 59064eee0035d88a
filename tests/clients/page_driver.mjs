/* page_driver.mjs MODULES - runs cases of page_cases.mjs in Chromium, for test_page.py.
 *
 * A line of JSON on stdin is a case: { name, url, ... }. While it runs, a line on stdout
 * may be { call, args }: the test does that and answers { value }. It ends with { done },
 * or { failed: words }. MODULES is where npm put playwright-core. */
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { cases } from "./page_cases.mjs";

const { chromium } = createRequire(process.argv[2] + "/")("playwright-core");
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function read() {
	const { value, done } = await lines.next();

	return done ? null : JSON.parse(value);
}

function say(what) {
	process.stdout.write(JSON.stringify(what) + "\n");
}

async function run(browser, job) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...job.context });
	const trouble = [];                     /* what the page's console says of itself */
	const page = await context.newPage();

	page.setDefaultTimeout(60000);
	page.on("pageerror", (error) => trouble.push(String(error.stack)));
	page.on("console", (message) => message.type() === "error" && trouble.push(message.text()));
	page.on("dialog", (dialog) => {
		trouble.push("a dialog: " + dialog.message());
		dialog.dismiss();
	});
	try {
		await cases[job.name]({ page, context, job, trouble, url: job.url, async call(name, ...args) {
			say({ call: name, args });
			return (await read()).value;
		} });
		say({ done: true });
	} catch (error) {
		say({ failed: String(error.stack), trouble });
	} finally {
		await context.close();
	}
}

/* Chromium's engine without its windows: a third of the time. */
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium-headless-shell",
	args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"] });
say({ ready: browser.version() });
for (let job = await read(); job !== null; job = await read())
	await run(browser, job);
await browser.close();
