/* mime_source.js - a message's source taken apart in the browser: its fields in their
 * order, and the tree of its parts (RFC 5322, 2045, 2046, 2047, 2231). Pure.
 *
 * Source is a string whose characters are its octets (binary()). Nothing recurses, and
 * nothing is without a limit: a message may be anything. */

export const DEPTH_MAX = 50;
export const PARTS_MAX = 1000;

export function binary(bytes) {
	let text = "";

	for (let at = 0; at < bytes.length; at += 32768)
		text += String.fromCharCode(...bytes.subarray(at, at + 32768));
	return text;
}

export function octets(text) {
	const bytes = new Uint8Array(text.length);

	for (let i = 0; i < text.length; i++)
		bytes[i] = text.charCodeAt(i);
	return bytes;
}

/* Octets as text: the charset that is named, else UTF-8, else Latin-1. */
export function decode(text, charset) {
	for (const [label, fatal] of [[charset || "utf-8", !charset], ["utf-8", true], ["windows-1252", false]]) {
		try {
			return new TextDecoder(label, { fatal }).decode(octets(text));
		} catch { /* no such charset, or not of it */ }
	}
	return text;
}

/* ---- fields ---- */

function fromBase64(text) {
	const letters = text.replace(/[^A-Za-z0-9+/]/g, "");

	try {
		return atob(letters.length % 4 === 1 ? letters.slice(0, -1) : letters);
	} catch {
		return "";
	}
}

function fromQuoted(text) {
	return text.replace(/=([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

const word = /=\?([^?\s*]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?\s]*)\?=/g;

/* "=?utf-8?q?caf=C3=A9?=" and raw octets over 127, as text. */
export function decodeWords(text) {
	/* Blanks between two encoded words are not there (RFC 2047 section 6.2). */
	const joined = text.replace(/(\?=)[ \t\r\n]+(?==\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=)/g, "$1");
	let out = "";
	let from = 0;

	for (const found of joined.matchAll(word)) {
		const [whole, charset, how, what] = found;

		out += decode(joined.slice(from, found.index)) + decode(how.toLowerCase() === "b" ?
			fromBase64(what) : fromQuoted(what.replaceAll("_", " ")), charset);
		from = found.index + whole.length;
	}
	return out + decode(joined.slice(from));
}

/* Where a header ends: { end, body }; body is behind the empty line. */
function headEnd(source, from, to) {
	let at = from;

	while (at < to) {
		let eol = source.indexOf("\n", at);

		if (eol < 0 || eol >= to)
			return { end: to, body: to };
		const line = source.slice(at, eol).replace(/\r$/, "");
		if (line === "")
			return { end: at, body: eol + 1 };
		at = eol + 1;
	}
	return { end: to, body: to };
}

/* [{ name, raw, value }] in their order; raw as it stands, value unfolded. */
export function fields(source, from = 0, to = source.length) {
	const { end } = headEnd(source, from, to);
	const found = [];

	for (const line of source.slice(from, end).split(/\r?\n/)) {
		if (/^[ \t]/.test(line) && found.length > 0) {
			found[found.length - 1].raw += "\n" + line;
			continue;
		}
		if (line !== "")
			found.push({ raw: line });
	}
	for (const field of found) {
		const colon = field.raw.indexOf(":");

		field.name = colon > 0 ? field.raw.slice(0, colon).trim() : "";
		field.value = field.raw.slice(colon > 0 ? colon + 1 : 0).replace(/\n/g, "").trim();
	}
	return found;
}

/* ---- "text/plain; charset=utf-8; name*0*=..." ---- */

export function parameters(value) {
	const found = {};
	const pieces = /;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/gs;

	for (const [, name, quoted, bare] of value.matchAll(pieces))
		found[name.toLowerCase()] ??= quoted === undefined ? bare.trim() : quoted.replace(/\\(.)/gs, "$1");
	return { value: value.split(";")[0].trim().toLowerCase(), parameters: found };
}

/* A parameter in any of its forms (RFC 2231, and the encoded words that many write). */
export function parameter(all, name) {
	if (all[name] !== undefined && all[name + "*"] === undefined)
		return decodeWords(all[name]);
	const single = all[name + "*"];
	let text = single ?? "";
	let encoded = single !== undefined;

	for (let i = 0; single === undefined && i < 100; i++) {
		const piece = all[name + "*" + i + "*"] ?? all[name + "*" + i];

		if (piece === undefined)
			break;
		encoded ||= all[name + "*" + i + "*"] !== undefined;
		text += piece;
	}
	if (text === "")
		return all[name] === undefined ? "" : decodeWords(all[name]);
	if (!encoded)
		return decode(text);
	const found = /^([^']*)'[^']*'(.*)$/s.exec(text);
	const octetsOf = (found?.[2] ?? text).replace(/%([0-9A-Fa-f]{2})/g,
		(_, hex) => String.fromCharCode(parseInt(hex, 16)));
	return decode(octetsOf, found?.[1]);
}

/* ---- the tree ---- */

function describe(source, from, to) {
	const head = fields(source, from, to);
	const get = (name) => head.find((f) => f.name.toLowerCase() === name)?.value ?? "";
	const type = parameters(get("content-type") || "text/plain");
	const disposition = parameters(get("content-disposition"));

	return {
		type: type.value || "text/plain",
		charset: parameter(type.parameters, "charset"),
		boundary: type.parameters.boundary ?? "",
		disposition: disposition.value,
		name: parameter(disposition.parameters, "filename") || parameter(type.parameters, "name"),
		encoding: get("content-transfer-encoding").toLowerCase() || "7bit",
		contentId: get("content-id").replace(/^<|>$/g, ""),
		from, to, body: headEnd(source, from, to).body, children: [], faults: [],
	};
}

/* [[from, to]] of the parts between the delimiter lines; and whether the last was there. */
function cut(source, part) {
	const mark = "--" + part.boundary;
	const pieces = [];
	let at = part.body;
	let from = -1;
	let closed = false;

	while (at < part.to && !closed) {
		const there = source.indexOf(mark, at);

		if (there < 0 || there >= part.to)
			break;
		at = there + mark.length;
		if (there > part.body && source[there - 1] !== "\n")
			continue;
		const eol = source.indexOf("\n", at);
		const rest = source.slice(at, eol < 0 ? part.to : Math.min(eol, part.to));
		if (!/^(--)?[ \t\r]*$/.test(rest))
			continue;               /* another boundary that begins like this one */
		if (from >= 0)
			pieces.push([from, Math.max(from, there - (source[there - 2] === "\r" ? 2 : 1))]);
		closed = rest.startsWith("--");
		from = eol < 0 ? part.to : eol + 1;
		at = from;
	}
	if (!closed && from >= 0 && from < part.to)
		pieces.push([from, part.to]);
	return { pieces, closed };
}

/* The root: { id, type, charset, name, ..., children, faults: [words] }. */
export function tree(source) {
	const root = { ...describe(source, 0, source.length), id: "0", depth: 0 };
	const open = [root];
	let n = 1;

	while (open.length > 0) {
		const part = open.pop();

		if (!part.type.startsWith("multipart/"))
			continue;
		if (part.boundary === "") {
			part.faults.push("no boundary: its parts can't be told apart (RFC 2046 section 5.1.1)");
			continue;
		}
		if (part.depth >= DEPTH_MAX) {
			part.faults.push("nested too deep to be shown");
			continue;
		}
		const { pieces, closed } = cut(source, part);
		if (pieces.length === 0)
			part.faults.push("its boundary never comes (RFC 2046 section 5.1.1)");
		else if (!closed)
			part.faults.push("its last boundary is missing (RFC 2046 section 5.1.1)");
		for (const [from, to] of pieces) {
			if (++n > PARTS_MAX) {
				part.faults.push("more parts than are shown");
				break;
			}
			const id = (part === root ? "" : part.id + ".") + (part.children.length + 1);
			part.children.push({ ...describe(source, from, to), id, depth: part.depth + 1 });
		}
		open.push(...part.children);
	}
	return root;
}

/* What is in a part, its transfer encoding undone: a string of octets. */
export function body(source, part, max = 64 * 1024) {
	const text = source.slice(part.body, Math.min(part.to, part.body + max));

	if (part.encoding === "base64")
		return fromBase64(text);
	if (part.encoding === "quoted-printable")
		return fromQuoted(text.replace(/[ \t]+(?=\r?\n)/g, "").replace(/=\r?\n/g, ""));
	return text;
}
