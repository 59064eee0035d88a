/* dialogs.js - questions, help, and short words at the edge of the screen. */
import { byId, el, fill } from "./dom.js";
import { keys } from "./keys.js";
import { terms } from "./search_terms.js";

const TOAST_MS = 4000;

/* Ask; true when it was confirmed. */
export function ask(title, words, yes) {
	const dialog = byId("dialog");

	return new Promise((resolve) => {
		const answer = (value) => {
			dialog.close();
			resolve(value);
		};
		fill(dialog, el("h2", { id: "dialog-title" }, title), el("p", null, words),
			el("div", { class: "dialog-tools" },
				el("button", { type: "button", class: "button", on: { click: () => answer(false) } }, "Cancel"),
				el("button", { type: "button", class: "button danger", autofocus: true,
					on: { click: () => answer(true) } }, yes)));
		dialog.addEventListener("close", () => resolve(false), { once: true });
		dialog.showModal();
	});
}

export function showHelp(info) {
	const dialog = byId("dialog");

	fill(dialog, el("div", { class: "dialog-head" }, el("h2", { id: "dialog-title" }, "Help"),
		el("button", { type: "button", class: "button", autofocus: true, on: { click: () => dialog.close() } }, "Close")),
	el("section", { class: "help-keys" }, el("h3", null, "Keys"),
		el("dl", { class: "keys" }, ...keys.flatMap((row) => [
			el("dt", null, ...row.show.split("  ").map((key) => el("kbd", null, key))), el("dd", null, row.words)]))),
	el("section", null, el("h3", null, "Search"),
		el("dl", { class: "keys" }, ...terms.flatMap((row) => [el("dt", null, el("code", null, row.example)),
			el("dd", null, row.words)]))),
	el("p", { class: "muted" }, "Programs read the same by HTTP: ", el("code", null, "/api/v1/"),
		info?.Version ? ". Version " + info.Version + "." : "."));
	dialog.showModal();
}

let timer = 0;

export function say(words) {
	const toast = byId("toast");

	toast.textContent = words;
	toast.classList.add("shown");
	clearTimeout(timer);
	timer = setTimeout(() => toast.classList.remove("shown"), TOAST_MS);
}
