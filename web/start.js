/* start.js - what an empty list says: how to send a first message, in five ways. */
import { copyButton, el, fill, icon } from "./dom.js";

/* "127.0.0.1:1025" as the server tells it, else Mailpit's port on this page's host. */
function place(info) {
	const told = info?.Listen?.SMTP;
	const found = /^(.*):(\d+)$/.exec(told ?? "");
	const host = location.hostname;

	if (found === null)
		return { host, port: 1025, known: false };
	/* Who looks from elsewhere can't use an address that means "all". */
	return { host: ["0.0.0.0", "[::]", ""].includes(found[1]) ? host : found[1], port: Number(found[2]), known: true };
}

function ways({ host, port }) {
	const bare = host.replace(/^\[|\]$/g, "");

	return [
		["posthouse", "posthouse send --server " + host + ":" + port + " \\\n" +
			"  --from me@example.org \\\n  --to you@example.org \\\n  --subject Hello --body 'It works.'"],
		["swaks", "swaks --server " + host + ":" + port + " \\\n  --to you@example.org \\\n" +
			"  --header 'Subject: Hello' \\\n  --body 'It works.'"],
		["curl", "printf 'From: me@example.org\\r\\nTo: you@example.org\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n' |\n" +
			"curl smtp://" + host + ":" + port + " --mail-from me@example.org --mail-rcpt you@example.org -T -"],
		["Python", "import smtplib\nfrom email.message import EmailMessage\n\n" +
			"m = EmailMessage()\nm['From'], m['To'], m['Subject'] = 'me@example.org', 'you@example.org', 'Hello'\n" +
			"m.set_content('It works.')\n" +
			"with smtplib.SMTP('" + bare + "', " + port + ") as s:\n    s.send_message(m)"],
		["ncat", "ncat -C " + bare + " " + port + "\nEHLO me.example\nMAIL FROM:<me@example.org>\nRCPT TO:<you@example.org>\n" +
			"DATA\nSubject: Hello\n\nIt works.\n.\nQUIT"],
	];
}

export function showStart(holder, info, say) {
	const where = place(info);
	const all = ways(where);
	const code = el("code", { tabindex: "0" });
	const pick = (at) => {
		code.textContent = all[at][1];
		buttons.forEach((button, i) => button.setAttribute("aria-pressed", i === at));
	};
	const buttons = all.map(([name], i) => el("button", { type: "button", class: "segment", "aria-pressed": "false",
		on: { click: () => pick(i) } }, name));

	pick(0);
	fill(holder, el("div", { class: "start" }, el("div", { class: "start-mark" }, icon("horn")),
		el("h2", null, "No mail yet"),
		el("p", null, "Point your program at ", el("code", null, where.host + ":" + where.port),
			": any sender, any recipient, any password. Nothing is sent on; what comes is shown here at once."),
		where.known ? null : el("p", { class: "muted" }, "(1025 is the port when none was chosen; the mock said at its start which it is.)"),
		el("div", { class: "start-ways" },
			el("div", { class: "start-tools" }, el("div", { class: "segments", role: "group", "aria-label": "With" }, ...buttons),
				copyButton(() => code.textContent, say)),
			el("pre", null, code))));
}

export function showNoMatch(holder, query, act) {
	fill(holder, el("div", { class: "start" }, el("div", { class: "start-mark" }, icon("search")),
		el("h2", null, "Nothing matches"),
		el("p", null, "No message is found by ", el("code", null, query), "."),
		el("p", null, el("button", { type: "button", class: "button", on: { click: act.all } }, "Show all messages"), " ",
			el("button", { type: "button", class: "quiet", on: { click: act.terms } }, "How to search"))));
}

export function showEmptyMailbox(holder, name, all) {
	fill(holder, el("div", { class: "start" }, el("div", { class: "start-mark" }, icon("horn")),
		el("h2", null, "Nothing in " + name),
		el("p", null, "What is sent with the login ", el("code", null, name), " comes here."),
		el("p", null, el("button", { type: "button", class: "button", on: { click: all } }, "Show all mailboxes"))));
}

export function showTrouble(holder, error, again) {
	fill(holder, el("div", { class: "start" },
		el("h2", null, error.status === 0 ? "The server can't be reached" : "The list can't be read"),
		el("p", null, error.status === 0 ? "It may have been stopped. This page comes back by itself when it does." : error.message),
		el("p", null, el("button", { type: "button", class: "button", on: { click: again } }, "Try again"))));
}
