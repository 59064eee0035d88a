/* view_html.js - the message as its sender designed it, behind three walls.
 *
 *  (1) What can act or load is taken out: scripts, handlers, frames, forms' targets, links
 *      that are no web or mail address (clean() below).
 *  (2) It stands in a sandboxed frame in which no script runs.
 *  (3) That frame comes with a Content-Security-Policy of its own: no script at all, and
 *      nothing from the network, not even from here. Images that the message brings along
 *      are fetched by this page and given to the frame as blobs.
 *
 * Each would do alone. A click loads another frame, whose policy lets pictures, styles
 * and fonts come from elsewhere. */
import * as api from "./api.js";
import { el, fill, icon, nothing } from "./dom.js";
import { plural } from "./format.js";

const SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";
const FRAMES = { blocked: api.base + "/assets/frame.html", remote: api.base + "/assets/frame.html?remote" };
const HEIGHT_MAX = 30000;               /* px; behind it the frame has a scroll bar */

const dropped = "script, noscript, template, iframe, frame, frameset, object, embed, applet, portal, base, " +
	"meta, audio, video, source, track, dialog, foreignObject, animate, animateMotion, animateTransform, set, " +
	"fencedframe, slot";
const remote = /^\s*(https?:)?\/\//i;
const inCss = /url\(\s*(["']?)\s*(?:https?:)?\/\/|@import/gi;
const cidInCss = /url\(\s*(["']?)\s*cid:([^"')\s]+)\s*\1\s*\)/gi;

/* By the frame's own parser: what the text says is judged by the frame's policy, not ours. */
function parse(frame, html) {
	return new frame.contentWindow.DOMParser().parseFromString(html, "text/html");
}

/* ---- images that came along ---- */

function cidOf(url) {
	const found = /^\s*cid:(.*)$/is.exec(url);

	if (found === null)
		return null;
	try {
		return decodeURIComponent(found[1].trim());
	} catch {
		return found[1].trim();
	}
}

/* Content-ID -> blob: URL, for those that the HTML names. */
async function fetchParts(context, html) {
	const urls = new Map();
	const parts = [...(context.message.Inline ?? []), ...(context.message.Attachments ?? [])]
		.filter((p) => p.ContentID && /^image\//i.test(p.ContentType));

	await Promise.all(parts.filter((p) => html.includes(p.ContentID) ||
		html.includes(encodeURIComponent(p.ContentID))).map(async (p) => {
		try {
			const bytes = await api.part(context.id, p.PartID, context.signal);
			const url = URL.createObjectURL(new Blob([bytes], { type: p.ContentType }));

			urls.set(p.ContentID, url);
			context.undo(() => URL.revokeObjectURL(url));
		} catch (error) {
			if (context.signal.aborted)
				throw error;    /* else the image is shown as missing */
		}
	}));
	return urls;
}

/* ---- names ---- */

const everyOf = Document.prototype.querySelectorAll;
const { getAttribute, removeAttribute, replaceWith, append } = Element.prototype;
const firstChild = Object.getOwnPropertyDescriptor(Node.prototype, "firstChild").get;

/* An <img name="body"> is the document's body to a script, an <input name="attributes"> a form's
 * attributes. So before anything else forms become blocks, and names go; until then nothing is
 * asked of the document but by the functions of its class. */
function disarm(parsed) {
	for (const node of everyOf.call(parsed, "form")) {
		const block = document.createElement("div");

		for (const name of ["id", "class", "style", "align", "dir"]) {
			const value = getAttribute.call(node, name);

			if (value !== null)
				block.setAttribute(name, value);
		}
		for (let child; (child = firstChild.call(node)) !== null;)
			append.call(block, child);
		replaceWith.call(node, block);
	}
	for (const node of everyOf.call(parsed, "[name]:not(a, map)"))
		removeAttribute.call(node, "name");
	for (const node of everyOf.call(parsed, "object, embed"))
		removeAttribute.call(node, "id");
}

/* ---- the first wall ---- */

function cleanUrl(node, name, value, state) {
	const cid = cidOf(value);

	if (cid !== null) {
		const url = state.parts.get(cid);

		if (url === undefined)
			node.removeAttribute(name);
		else
			node.setAttribute(name, url);
	} else if (remote.test(value)) {
		state.remote++;
		if (!state.allowed) {
			node.removeAttribute(name);
			node.setAttribute("data-blocked", "");
		}
	} else if (!/^\s*data:image\//i.test(value) || node.localName === "use") {
		node.removeAttribute(name);     /* of a page that is not there, or of this one */
	}
}

function isLink(node) {
	return ["a", "area"].includes(node.localName);
}

/* After what it has of its own, a target too, is gone. */
function cleanLink(node) {
	for (const name of ["href", "xlink:href"]) {
		const value = node.getAttribute(name);

		if (value === null)
			continue;
		if (!/^\s*(https?:|mailto:|tel:|#)/i.test(value)) {
			node.removeAttribute(name);
		} else if (!value.trim().startsWith("#")) {
			node.setAttribute("target", "_blank");
			node.setAttribute("rel", "noreferrer noopener");
		}
	}
}

function cleanCss(text, state) {
	state.remote += [...text.matchAll(inCss)].length;
	return text.replace(cidInCss, (whole, quote, cid) => {
		const url = state.parts.get(cid);

		return url === undefined ? "none" : 'url("' + url + '")';
	});
}

function cleanAttribute(node, { name, value }, state) {
	const low = name.toLowerCase();
	if (low.startsWith("on") || ["srcdoc", "action", "formaction", "ping", "target", "rel", "nonce", "form",
		"manifest", "autofocus", "is", "accesskey", "popovertarget", "commandfor"].includes(low))
		node.removeAttribute(name);
	else if (low === "srcset" || low === "imagesrcset")
		node.removeAttribute(name);
	else if ((low === "href" || low === "xlink:href") && isLink(node))
		;                               /* cleanLink(), after all others */
	else if (["src", "href", "xlink:href", "background", "poster", "data", "lowsrc", "dynsrc", "longdesc", "cite"]
		.includes(low) && !(value.trim().startsWith("#") && node.localName === "use"))
		cleanUrl(node, name, value, state);
	else if (low === "style")
		node.setAttribute("style", cleanCss(value, state));
}

/* state: { parts, allowed, remote }; counts in `remote` what would come from elsewhere. */
function clean(parsed, state) {
	disarm(parsed);
	for (const node of parsed.querySelectorAll("link")) {
		const style = /(^|\s)stylesheet(\s|$)/i.test(node.getAttribute("rel") ?? "") &&
			remote.test(node.getAttribute("href") ?? "");

		state.remote += style ? 1 : 0;
		if (!style || !state.allowed)
			node.remove();
		else
			node.replaceWith(Object.assign(parsed.createElement("link"),
				{ rel: "stylesheet", href: node.getAttribute("href") }));
	}
	for (const node of parsed.querySelectorAll(dropped))
		node.remove();
	for (const node of parsed.querySelectorAll("*")) {
		if (node.localName === "link")
			continue;
		const before = [...node.attributes];
		for (const attribute of before)
			cleanAttribute(node, attribute, state);
		if (isLink(node))
			cleanLink(node);
		if (node.localName === "style")
			node.textContent = cleanCss(node.textContent, state);
	}
}

/* ---- the frame ---- */

function copyInto(doc, parsed) {
	for (const name of ["style", "class", "bgcolor", "dir", "lang", "text", "background"]) {
		const value = parsed.body.getAttribute(name);

		if (value !== null)
			doc.body.setAttribute(name, value);
	}
	for (const name of ["style", "class", "dir", "lang"]) {
		const value = parsed.documentElement.getAttribute(name);

		if (value !== null)
			doc.documentElement.setAttribute(name, value);
	}
	for (const node of parsed.head.querySelectorAll("style, link"))
		doc.head.append(doc.importNode(node, true));
	doc.body.replaceChildren(...[...parsed.body.childNodes].map((n) => doc.importNode(n, true)));
}

/* As high as what is in it, so that the page scrolls as one. Asked for at the moments
 * when that changes, and never by itself: a message whose height follows the frame's
 * would grow for ever. */
function fitHeight(frame, doc) {
	const fit = () => {
		frame.style.height = "0";
		const high = Math.max(doc.documentElement.scrollHeight, doc.body.scrollHeight);

		frame.style.height = Math.min(Math.max(high, 80), HEIGHT_MAX) +
			frame.offsetHeight - frame.clientHeight + "px";
	};

	fit();
	doc.addEventListener("load", fit, true);
	doc.addEventListener("error", fit, true);
	doc.addEventListener("toggle", fit, true);
	doc.fonts?.ready.then(fit);
	let width = frame.clientWidth;
	const observer = new ResizeObserver(() => {
		if (frame.clientWidth !== width) {
			width = frame.clientWidth;
			fit();
		}
	});
	observer.observe(frame);
	return () => observer.disconnect();
}

/* done(remote): it is filled, and that many things would come from elsewhere. */
function makeFrame(context, parts, allowed, done) {
	const frame = el("iframe", { class: "mail", sandbox: SANDBOX, title: "The message's HTML",
		referrerpolicy: "no-referrer", src: FRAMES[allowed ? "remote" : "blocked"] });

	frame.addEventListener("load", () => {
		const doc = frame.contentDocument;

		if (!doc?.body || doc.URL !== frame.src || frame.dataset.filled !== undefined)
			return;                 /* it could not be loaded, or is filled */
		const state = { parts, allowed, remote: 0 };
		const parsed = parse(frame, context.message.HTML);
		frame.dataset.filled = "";
		clean(parsed, state);
		copyInto(doc, parsed);
		context.frameKeys(doc);
		context.undo(fitHeight(frame, doc));
		done(state.remote);
	});
	return frame;
}

export async function viewHtml(context) {
	const text = context.message.HTML;

	if (!text)
		return nothing("This message has no HTML");
	const parts = await fetchParts(context, text);
	const holder = el("div", { class: "mail-holder" });
	const words = el("div", { class: "remote", role: "note", hidden: true });
	const narrow = el("button", { type: "button", class: "quiet narrow", "aria-pressed": "false", on: { click: () => {
		const on = holder.classList.toggle("narrow");

		narrow.setAttribute("aria-pressed", on);
	} } }, icon("phone"), "Phone width");
	const show = (allowed) => {
		fill(holder, makeFrame(context, parts, allowed, (remote) => {
			words.hidden = remote === 0;
			fill(words, icon("shield"), el("span", null, allowed ?
				"Remote content is shown: its servers know that somebody looks." :
				plural(remote, "remote item") + " blocked: pictures or styles from other servers."),
			el("button", { type: "button", class: "button", on: { click: () => show(!allowed) } },
				allowed ? "Block again" : "Load remote content"));
		}));
	};

	show(false);
	return el("div", { class: "html-view" }, el("div", { class: "html-tools" }, words, narrow), holder);
}
