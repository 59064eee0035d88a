/* own.js - what Posthouse's own routes say of a message: null where a server has no such
 * route, else always the same form, whatever is left out. */
import { own } from "./api.js";

/* Members may begin in upper case, as Mailpit's do. */
function lower(value) {
	if (Array.isArray(value))
		return value.map(lower);
	if (value === null || typeof value !== "object")
		return value;
	return Object.fromEntries(Object.entries(value).map(([name, v]) =>
		[name.charAt(0).toLowerCase() + name.slice(1), lower(v)]));
}

async function about(kind, id, signal) {
	return lower(await own("message/" + encodeURIComponent(id) + "/" + kind, { signal }));
}

/* [{ rule, severity: "error", "warning" or "hint", where, line, clause, words, remedy }];
 * line: 0 where it is in none. */
export async function lint(id, signal) {
	const answer = await about("lint", id, signal);

	return answer && (answer.findings ?? []).map((f) => ({
		rule: f.rule ?? f.name ?? "", clause: f.clause ?? "", words: f.words ?? f.text ?? "", remedy: f.remedy ?? "",
		severity: ["error", "warning"].includes(f.severity) ? f.severity : "hint", where: f.where ?? "",
		line: f.line ?? Number(/^line (\d+)$/.exec(f.where ?? "")?.[1] ?? 0),
	}));
}

/* { sender, recipients: [], mailbox, login } */
export async function envelope(id, signal) {
	const answer = await about("envelope", id, signal);

	return answer && { sender: answer.sender ?? answer.from ?? "", recipients: answer.recipients ?? answer.to ?? [],
		mailbox: answer.mailbox ?? "", login: answer.login ?? "" };
}

/* [{ at, from: "client" or "server", text, masked }] */
export async function transcript(id, signal) {
	const answer = await about("transcript", id, signal);

	return answer && (answer.lines ?? []).map((l) => ({ at: l.at, from: l.from, text: l.text ?? "", masked: Boolean(l.masked) }));
}

/* [{ at, role, host, what, words, details: {} }] */
export async function journey(id, signal) {
	const answer = await about("journey", id, signal);

	return answer && (answer.events ?? []).map((e) => ({ at: e.at, role: e.role ?? "", host: e.host ?? "",
		what: e.what ?? "", words: e.words ?? "", details: e.details ?? {} }));
}

/* [{ name, messages, unread }] */
export async function mailboxes() {
	const answer = lower(await own("mailboxes"));

	return answer && (answer.mailboxes ?? []);
}

/* [{ name, url, here }]: of a lab; else none. */
export async function hosts() {
	const answer = lower(await own("hosts"));

	return (answer?.hosts ?? []).filter((h) => /^https?:\/\//.test(h.uRL ?? h.url ?? ""))
		.map((h) => ({ name: h.name ?? "", url: h.uRL ?? h.url, here: Boolean(h.here) }));
}
