/* transcript.js - the dialogue in which the message came, each line with its meaning. */
import { el, fill, nothing, outLink } from "./dom.js";
import { clock, plural, span } from "./format.js";
import { transcript } from "./own.js";
import { explain } from "./smtp_explain.js";
import { clauseUrl } from "./smtp_words.js";

const CONTENT_MAX = 6;                  /* lines of the message shown before a click */
const LINES_MAX = 5000;

function clauseLink(clause) {
	const url = clauseUrl(clause);

	return url ? outLink(url, clause, { class: "clause" }) : null;
}

function remark(said) {
	return el("div", { class: "said" },
		said.words ? el("p", null, said.kind === "offer" ? el("strong", null, said.title + ": ") : null,
			said.words, " ", said.clause ? clauseLink(said.clause) : null) : null,
		said.enhanced ? el("p", null, el("code", null, said.enhanced.code), " " + said.enhanced.words + " ",
			clauseLink(said.enhanced.clause)) : null,
		...(said.parameters ?? []).map((p) => el("p", null, el("code", null, p.name), " " + p.words + " ",
			clauseLink(p.clause))),
		said.next ? el("p", { class: "next" }, el("span", { class: "muted" }, "Next: "),
			said.next.map((word, i) => [i > 0 ? " · " : "", /^[A-Z]+$/.test(word) ? el("code", null, word) : word]).flat()) : null);
}

function words(line) {
	if (!line.masked)
		return line.text;
	return [line.text, " ", el("span", { class: "masked" }, "not shown")];
}

function row(line, said, before) {
	const at = Date.parse(line.at);
	const waited = before === null ? NaN : at - Date.parse(before.at);

	return el("li", { class: "line", "data-from": line.from, "data-kind": said.kind, "data-grade": said.grade },
		el("span", { class: "line-time", title: clock(line.at) }, before === null ? clock(line.at) : waited >= 1 ? span(waited) : ""),
		el("span", { class: "line-from" }, el("span", { class: "hidden" }, line.from === "server" ? "Server" : "Client"),
			el("span", { "aria-hidden": "true" }, line.from === "server" ? "S" : "C")),
		el("code", { class: "line-text" }, words(line)),
		said.words || said.next || said.enhanced ? remark(said) : null);
}

/* The message's own lines, folded when there are many. */
function contentRow(run) {
	const shown = run.slice(0, CONTENT_MAX);
	const text = el("code", { class: "line-text" }, shown.map((l) => l.text).join("\n"));
	const rest = run.length - shown.length;
	const item = el("li", { class: "line", "data-from": "client", "data-kind": "content" },
		el("span", { class: "line-time" }), el("span", { class: "line-from" },
			el("span", { class: "hidden" }, "Client"), el("span", { "aria-hidden": "true" }, "C")), text,
		el("div", { class: "said" }, el("p", null, "The message: header, an empty line, body. A dot that begins a line is sent twice. ",
			clauseLink("RFC 5321 §4.5.2")),
		rest > 0 ? el("p", null, el("button", { type: "button", class: "link", on: { click: (event) => {
			fill(text, run.map((l) => l.text).join("\n"));
			event.currentTarget.remove();
		} } }, "Show " + plural(rest, "more line", "more lines"))) : null));
	return item;
}

function rows(lines) {
	const said = explain(lines);
	const out = [];

	for (let i = 0; i < lines.length; i++) {
		if (said[i].kind !== "content") {
			out.push(row(lines[i], said[i], i === 0 ? null : lines[i - 1]));
			continue;
		}
		let end = i;
		while (end < lines.length && said[end].kind === "content")
			end++;
		out.push(contentRow(lines.slice(i, end)));
		i = end - 1;
	}
	return out;
}

export async function viewTranscript(context) {
	const lines = await transcript(context.id, context.signal);

	if (lines === null)
		return nothing("The transcript is not available here",
			"This server does not keep the dialogue in which a message came.");
	if (lines.length === 0)
		return nothing("No dialogue", "This message did not come by SMTP.");
	const shown = lines.slice(0, LINES_MAX);
	const list = el("ol", { class: "dialogue" }, ...rows(shown));
	const quiet = el("button", { type: "button", class: "button", on: { click: () => {
		quiet.textContent = list.classList.toggle("bare") ? "Explain" : "Hide explanations";
	} } }, "Hide explanations");
	return el("div", null,
		el("div", { class: "view-tools" }, el("span", { class: "muted" }, plural(lines.length, "line") +
			(shown.length < lines.length ? ", the first " + shown.length + " shown" : "")),
		el("span", { class: "gap" }), quiet),
		list);
}
