/* live.js - what the server tells by itself, brought into the list: new messages at once,
 * what can't be placed by reading anew, and how the connection is. */
import { byId, el, fill } from "./dom.js";
import { follow } from "./events.js";
import { plural, who } from "./format.js";
import { mailboxes } from "./own.js";

const GATHER_MS = 40;                   /* events that come together are drawn together */
const RELOAD_MS = 400;                  /* between two readings anew */
const DOUBT_MS = 1500;                  /* how long numbers may differ before we read anew */
const SPEAK_MS = 1500;                  /* between two sentences to a screen reader */

/* page: { state, say(words), counted(), updated(id, change), reconnected() }. Returns { unread, removedHere(ids) }. */
export function live(model, list, page) {
	const self = { unread: undefined, removedHere };
	const here = new Set();                 /* IDs that this page deleted: their events are no news */
	let fresh = [];                         /* the oldest first */
	let gone = [];
	let gathering = 0;
	let reloading = 0;
	let doubting = 0;
	let stats = null;
	let lastNew = 0;
	let unseen = 0;
	let version = null;

	function removedHere(ids) {
		for (const id of ids)
			here.add(id);
	}

	function reloadSoon() {
		reloading ||= setTimeout(() => {
			reloading = 0;
			model.reload(list.first);
		}, RELOAD_MS);
	}

	/* ---- new and deleted messages ---- */

	function gather() {
		gathering ||= setTimeout(() => {
			gathering = 0;
			takeFresh();
			takeGone();
		}, GATHER_MS);
	}

	function takeFresh() {
		const messages = fresh.reverse().filter((m) => !model.byId.has(m.ID));

		fresh = [];
		if (messages.length === 0)
			return;
		announce(messages);
		if (!model.ready || page.state.query || page.state.mailbox) {
			reloadSoon();           /* only the server can say whether they belong here */
			return;
		}
		const away = list.scroller.scrollTop > list.rowHeight;
		const n = model.insert(messages);
		unseen = away ? unseen + n : 0;
		showUnseen();
	}

	function takeGone() {
		const ids = gone.filter((id) => !here.delete(id) || model.byId.has(id));

		gone = [];
		for (const id of ids)
			list.selection.delete(id);
		if (ids.length > 0 && !model.remove(ids))
			reloadSoon();
	}

	function showUnseen() {
		const button = byId("fresh");

		button.hidden = unseen === 0;
		button.textContent = "↑ " + plural(unseen, "new message");
	}

	byId("fresh").addEventListener("click", () => {
		list.toTop();
		unseen = 0;
		showUnseen();
	});
	list.scroller.addEventListener("scroll", () => {
		if (unseen > 0 && list.scroller.scrollTop < list.rowHeight) {
			unseen = 0;
			showUnseen();
		}
	}, { passive: true });

	/* For those who hear the page: not more than they can listen to. */
	let waiting = [];
	let speaking = 0;
	function announce(messages) {
		waiting.push(...messages);
		if (speaking)
			return;
		const speak = () => {
			speaking = 0;
			if (waiting.length === 0)
				return;
			byId("announce").textContent = waiting.length === 1 ?
				"New message from " + who(waiting[0].From) + ": " + (waiting[0].Subject || "no subject") :
				plural(waiting.length, "new message");
			waiting = [];
			speaking = setTimeout(speak, SPEAK_MS);
		};
		speak();
	}

	/* ---- numbers ---- */

	function onStats(data) {
		stats = data;
		self.unread = data.Unread;
		page.counted();
		if (version !== null && data.Version && data.Version !== version)
			notice("Posthouse was updated.", "Load the page anew", () => location.reload());
		version ??= data.Version || null;
		doubting ||= setTimeout(function doubt() {
			doubting = 0;
			if (page.state.query || page.state.mailbox || !model.ready || stats.Total === model.total)
				return;
			if (Date.now() - lastNew < DOUBT_MS)
				doubting = setTimeout(doubt, DOUBT_MS);
			else
				reloadSoon();
		}, DOUBT_MS);
		mailboxesSoon();
	}

	function onEvent(type, data) {
		if (type === "new") {
			lastNew = Date.now();
			fresh.push(data);
			gather();
		} else if (type === "delete") {
			gone.push(data.ID);
			gather();
		} else if (type === "update") {
			const { ID, ...change } = data;

			model.update(ID, change);
			page.updated(ID, change);
		} else if (type === "stats") {
			onStats(data);
		} else if (type === "truncate" || type === "prune") {
			reloadSoon();
		}
	}

	/* ---- mailboxes ---- */

	let asking = 0;
	let none = false;
	async function showMailboxes() {
		const select = byId("mailbox");
		let found = null;

		try {
			found = await mailboxes();
		} catch {
			return;                 /* the list says what is wrong */
		}
		none = found === null;
		const all = found ?? [];
		const missing = page.state.mailbox && !all.some((m) => m.name === page.state.mailbox);
		select.hidden = all.length < 2 && !page.state.mailbox;
		if (select.contains(document.activeElement))
			return;                 /* somebody chooses */
		fill(select, el("option", { value: "" }, "All mailboxes"),
			...all.map((m) => el("option", { value: m.name }, m.name + (m.unread > 0 ? " (" + m.unread + ")" : ""))),
			missing ? el("option", { value: page.state.mailbox }, page.state.mailbox) : null);
		select.value = page.state.mailbox;
	}

	function mailboxesSoon() {
		if (none)
			return;
		asking ||= setTimeout(() => {
			asking = 0;
			showMailboxes();
		}, 1000);
	}

	/* ---- the connection ---- */

	function notice(words, label, act) {
		const bar = byId("notice");

		bar.hidden = words === "";
		fill(bar, el("span", null, words), label ? el("button", { type: "button", class: "button", on: { click: act } },
			label) : null);
	}

	function onState(name, seconds) {
		const words = { open: "Live", connecting: "Connecting", waiting: "Offline" }[name];

		byId("live").dataset.state = name;
		byId("live-words").textContent = words;
		if (name === "waiting")
			notice("No connection to the server. Trying again in " + plural(seconds, "second") + ".", "Try now",
				() => socket.now());
		if (name === "open") {
			notice("");
			model.reload(list.first);       /* what came before it was open */
			showMailboxes();
			page.reconnected();
		}
	}

	const socket = follow({ state: (...words) => onState(...words), event: onEvent });
	return self;
}
