/* view_parts.js - the MIME tree of a message, and its attachments. */
import * as api from "./api.js";
import { el, icon, nothing } from "./dom.js";
import { plural, size } from "./format.js";
import { binary, body, decode, tree } from "./mime_source.js";

const SHOWN = 2000;                     /* characters of a part */
const pictures = /^image\/(png|jpeg|gif|webp|avif|bmp)$/i;
const PICTURE_MAX = 10 * 1024 * 1024;

/* ---- the tree ---- */

const means = {
	"multipart/alternative": "the same in several forms; the last that a reader can show counts",
	"multipart/mixed": "one behind the other",
	"multipart/related": "one thing, and what belongs into it",
	"multipart/signed": "what was signed, and its signature",
	"multipart/encrypted": "how it is encrypted, and the rest",
	"multipart/report": "a report: in words, for machines, and what it is about",
	"multipart/digest": "messages",
	"message/rfc822": "a message in the message",
};

function facts(part) {
	return [part.charset, part.encoding, part.disposition,
		size(part.to - part.body)].filter(Boolean).join(" · ");
}

function peek(source, part) {
	if (part.type.startsWith("multipart/") || !/^(text\/|message\/|application\/(json|xml))/.test(part.type))
		return null;
	const details = el("details", { class: "peek" }, el("summary", null, "How it begins"));
	details.addEventListener("toggle", () => {
		if (details.open && details.childElementCount === 1)
			details.append(el("pre", { dir: "auto" },
				decode(body(source, part), part.charset).slice(0, SHOWN)));
	});
	return details;
}

function node(source, part) {
	return el("div", { class: "part" },
		el("div", { class: "part-line" }, el("code", { class: "part-id" }, part.id),
			el("strong", null, part.type),
			part.name ? el("span", { class: "part-name" }, part.name) : null,
			el("span", { class: "muted" }, facts(part))),
		means[part.type] ? el("p", { class: "remark" }, means[part.type]) : null,
		part.contentId ? el("p", { class: "remark" }, "cid:" + part.contentId) : null,
		...part.faults.map((fault) => el("p", { class: "remark fault" }, fault)),
		peek(source, part));
}

/* Without recursion: a list for each depth that is open. */
function draw(source, root) {
	const top = el("ul", { class: "tree", "aria-label": "Parts of the message" });
	const open = [[top, root]];

	while (open.length > 0) {
		const [list, part] = open.pop();
		const item = el("li", null, node(source, part));

		list.append(item);
		if (part.children.length === 0)
			continue;
		const below = el("ul", null);
		item.append(below);
		for (const child of [...part.children].reverse())
			open.push([below, child]);
	}
	return top;
}

function count(root) {
	let n = 0;

	for (const open = [root]; open.length > 0; n++)
		open.push(...open.pop().children);
	return n;
}

export async function viewParts(context) {
	const { bytes, whole } = await context.source();
	const source = binary(bytes);
	const root = tree(source);

	return el("div", null,
		el("div", { class: "view-tools" }, el("span", { class: "muted" }, plural(count(root), "part") +
			(whole ? "" : ", of the first " + size(bytes.length) + " of the message"))),
		draw(source, root));
}

/* ---- attachments ---- */

function picture(context, file) {
	if (!pictures.test(file.ContentType) || file.Size > PICTURE_MAX)
		return el("div", { class: "thumb" }, icon("file"));
	return el("div", { class: "thumb" }, el("img", { src: api.partPath(context.id, file.PartID), alt: "",
		loading: "lazy", decoding: "async" }));
}

function card(context, file, inline) {
	const name = file.FileName || "(no name)";
	const sums = Object.entries(file.Checksums ?? {}).filter(([, sum]) => sum);

	return el("li", { class: "file" }, picture(context, file),
		el("div", { class: "file-words" }, el("strong", null, name),
			el("span", { class: "muted" }, [file.ContentType, size(file.Size), "part " + file.PartID,
				inline ? "shown in the message" : ""].filter(Boolean).join(" · ")),
			sums.length === 0 ? null : el("details", { class: "sums" }, el("summary", null, "Checksums"),
				el("dl", null, ...sums.flatMap(([kind, sum]) => [el("dt", null, kind), el("dd", null, sum)])))),
		el("a", { class: "button", href: api.partPath(context.id, file.PartID), download: name,
			"aria-label": "Download " + name }, icon("download"), el("span", { class: "wide" }, "Download")));
}

export async function viewAttachments(context) {
	const { Attachments, Inline } = context.message;
	const all = [...(Attachments ?? []).map((f) => card(context, f, false)),
		...(Inline ?? []).map((f) => card(context, f, true))];

	if (all.length === 0)
		return nothing("No attachments");
	return el("ul", { class: "files" }, ...all);
}
