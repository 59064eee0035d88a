/* view_headers.js - the fields of the header in their order: decoded, or as they came. */
import { copyButton, el, fill } from "./dom.js";
import { plural } from "./format.js";
import { binary, decode, decodeWords, fields, parameter, parameters } from "./mime_source.js";

/* Fields whose parameters are written as RFC 2231 has it. */
const withParameters = new Set(["content-type", "content-disposition"]);

function decoded(field) {
	if (withParameters.has(field.name.toLowerCase()) && /\*\d*\*?=/.test(field.value)) {
		const found = parameters(field.value);
		const names = new Set(Object.keys(found.parameters).map((n) => n.split("*")[0]));

		return [found.value, ...[...names].map((name) => name + "=" + parameter(found.parameters, name))].join("; ");
	}
	return decodeWords(field.value);
}

function row(field, raw) {
	if (field.name === "")
		return [el("dt", { class: "fault" }, "no field"), el("dd", null, decode(field.raw),
			el("span", { class: "remark" }, "A line without a name and a colon (RFC 5322 section 2.2)"))];
	const value = raw ? decode(field.raw.slice(field.raw.indexOf(":") + 1).replace(/^ /, "")) : decoded(field);
	return [el("dt", null, field.name), el("dd", { class: raw ? "raw" : "", dir: "auto" }, value)];
}

export async function viewHeaders(context) {
	const { bytes } = await context.source();
	const source = binary(bytes);
	const all = fields(source);
	const list = el("dl", { class: "fields" });
	const buttons = ["Decoded", "As they came"].map((label, raw) => el("button", { type: "button",
		class: "segment", "aria-pressed": raw === 0, on: { click: () => show(raw === 1) } }, label));
	const show = (raw) => {
		fill(list, ...all.flatMap((field) => row(field, raw)));
		buttons.forEach((button, i) => button.setAttribute("aria-pressed", (i === 1) === raw));
	};

	show(false);
	return el("div", null,
		el("div", { class: "view-tools" },
			el("div", { class: "segments", role: "group", "aria-label": "How" }, ...buttons),
			el("span", { class: "muted" }, plural(all.length, "field")),
			el("span", { class: "gap" }),
			copyButton(() => all.map((f) => decode(f.raw)).join("\n"), context.say)),
		list);
}
