/* own.js - what Posthouse's own routes say of a message: null where a server has no such
 * route, else always the same form. */
import { own } from "./api.js";

function about(kind, id, signal) {
	return own("message/" + encodeURIComponent(id) + "/" + kind, { signal });
}

/* [{ rule, severity: "error", "warning" or "hint", where, line, clause, words, remedy }];
 * line: of the source, 0 where it is in none. */
export async function lint(id, signal) {
	const answer = await about("lint", id, signal);

	return answer && answer.Findings.map((f) => ({ rule: f.Name, severity: f.Severity, where: f.Where, line: f.Line,
		clause: f.Clause, words: f.Text, remedy: f.Remedy }));
}

/* { sender, recipients: [], mailbox, login } */
export async function envelope(id, signal) {
	const answer = await about("envelope", id, signal);

	return answer && { sender: answer.From, recipients: answer.To, mailbox: answer.Mailbox, login: answer.Login };
}

/* [{ at, from: "client" or "server", text, masked }] */
export async function transcript(id, signal) {
	const answer = await about("transcript", id, signal);

	return answer && answer.Lines.map((l) => ({ at: l.At, from: l.From, text: l.Text, masked: l.Masked }));
}

/* [{ at, role, host, what, words, details: {} }] */
export async function journey(id, signal) {
	const answer = await about("journey", id, signal);

	return answer && answer.Events.map((e) => ({ at: e.At, role: e.Role, host: e.Host, what: e.What, words: e.Words,
		details: e.Details ?? {} }));
}

/* [{ name, messages, unread }] */
export async function mailboxes() {
	const answer = await own("mailboxes");

	return answer && answer.Mailboxes.map((m) => ({ name: m.Name, messages: m.Messages, unread: m.Unread }));
}

/* [{ name, url, here }]: of a lab; else none. */
export async function hosts() {
	const answer = await own("hosts");

	return (answer?.Hosts ?? []).filter((h) => /^https?:\/\//.test(h.URL))
		.map((h) => ({ name: h.Name, url: h.URL, here: h.Here }));
}
