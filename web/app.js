/* app.js - the page: what its address means, what buttons and keys do.
 *
 *   /                     the list
 *   /search?q=TERMS       what is found
 *   /view/ID[?q=TERMS]    a message, beside that list
 *   mailbox=NAME          any of them, of one mailbox only
 *
 * The address is the state: whatever changes it goes through go(), and apply() follows. */
import * as api from "./api.js";
import { ask, say, showHelp } from "./dialogs.js";
import { byId, el, fill, setIcon } from "./dom.js";
import { plural, number } from "./format.js";
import { listen } from "./keys.js";
import { ListModel } from "./list_model.js";
import { ListView } from "./list.js";
import { live } from "./live.js";
import { MessageView } from "./message.js";
import { hosts } from "./own.js";
import { showTerms } from "./search_terms.js";
import { showEmptyMailbox, showNoMatch, showStart, showTrouble } from "./start.js";

const TYPING_MS = 300;                  /* of silence before what was typed is searched */

const state = { query: "", mailbox: "", id: null };
let info = null;
let stepTo = -1;                        /* a place whose message is opened when it is known */

const model = new ListModel((range) => api.list({ ...range, query: state.query, mailbox: state.mailbox }), changed);
model.clear();
const list = new ListView(model, { open, selected: showTools });
const view = new MessageView(byId("message"), {
	close, step, say, mark: (id, read) => mark([id], read), remove: (id) => remove([id]), frameKeys,
	search: (query) => go({ query, id: null }),
	loaded: (id) => model.update(id, { Read: true }),
	tag: (id, tags) => api.setTags([id], tags),
});
const events = live(model, list, { state, say, counted: showCount, updated: (id, change) => view.updated(id, change),
	reconnected: () => view.retry() });

/* ---- the address ---- */

function readAddress() {
	const words = new URLSearchParams(location.search);
	const found = /^\/view\/([^/]+)$/.exec(location.pathname.slice(api.base.length));
	let id = null;

	try {
		id = found === null ? null : decodeURIComponent(found[1]);
	} catch { /* no address of ours */ }
	return { id, query: location.pathname === api.base + "/" ? "" : words.get("q") ?? "", mailbox: words.get("mailbox") ?? "" };
}

function addressOf({ id, query, mailbox }) {
	const words = new URLSearchParams();

	if (query)
		words.set("q", query);
	if (mailbox)
		words.set("mailbox", mailbox);
	const path = id !== null ? "/view/" + encodeURIComponent(id) : query ? "/search" : "/";
	return api.base + path + (words.size > 0 ? "?" + words : "");
}

function go(change, replace) {
	const next = { ...state, ...change };
	const address = addressOf(next);

	if (address !== location.pathname + location.search) {
		if (replace)
			history.replaceState(history.state, "", address);
		else
			history.pushState({ behindList: state.id === null && next.id !== null }, "", address);
	}
	apply(next);
}

function apply(next) {
	const other = next.query !== state.query || next.mailbox !== state.mailbox || !apply.done;
	const opened = next.id !== state.id || !apply.done;
	const inList = byId("rows").contains(document.activeElement);

	apply.done = true;
	Object.assign(state, next);
	if (document.activeElement !== byId("query"))
		byId("query").value = state.query;
	byId("mailbox").value = state.mailbox;
	document.body.dataset.pane = state.id === null ? "list" : "message";
	if (other) {
		list.selectAll(false);
		list.toTop();
		model.clear();
		list.draw();
		showBlank();
		model.reload();
	}
	if (opened && state.id !== null) {
		list.setOpen(state.id);
		const narrow = getComputedStyle(byId("list")).display === "none";
		view.open(state.id, !inList || narrow);
	} else if (opened) {
		list.setOpen(null);
		view.close();
	}
	showCount();
}

window.addEventListener("popstate", () => {
	const before = state.id;

	apply(readAddress());
	if (before !== null && state.id === null)
		list.show(model.indexOf(before), true);
});

/* ---- what changed in the list ---- */

function changed(what, n) {
	if (what === "new")
		list.shift(n);
	else
		list.drawSoon();
	if (what === "all") {
		list.setOpen(state.id);
		sayFound();
	}
	if (stepTo >= 0 && model.at(stepTo) !== undefined)
		open(model.at(stepTo).ID, true);
	showBlank();
	showCount();
	showTools();
}

/* To who hears the page, once for each search. */
function sayFound() {
	if (state.query && sayFound.last !== state.query)
		byId("announce").textContent = plural(model.total, "message") + " found";
	sayFound.last = state.query;
}

function showBlank() {
	const blank = byId("blank");
	const trouble = model.error !== null && model.total === 0;
	const kind = trouble ? "trouble" : !model.ready || model.total > 0 ? "" : state.query ? "none:" + state.query :
		state.mailbox ? "mailbox:" + state.mailbox : "start";

	byId("scroller").classList.toggle("loading", !model.ready && !trouble);
	if (blank.dataset.kind === kind && !trouble)
		return;
	blank.dataset.kind = kind;
	blank.hidden = kind === "";
	if (trouble)
		showTrouble(blank, model.error, () => model.reload());
	else if (kind === "start")
		showStart(blank, info, say);
	else if (kind.startsWith("mailbox:"))
		showEmptyMailbox(blank, state.mailbox, () => go({ mailbox: "", id: null }));
	else if (kind !== "")
		showNoMatch(blank, state.query, { all: () => go({ query: "", id: null }), terms: () => toggleTerms(true) });
	document.body.classList.toggle("empty", kind === "start");
}

function showCount() {
	const unread = state.query || state.mailbox ? model.unread : events.unread ?? model.unread;

	byId("list-title").textContent = state.query ? "Found" : "Messages";
	byId("list-count").textContent = !model.ready ? "" : number(model.total) +
		(model.unread > 0 ? ", " + number(model.unread) + " unread" : "");
	document.title = (unread > 0 ? "(" + number(unread) + ") " : "") + "Posthouse";
}

function showTools() {
	const n = list.selectedCount;
	const all = byId("select-all");

	for (const id of ["mark-read", "mark-unread", "delete"])
		byId(id).disabled = n === 0;
	all.disabled = model.total === 0;
	all.checked = n > 0 && n === model.total;
	all.indeterminate = n > 0 && n < model.total;
	document.body.classList.toggle("selecting", n > 0);
	if (n > 0)
		byId("list-count").textContent = plural(n, "selected", "selected");
	else
		showCount();
}

/* ---- what is done to messages ---- */

function open(id, replace) {
	stepTo = -1;
	go({ id }, replace === true);
}

function close() {
	const { id } = state;

	if (history.state?.behindList) {
		history.back();
		return;
	}
	go({ id: null });
	list.show(model.indexOf(id), true);
}

function step(by) {
	const index = model.indexOf(state.id) + by;

	if (model.indexOf(state.id) < 0 || index < 0 || index >= model.total)
		return;
	list.show(index, byId("rows").contains(document.activeElement));
	if (model.at(index) !== undefined)
		open(model.at(index).ID, true);
	else
		stepTo = index;
}

async function trying(work) {
	try {
		await work();
	} catch (error) {
		say(error.message);
		model.reload(list.first);
	}
}

function mark(ids, read) {
	for (const id of ids)
		model.update(id, { Read: read });
	return trying(() => api.setRead(ids, read));
}

/* A lab's mail is deleted by POP3 alone: its servers are real ones. */
function mayRemove() {
	const may = !document.body.classList.contains("lab");

	if (!may)
		say("A lab's mail is deleted by POP3");
	return may;
}

function remove(ids) {
	if (!mayRemove())
		return undefined;
	const index = model.indexOf(state.id);
	const focused = byId("rows").contains(document.activeElement);

	events.removedHere(ids);
	for (const id of ids)
		list.selection.delete(id);
	const known = model.remove(ids);
	if (ids.includes(state.id)) {
		const next = model.at(Math.min(index, model.total - 1));

		if (next !== undefined && index >= 0)
			open(next.ID, true);
		else
			go({ id: null }, true);
	}
	if (focused)
		list.show(Math.min(list.current, model.total - 1), true);
	showTools();
	say("Deleted " + plural(ids.length, "message"));
	return trying(async () => {
		await api.remove(ids);
		if (!known)
			await model.reload(list.first); /* where the others stand is not known either */
	});
}

/* What buttons above the list, and keys, are for: what is selected, else where one is. */
function targets() {
	if (list.selection.size > 0)
		return [...list.selection];
	const here = state.id ?? model.at(list.current)?.ID;
	return here === undefined ? [] : [here];
}

function markTargets(read) {
	if (!list.everything)
		return mark(targets(), read);
	model.updateAll({ Read: read });
	return trying(() => api.setAllRead(state, read));
}

/* What "everything" is. */
function allWords() {
	if (!list.everything)
		return "";
	return "All " + (state.query ? "that is found by " + state.query : "messages") +
		(state.mailbox ? " in mailbox " + state.mailbox : "") + ". ";
}

async function removeTargets() {
	const ids = targets();
	const n = list.everything ? model.total : ids.length;

	if (n === 0 || !mayRemove())
		return;
	if ((n > 1 || list.everything) && !await ask("Delete " + plural(n, "message") + "?", allWords() +
		"They can't be brought back.", "Delete"))
		return;
	if (!list.everything) {
		await remove(ids);
		return;
	}
	list.selectAll(false);
	go({ id: null }, true);
	await trying(() => api.removeAll(state));
	model.reload();
}

/* ---- search, mailboxes, colours ---- */

let typing = 0;

function searchNow() {
	clearTimeout(typing);
	go({ query: byId("query").value.trim(), id: null }, state.query !== "" && state.id === null);
}

function toggleTerms(on) {
	const terms = byId("search-terms");

	terms.hidden = !on;
	byId("search-help").setAttribute("aria-expanded", on);
	if (on && terms.childElementCount === 0)
		showTerms(terms, (text) => {
			const query = byId("query");

			query.value = (query.value.trim() + " " + text).trim();
			searchNow();
			query.focus();
		});
}

function showTheme() {
	const now = window.posthouseTheme.now();
	const button = byId("theme");
	const words = { system: "as the system", light: "light", dark: "dark" }[now];

	setIcon(button, { system: "auto", light: "sun", dark: "moon" }[now]);
	button.setAttribute("aria-label", "Colours: " + words);
	button.title = "Colours: " + words;
}

byId("search").addEventListener("submit", (event) => {
	event.preventDefault();
	searchNow();
	toggleTerms(false);
});
byId("query").addEventListener("input", () => {
	clearTimeout(typing);
	typing = setTimeout(searchNow, TYPING_MS);
});
byId("query").addEventListener("keydown", (event) => {
	if (event.key === "Escape" || event.key === "ArrowDown") {
		event.preventDefault();
		searchNow();
		toggleTerms(false);
		list.show(list.current, true);
		if (model.total === 0)
			byId("list").focus();
	}
});
byId("search-help").addEventListener("click", () => toggleTerms(byId("search-terms").hidden));
document.addEventListener("click", (event) => {
	if (!event.target.closest?.("#search-terms, #search, .blank"))
		toggleTerms(false);
});
byId("mailbox").addEventListener("change", (event) => go({ mailbox: event.target.value, id: null }));
byId("select-all").addEventListener("change", (event) => list.selectAll(event.target.checked));
byId("mark-read").addEventListener("click", () => markTargets(true));
byId("mark-unread").addEventListener("click", () => markTargets(false));
byId("delete").addEventListener("click", removeTargets);
byId("help").addEventListener("click", () => showHelp(info));
byId("theme").addEventListener("click", () => {
	window.posthouseTheme.next();
	showTheme();
});
byId("home").addEventListener("click", (event) => {
	event.preventDefault();
	go({ query: "", id: null });
});

/* ---- keys ---- */

const inRows = () => byId("rows").contains(document.activeElement);
const isArrow = (event) => /^(Arrow|Home|End)/.test(event.key);

function moveBy(by, event) {
	if (isArrow(event) && !inRows())
		return false;                   /* they scroll what is read */
	if (state.id !== null && !isArrow(event))
		step(by);
	else
		list.show(inRows() ? Math.max(0, Math.min(list.current + by, model.total - 1)) : list.current, true);
	return true;
}

const acts = {
	next: (event) => moveBy(1, event),
	previous: (event) => moveBy(-1, event),
	open() {
		const message = model.at(list.current);

		if (message === undefined || state.id !== null)
			return false;
		open(message.ID);
		return true;
	},
	back() {
		if (!byId("search-terms").hidden)
			toggleTerms(false);
		else if (state.id !== null)
			close();
		else if (list.selectedCount > 0)
			list.selectAll(false);
		else if (state.query)
			go({ query: "" });
		else
			return false;
		return true;
	},
	select() {
		const index = state.id === null ? list.current : model.indexOf(state.id);
		const message = model.at(index);

		if (message !== undefined)
			list.select(index, !list.isSelected(message.ID), false);
	},
	selectAll: () => list.selectAll(list.selectedCount !== model.total),
	mark() {
		const first = model.byId.get(targets()[0]);

		if (first !== undefined)
			markTargets(!first.Read);
	},
	tags: () => state.id !== null && void view.editTags(),
	remove: () => void removeTargets(),
	search() {
		byId("query").focus();
		byId("query").select();
	},
	viewBefore: () => state.id !== null && void view.step(-1),
	viewAfter: () => state.id !== null && void view.step(1),
	first: (event) => (isArrow(event) && !inRows() ? false : void list.show(0, true)),
	last: (event) => (isArrow(event) && !inRows() ? false : void list.show(model.total - 1, true)),
	reload: () => void model.reload(list.first),
	help: () => void showHelp(info),
};

/* Keys that are pressed in a message's frame are for this page as well. */
function frameKeys(doc) {
	listen(doc, acts);
}

listen(document, acts);
showTheme();
showTools();
apply(readAddress());
/* In a lab each host has such a page. */
hosts().then((all) => {
	if (all.length < 2)
		return;
	fill(byId("hosts"), all.map((h) => el("a", { href: h.here ? "/" : h.url, "aria-current": h.here ? "page" : null }, h.name)));
	byId("hosts").hidden = false;
	document.body.classList.add("lab");
}, () => {});
api.info().then((answer) => {
	info = answer;
	byId("blank").dataset.kind = "";
	showBlank();
}, () => {});
