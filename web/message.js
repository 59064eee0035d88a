/* message.js - one message: who, when, what it is about, and its views as tabs. */
import * as api from "./api.js";
import * as own from "./own.js";
import { el, fill, icon, iconButton, nothing } from "./dom.js";
import { longDate, size, wholeAddress } from "./format.js";
import { viewHtml } from "./view_html.js";
import { viewText, viewSource } from "./view_source.js";
import { viewHeaders } from "./view_headers.js";
import { viewAttachments, viewParts } from "./view_parts.js";
import { viewLint } from "./view_lint.js";
import { viewTranscript } from "./transcript.js";
import { viewJourney } from "./journey.js";

const SUBJECT_LONG = 120;               /* characters; in smaller letters from there on */
const TAG_LONG = 100, TAGS_MANY = 100;  /* what the server keeps */
const SOURCE_MAX = 8 * 1024 * 1024;     /* of a message's source is read here */

const tabs = [
	{ name: "html", label: "HTML", view: viewHtml, there: (m) => Boolean(m.HTML) },
	{ name: "text", label: "Text", view: viewText },
	{ name: "source", label: "Source", view: viewSource },
	{ name: "headers", label: "Headers", view: viewHeaders },
	{ name: "parts", label: "Parts", view: viewParts },
	{ name: "attachments", label: "Attachments", view: viewAttachments,
		there: (m) => files(m).length > 0, count: (m) => files(m).length },
	{ name: "lint", label: "Lint", view: viewLint },
	{ name: "transcript", label: "Transcript", view: viewTranscript },
	{ name: "journey", label: "Journey", view: viewJourney },
];

/* Why these can't be tags, in words; "" when they can. The server says nothing, and leaves out. */
function whyNoTags(names) {
	const odd = names.find((name) => !/^[A-Za-z0-9._@ -]+$/.test(name));
	const long = names.find((name) => name.length > TAG_LONG);

	if (odd !== undefined)
		return "“" + odd.slice(0, TAG_LONG) + "” can't be a tag: it may have letters (a to z), digits, spaces and . _ @ -";
	if (long !== undefined)
		return "“" + long.slice(0, 20) + "…” can't be a tag: it is longer than " + TAG_LONG + " letters";
	return names.length > TAGS_MANY ? "A message has at most " + TAGS_MANY + " tags" : "";
}

function files(message) {
	return [...(message.Attachments ?? []), ...(message.Inline ?? [])];
}

/* A promise that is made when somebody asks first, and again after a failure. */
function once(make) {
	let promise = null;

	return () => {
		promise ??= make().catch((error) => {
			promise = null;
			throw error;
		});
		return promise;
	};
}

export class MessageView {
	/* act: { close(), step(by), remove(id), mark(id, read), search(query), say(words), loaded(id),
	 * tag(id, names), frameKeys(document) } */
	constructor(pane, act) {
		this.pane = pane;
		this.act = act;
		this.id = null;
		this.tab = null;                /* the one that was chosen last, over all messages */
		this.request = new AbortController();
		this.showBlank();
	}

	showBlank() {
		fill(this.pane, el("div", { class: "nothing-open" }, icon("horn"),
			el("p", null, "Choose a message to read it."),
			el("p", null, el("kbd", null, "j"), " ", el("kbd", null, "k"), " move, ",
				el("kbd", null, "Enter"), " opens, ", el("kbd", null, "?"), " shows all keys")));
	}

	close() {
		this.request.abort();
		this.cleanUp();
		this.id = null;
		this.failed = false;
		this.showBlank();
	}

	cleanUp() {
		for (const undo of this.undo ?? [])
			undo();
		this.undo = [];
	}

	async open(id, focus) {
		this.failed = false;
		this.request.abort();
		this.cleanUp();
		this.request = new AbortController();
		this.id = id;
		const { signal } = this.request;
		this.pane.setAttribute("aria-busy", "true");
		try {
			const message = await api.message(id, signal);

			if (signal.aborted)
				return;
			this.show(message, signal);
			this.act.loaded(id);
			if (focus)
				this.pane.focus({ preventScroll: true });
		} catch (error) {
			if (!signal.aborted)
				this.showError(error);
		} finally {
			if (!signal.aborted)
				this.pane.removeAttribute("aria-busy");
		}
	}

	showError(error) {
		const gone = error.status === 404;

		this.failed = !gone;
		fill(this.pane, el("div", { class: "message-head" }, this.tools(null)),
			nothing(gone ? "This message is not here any more" : "This message can't be shown",
				gone ? "It was deleted, or newer ones took its place." : error.message,
				el("button", { type: "button", class: "button", on: { click: () => gone ? this.act.close() :
					this.open(this.id) } }, gone ? "Show the list" : "Try again")));
	}

	/* The server is there again. */
	retry() {
		if (this.failed)
			this.open(this.id);
	}

	/* ---- head ---- */

	show(message, signal) {
		const { id } = this;

		this.message = message;
		this.context = {
			id, message, signal,
			say: this.act.say,
			frameKeys: this.act.frameKeys,
			undo: (f) => this.undo.push(f),
			go: (tab, line) => this.choose(tab, true, line),
			source: once(() => api.raw(id, SOURCE_MAX, signal)),
			lint: once(() => own.lint(id, signal)),
			count: (tab, n, kind) => this.setCount(tab, n, kind),
		};
		this.panels = new Map();
		fill(this.pane, el("header", { class: "message-head" }, this.tools(message),
			el("h2", { class: "message-subject" + (message.Subject.length > SUBJECT_LONG ? " long" : ""), dir: "auto" },
				message.Subject || "(no subject)"),
			this.people(message)), this.tabList(message),
		this.holder = el("div", { class: "panels" }));
		this.showEnvelope(signal);
		this.countLint(signal);
		this.choose(this.there(this.tab) ? this.tab : message.HTML ? "html" : "text", false);
	}

	tools(message) {
		return el("div", { class: "message-tools" },
			el("button", { type: "button", class: "back icon-button", "aria-label": "Back to the list",
				title: "Back to the list (u)", on: { click: () => this.act.close() } }, icon("back")),
			iconButton("up", "Message before (k)", () => this.act.step(-1)),
			iconButton("down", "Next message (j)", () => this.act.step(1)),
			el("span", { class: "gap" }),
			message && el("a", { class: "icon-button", href: api.rawPath(this.id) + "?dl=1",
				download: this.id + ".eml", "aria-label": "Download the message", title: "Download (.eml)" },
			icon("download")),
			message && iconButton("unread", "Mark unread (m)", () => this.act.mark(this.id, false)),
			message && iconButton("trash", "Delete this message (#)", () => this.act.remove(this.id)));
	}

	people(message) {
		const row = (name, value) => value && value.length !== 0 ?
			[el("dt", null, name), el("dd", null, value)] : [];
		const addresses = (list) => (list ?? []).map((a) => el("bdi", { class: "address" }, wholeAddress(a)));

		this.envelope = el("dd", { class: "envelope" }, "…");
		this.tags = el("dd", { class: "tag-row" });
		this.showTags();
		return el("dl", { class: "people" },
			...row("From", addresses([message.From])),
			...row("To", addresses(message.To)),
			...row("Cc", addresses(message.Cc)),
			...row("Bcc", addresses(message.Bcc)),
			...row("Reply-To", addresses(message.ReplyTo)),
			...row("Date", el("span", null, el("time", { datetime: message.Date }, longDate(message.Date)),
				" · ", el("span", { class: "muted whole" }, size(message.Size)))),
			el("dt", null, "Envelope"), this.envelope,
			el("dt", null, "Tags"), this.tags);
	}

	/* ---- tags ---- */

	showTags() {
		const names = this.message.Tags ?? [];

		fill(this.tags, ...names.map((tag) => el("button", { type: "button", class: "tag",
			title: "Show all with this tag",
			on: { click: () => this.act.search('tag:"' + tag + '"') } }, tag)),
		el("button", { type: "button", class: "link", title: "Change the tags (t)", on: { click: () => this.editTags() } },
			names.length > 0 ? "Change" : "Add a tag"));
	}

	editTags() {
		if (!this.tags?.isConnected)
			return;
		const input = el("input", { type: "text", value: (this.message.Tags ?? []).join(", "), autocomplete: "off",
			"aria-label": "Tags, with commas between them", placeholder: "one, another", enterkeyhint: "done" });
		const done = () => {
			this.showTags();
			this.tags.querySelector(".link").focus();
		};
		const form = el("form", { class: "tag-form", on: { submit: async (event) => {
			const { id } = this;
			const names = input.value.split(",").map((name) => name.trim()).filter(Boolean);

			event.preventDefault();
			const why = whyNoTags(names);

			input.setAttribute("aria-invalid", String(why !== ""));
			if (why !== "") {
				this.act.say(why);
				input.focus();
				return;
			}
			try {
				await this.act.tag(id, names);
			} catch (error) {
				this.act.say(error.message);
				return;
			}
			if (!form.isConnected)
				return;
			this.message.Tags = names;
			done();
		}, keydown: (event) => {
			if (event.key === "Escape")
				done();
		} } }, input, el("button", { type: "submit", class: "button" }, "Save"),
		el("button", { type: "button", class: "quiet", on: { click: done } }, "Cancel"));

		fill(this.tags, form);
		input.focus();
	}

	/* Here or elsewhere it was changed. */
	updated(id, change) {
		if (id !== this.id || !this.message || change.Tags === undefined)
			return;
		this.message.Tags = change.Tags;
		if (this.tags.querySelector("form") !== null)
			return;                 /* somebody writes others */
		const focused = this.tags.contains(document.activeElement);
		this.showTags();
		if (focused)
			this.tags.querySelector(".link").focus();
	}

	/* Who it was really from and for; headers say what they like. */
	async showEnvelope(signal) {
		const there = this.envelope;
		let envelope = null;

		try {
			envelope = await own.envelope(this.id, signal);
		} catch (error) {
			if (signal.aborted)
				return;
		}
		if (envelope === null) {
			there.previousElementSibling.remove();
			there.remove();         /* not of this server */
			return;
		}
		const to = envelope.recipients;
		fill(there, el("code", null, "<" + envelope.sender + ">"), " → ",
			...to.slice(0, 20).flatMap((address) => [el("code", null, "<" + address + ">"), " "]),
			to.length > 20 ? el("span", { class: "muted" }, "and " + (to.length - 20) + " more") : null,
			envelope.mailbox ? el("span", { class: "muted" }, "in mailbox " + envelope.mailbox) : null,
			envelope.login ? el("span", { class: "muted" }, " · login " + envelope.login) : null);
	}

	async countLint(signal) {
		try {
			const findings = await this.context.lint() ?? [];
			const worst = ["error", "warning"].find((s) => findings.some((f) => f.severity === s));

			if (!signal.aborted && findings.length > 0)
				this.setCount("lint", findings.length, worst);
		} catch { /* its tab says so */ }
	}

	/* ---- tabs ---- */

	there(name) {
		const tab = tabs.find((t) => t.name === name);

		return tab !== undefined && (tab.there === undefined || tab.there(this.message));
	}

	tabList(message) {
		this.list = el("div", { class: "tabs", role: "tablist", "aria-label": "Views of the message" },
			...tabs.filter((t) => this.there(t.name)).map((tab) => el("button", {
				type: "button", role: "tab", id: "tab-" + tab.name, class: "tab",
				"aria-controls": "panel-" + tab.name, "aria-selected": "false", tabindex: "-1",
				on: { click: () => this.choose(tab.name, true) } }, tab.label,
			el("span", { class: "badge", hidden: tab.count === undefined },
				tab.count === undefined ? "" : String(tab.count(message))))));
		this.list.addEventListener("keydown", (event) => {
			const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];

			if (step === undefined)
				return;
			event.preventDefault();
			this.step(step);
			this.list.querySelector("[aria-selected=true]").focus();
		});
		return this.list;
	}

	setCount(name, n, kind) {
		const badge = this.list?.querySelector("#tab-" + name + " .badge");

		if (!badge)
			return;
		badge.hidden = n === 0;
		badge.textContent = String(n);
		badge.dataset.kind = kind ?? "";
	}

	/* The tab beside the one that is chosen. */
	step(by) {
		const names = tabs.map((t) => t.name).filter((name) => this.there(name));
		const at = names.indexOf(this.shown) + by;

		this.choose(names[(at + names.length) % names.length], true);
	}

	async choose(name, remember, line) {
		if (remember)
			this.tab = name;
		this.shown = name;
		for (const button of this.list.children) {
			const chosen = button.id === "tab-" + name;

			button.setAttribute("aria-selected", chosen);
			button.tabIndex = chosen ? 0 : -1;
			if (chosen)
				button.scrollIntoView({ block: "nearest", inline: "nearest" });
		}
		for (const [other, panel] of this.panels)
			panel.hidden = other !== name;
		let panel = this.panels.get(name);
		if (panel === undefined) {
			panel = el("div", { class: "panel panel-" + name, role: "tabpanel", id: "panel-" + name,
				"aria-labelledby": "tab-" + name, tabindex: "0" });
			this.panels.set(name, panel);
			this.holder.append(panel);
			await this.fillPanel(panel, tabs.find((t) => t.name === name));
		}
		if (line !== undefined)
			panel.dispatchEvent(new CustomEvent("goto-line", { detail: line }));
	}

	async fillPanel(panel, tab) {
		const { context } = this;

		panel.setAttribute("aria-busy", "true");
		try {
			fill(panel, await tab.view(context, panel));
		} catch (error) {
			if (context.signal.aborted)
				return;
			fill(panel, nothing("This view can't be shown", error.message,
				el("button", { type: "button", class: "button", on: {
					click: () => this.fillPanel(panel, tab) } }, "Try again")));
		} finally {
			panel.removeAttribute("aria-busy");
		}
	}
}
