/* smtp_explain.js - a dialogue, line by line: which command a reply answers, what both
 * mean, and what may come next (RFC 5321 section 4.1.4). Pure.
 *
 *   greeting -> EHLO -> MAIL -> RCPT ... -> DATA -> 354 -> message -> "." -> 250 -> MAIL or QUIT
 *
 * Commands may come in groups (RFC 2920): replies answer them in their order. */
import { answers, classes, enhancedClasses, enhancedSubjects, extensions, parameters, replies,
	verbs } from "./smtp_words.js";

/* ---- enhanced codes ---- */

/* "5.1.1" in words; null: it is none. */
export function enhanced(code) {
	const found = /^([245])\.(\d{1,3})\.(\d{1,3})$/.exec(code);

	if (found === null)
		return null;
	const [section, about, details] = enhancedSubjects[found[2]] ?? ["2", "", {}];
	const detail = details[found[3]];
	return { code, clause: "RFC 3463 §" + section, words: enhancedClasses[found[1]] + ": " +
		(detail ?? "something about the " + (about || "rest")) };
}

/* ---- what may come next ---- */

function nextAfter(talk, verb, code) {
	const good = code < 400;
	const offers = (name) => talk.offered.has(name);
	const transaction = ["MAIL", ...(offers("AUTH") && !talk.login ? ["AUTH"] : []),
		...(offers("STARTTLS") && !talk.tls ? ["STARTTLS"] : []), "QUIT"];

	if (code === 421 || code === 221 || code === 521)
		return ["the connection ends"];
	switch (verb) {
	case "greeting":
		return good ? ["EHLO", "HELO", "QUIT"] : ["QUIT"];
	case "EHLO": case "HELO": case "LHLO":
		return good ? transaction : ["HELO", "EHLO", "QUIT"];
	case "STARTTLS":
		return good ? ["the TLS handshake, then EHLO again"] : transaction;
	case "AUTH":
		return code === 334 ? ["the client's answer, in base 64", "* to give up"] : good ? ["MAIL", "QUIT"] : ["AUTH", "QUIT"];
	case "MAIL":
		return good ? ["RCPT", "RSET"] : ["MAIL", "QUIT"];
	case "RCPT":
		return talk.recipients > 0 ? ["RCPT", offers("CHUNKING") ? "DATA or BDAT" : "DATA", "RSET"] :
			["RCPT", "RSET", "QUIT"];
	case "DATA":
		return code === 354 ? ["the message, then a line with one dot"] : ["RCPT", "RSET", "QUIT"];
	case ".":
		return ["MAIL", "QUIT"];
	case "BDAT":
		return good ? ["BDAT", "MAIL", "QUIT"] : ["RSET", "QUIT"];
	default:
		return talk.recipients > 0 ? ["RCPT", "DATA", "RSET"] : ["MAIL", "QUIT"];
	}
}

/* ---- the client's lines ---- */

function parametersOf(line) {
	const found = [];

	for (const [, name, , value] of line.replace(/^[^>]*>?/, "").matchAll(/\s([A-Za-z0-9-]+)(=(\S*))?/g)) {
		const row = parameters[name.toUpperCase()];

		if (row !== undefined)
			found.push({ name: name.toUpperCase(), value: value ?? "", clause: row[0], words: row[1] });
	}
	return found;
}

function command(talk, text) {
	const verb = (/^\s*([A-Za-z]+)/.exec(text)?.[1] ?? "").toUpperCase();
	const row = verbs[verb];

	talk.pending.push(row === undefined ? "?" : verb);
	if (row === undefined)
		return { kind: "other", title: "No command of SMTP", words: "Servers answer 500.", clause: "RFC 5321 §4.2.4" };
	if (["EHLO", "HELO", "LHLO", "RSET", "MAIL"].includes(verb))
		talk.recipients = 0;
	return { kind: "verb", title: verb, words: row[1], clause: row[0],
		parameters: verb === "MAIL" || verb === "RCPT" ? parametersOf(text) : [] };
}

function fromClient(talk, text, masked) {
	if (talk.data) {
		if (text === ".") {
			talk.data = false;
			talk.pending.push(".");
			return { kind: "verb", title: ".", words: "One dot alone: here the message ends. Now the server must say whether it took it.",
				clause: "RFC 5321 §4.1.1.4" };
		}
		return { kind: "content", words: text.startsWith(".") ?
			"A dot that begins a line is sent twice; the server takes one away (RFC 5321 §4.5.2)." : "" };
	}
	if (talk.challenge) {
		talk.challenge = false;
		talk.pending.push("AUTH");
		if (text === "*")
			return { kind: "verb", title: "*", words: "The client gives this login up.", clause: "RFC 4954 §4" };
		return { kind: "secret", title: "Answer", words: masked ? "Name or password; it is not shown." :
			"The answer to the challenge, in base 64: encoded, not encrypted.", clause: "RFC 4954 §4" };
	}
	return command(talk, text);
}

/* ---- the server's ---- */

function offer(talk, rest) {
	const name = (/^([A-Za-z0-9-]+)/.exec(rest)?.[1] ?? "").toUpperCase();
	const row = extensions[name];

	if (name !== "")
		talk.offered.add(name);
	return row === undefined ? null : { kind: "offer", title: name, words: row[1], clause: row[0] };
}

function settle(talk, verb, code) {
	const good = code < 400;

	if (verb === "RCPT" && good)
		talk.recipients++;
	if (verb === "DATA" && code === 354)
		talk.data = true;
	if (verb === "AUTH") {
		talk.challenge = code === 334;
		talk.login ||= code === 235;
	}
	if (verb === "STARTTLS" && code === 220) {
		talk.tls = true;
		talk.offered.clear();
	}
	if (verb === ".")
		talk.recipients = 0;
}

function fromServer(talk, text) {
	const found = /^(\d{3})(?:([ -])(.*))?$/s.exec(text);

	if (found === null)
		return { kind: "other", title: "No reply of SMTP", words: "A reply begins with three digits.", clause: "RFC 5321 §4.2" };
	if (talk.data) {                        /* the dialogue was kept without the message */
		talk.data = false;
		talk.pending.push(".");
	}
	const code = Number(found[1]);
	const more = found[2] === "-";
	const verb = talk.pending[0] ?? "none";
	const rest = found[3] ?? "";
	const first = !talk.within;
	const second = /^(\d\.\d{1,3}\.\d{1,3})(?:\s|$)/.exec(rest);
	const row = answers[code + " " + verb] ?? replies[code] ?? ["RFC 5321 §4.2.1", classes[found[1][0]] ?? "No code of SMTP."];
	const offered = !first && code === 250 && ["EHLO", "LHLO"].includes(verb) ? offer(talk, rest) : null;
	const said = offered ?? { kind: first ? "reply" : "more", title: String(code),
		words: first ? row[1] : "", clause: first ? row[0] : "" };

	if (second !== null && first)
		said.enhanced = enhanced(second[1]);
	said.grade = code < 400 ? "good" : code < 500 ? "later" : "bad";
	said.answers = verb;
	talk.within = more;
	if (!more) {
		talk.pending.shift();
		settle(talk, verb, code);
		said.next = nextAfter(talk, verb, code);
	}
	return said;
}

/* lines: [{ from, text, masked }]. One explanation a line, in their order:
 *   { kind: "verb", "reply", "more", "offer", "content", "secret" or "other", title, words, clause,
 *     and where they apply: enhanced { code, words, clause }, parameters [...], next [...], grade } */
export function explain(lines) {
	const talk = { pending: ["greeting"], offered: new Set(), recipients: 0, data: false,
		challenge: false, login: false, tls: false, within: false };

	return lines.map((line) => line.from === "server" ? fromServer(talk, line.text) :
		fromClient(talk, line.text, line.masked));
}
