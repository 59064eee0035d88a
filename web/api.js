/* api.js - what the page asks its server: Mailpit's API, and Posthouse's own beside it.
 *
 * What is no 200 becomes an ApiError, whose message is for people; but an own route that
 * says 404 is not there (own.js). */

export class ApiError extends Error {
	constructor(message, status) {
		super(message);
		this.status = status;           /* 0: the server was not reached */
	}
}

/* What all paths of this server begin with: "", or "/mail". */
export const base = new URL("..", import.meta.url).pathname.slice(0, -1);

function address(path, query) {
	const words = new URLSearchParams();

	for (const [name, value] of Object.entries(query ?? {}))
		if (value !== undefined && value !== null && value !== "")
			words.set(name, value);
	const text = words.toString();
	return path + (text ? "?" + text : "");
}

async function ask(method, path, { query, body, signal, keepalive } = {}) {
	let response;

	try {
		response = await fetch(address(path, query), {
			method, signal, keepalive, credentials: "same-origin", redirect: "error",
			headers: body === undefined ? {} : { "Content-Type": "application/json" },
			body: body === undefined ? undefined : JSON.stringify(body),
		});
	} catch (error) {
		if (error.name === "AbortError")
			throw error;
		throw new ApiError("The server can't be reached.", 0);
	}
	if (!response.ok) {
		const said = (await response.text().catch(() => "")).trim().slice(0, 200);

		throw new ApiError(said ? "The server says: " + said : "The server answers " +
			response.status + ".", response.status);
	}
	return response;
}

async function askJson(path, options) {
	const response = await ask("GET", path, options);

	try {
		return await response.json();
	} catch (error) {
		if (error.name === "AbortError")
			throw error;
		throw new ApiError("The server's answer can't be read.", response.status);
	}
}

/* A route of Posthouse's own; null: it is not there. */
export async function own(path, options) {
	try {
		return await askJson(base + "/api/posthouse/v1/" + path, options);
	} catch (error) {
		if (error.status === 404)
			return null;
		throw error;
	}
}

function messagePath(id, more = "") {
	return base + "/api/v1/message/" + encodeURIComponent(id) + more;
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/* ---- lists ---- */

export function list({ query, mailbox, start, limit, signal }) {
	if (query)
		return askJson(base + "/api/v1/search", { query: { query, mailbox, start, limit, tz: zone }, signal });
	return askJson(base + "/api/v1/messages", { query: { mailbox, start, limit }, signal });
}

export function setRead(ids, read) {
	return ask("PUT", base + "/api/v1/messages", { body: { IDs: ids, Read: read } });
}

export function setAllRead({ query, mailbox }, read) {
	const body = query ? { Search: query, Read: read } : { Read: read };

	return ask("PUT", base + "/api/v1/messages", { query: { mailbox, tz: query ? zone : "" }, body });
}

/* They have these tags and no others. */
export function setTags(ids, tags) {
	return ask("PUT", "/api/v1/tags", { body: { IDs: ids, Tags: tags } });
}

export function remove(ids) {
	return ask("DELETE", base + "/api/v1/messages", { body: { IDs: ids } });
}

export function removeAll({ query, mailbox }) {
	if (query)
		return ask("DELETE", base + "/api/v1/search", { query: { query, mailbox, tz: zone } });
	return ask("DELETE", base + "/api/v1/messages", { query: { mailbox } });
}

export function info() {
	return askJson(base + "/api/v1/info");
}

/* ---- one message ---- */

/* It is read from then on. */
export function message(id, signal) {
	return askJson(messagePath(id), { signal });
}

export function partPath(id, part) {
	return messagePath(id, "/part/" + encodeURIComponent(part));
}

export function rawPath(id) {
	return messagePath(id, "/raw");
}

export async function part(id, partId, signal) {
	return (await ask("GET", partPath(id, partId), { signal })).arrayBuffer();
}

/* The source's first `max` bytes: { bytes, whole }. */
export async function raw(id, max, signal) {
	const response = await ask("GET", rawPath(id), { signal });
	const reader = response.body.getReader();
	const pieces = [];
	let n = 0;

	for (;;) {
		const { done, value } = await reader.read();

		if (done)
			break;
		pieces.push(value);
		n += value.length;
		if (n > max) {
			reader.cancel().catch(() => {});
			break;
		}
	}
	const bytes = new Uint8Array(Math.min(n, max));
	let at = 0;
	for (const piece of pieces) {
		bytes.set(piece.subarray(0, bytes.length - at), at);
		at += Math.min(piece.length, bytes.length - at);
	}
	return { bytes, whole: n <= max };
}
