/* view_source.js - the message's text, and its source as it came, line by line.
 *
 * Source is drawn in blocks of lines, with their numbers beside them; the browser lays
 * out those blocks only that are near the screen. */
import * as api from "./api.js";
import { copyButton, el, nothing, outLink } from "./dom.js";
import { plural, size } from "./format.js";
import { binary, decode } from "./mime_source.js";

const BLOCK = 500;                      /* lines */
const LINES_FIRST = 20000;              /* shown before somebody asks for more */
const LINE_MAX = 20000;                 /* characters of one line */

/* ---- text ---- */

const url = /\bhttps?:\/\/[^\s<>"'\u0000-\u001f]+[^\s<>"'.,;:!?)\]}\u0000-\u001f]/g;

function withLinks(text) {
	const out = [];
	let from = 0;

	for (const found of text.matchAll(url)) {
		out.push(text.slice(from, found.index), outLink(found[0], found[0]));
		from = found.index + found[0].length;
	}
	out.push(text.slice(from));
	return out;
}

/* Lines that answer another message look like it; the signature is quiet. */
function paragraphs(text) {
	const out = [];
	let kind = null;
	let lines = [];
	const flush = () => {
		if (lines.length > 0)
			out.push(el("span", { class: kind }, ...withLinks(lines.join("\n") + "\n")));
		lines = [];
	};

	for (const line of text.replace(/\r\n?/g, "\n").split("\n")) {
		const now = kind === "signature" || line === "-- " ? "signature" :
			/^\s{0,3}>/.test(line) ? "quoted" : "own";

		if (now !== kind)
			flush();
		kind = now;
		lines.push(line);
	}
	flush();
	return out;
}

export async function viewText(context) {
	const text = context.message.Text;

	if (!text || text.trim() === "")
		return nothing("This message has no text", context.message.HTML ? "It has HTML only. Who reads text gets nothing." :
			"Its body is empty, or holds only attachments.");
	return el("pre", { class: "text", dir: "auto" }, ...paragraphs(text));
}

/* ---- source ---- */

function lineNodes(line, inHead) {
	const shown = line.length > LINE_MAX ? line.slice(0, LINE_MAX) + " …" : line;
	const name = inHead ? /^[!-9;-~]+:/.exec(shown) : null;

	if (name === null)
		return [shown + "\n"];
	return [el("b", { class: "field" }, name[0]), shown.slice(name[0].length) + "\n"];
}

class SourceLines {
	constructor(lines) {
		this.lines = lines;
		this.headEnd = lines.findIndex((l) => l === "");
		this.drawn = 0;
		this.element = el("div", { class: "source" });
		this.more = el("button", { type: "button", class: "button", on: { click: () => this.draw(LINES_FIRST) } });
		this.draw(LINES_FIRST);
	}

	draw(n) {
		const end = Math.min(this.lines.length, this.drawn + n);

		this.more.remove();
		for (; this.drawn < end; this.drawn += BLOCK) {
			const to = Math.min(this.drawn + BLOCK, this.lines.length);
			const numbers = [];
			const nodes = [];

			for (let i = this.drawn; i < to; i++) {
				numbers.push(i + 1);
				nodes.push(...lineNodes(this.lines[i], this.headEnd < 0 || i < this.headEnd));
			}
			const block = el("div", { class: "source-block" },
				el("pre", { class: "source-numbers", "aria-hidden": "true" }, numbers.join("\n")),
				el("pre", { class: "source-lines" }, ...nodes));
			block.style.containIntrinsicHeight = "auto " + (to - this.drawn) * 20 + "px";
			this.element.append(block);
		}
		if (this.drawn < this.lines.length) {
			this.more.textContent = "Show more of " + plural(this.lines.length, "line");
			this.element.append(this.more);
		}
	}

	/* To a line, from 1, and mark it. */
	go(number) {
		while (this.drawn < Math.min(number, this.lines.length))
			this.draw(LINES_FIRST);
		const block = this.element.querySelectorAll(".source-block")[Math.floor((number - 1) / BLOCK)];
		if (block === undefined)
			return;
		const high = parseFloat(getComputedStyle(block).lineHeight) || 20;
		const mark = el("div", { class: "source-mark", "aria-hidden": "true" });
		this.element.querySelector(".source-mark")?.remove();
		mark.style.top = ((number - 1) % BLOCK) * high + "px";
		block.append(mark);
		mark.scrollIntoView({ block: "center" });
	}
}

export async function viewSource(context, panel) {
	const { bytes, whole } = await context.source();
	const text = decode(binary(bytes));
	const lines = text.replace(/\r\n/g, "\n").split("\n");
	const source = new SourceLines(lines);
	const go = (line) => source.go(line);

	if (panel.goto !== undefined)
		panel.removeEventListener("goto-line", panel.goto);
	panel.goto = (event) => go(event.detail);
	panel.addEventListener("goto-line", panel.goto);
	return el("div", { class: "source-view" },
		el("div", { class: "view-tools" },
			el("span", { class: "muted" }, whole ? plural(lines.length, "line") + ", " + size(bytes.length) :
				"The first " + size(bytes.length) + " of " + size(context.message.Size)),
			el("span", { class: "gap" }),
			copyButton(() => text, context.say),
			el("a", { class: "quiet", href: api.rawPath(context.id), target: "_blank", rel: "noopener" },
				"Open alone")),
		source.element);
}
