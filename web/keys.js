/* keys.js - what keys do. One table: the help shows the same rows. */

export const keys = [
	{ keys: ["j", "ArrowDown"], show: "j  ↓", words: "next message", act: "next" },
	{ keys: ["k", "ArrowUp"], show: "k  ↑", words: "message before", act: "previous" },
	{ keys: ["Enter", "o"], show: "Enter  o", words: "open", act: "open" },
	{ keys: ["u", "Escape"], show: "u  Esc", words: "back to the list", act: "back" },
	{ keys: ["x"], show: "x", words: "select", act: "select" },
	{ keys: ["*"], show: "*", words: "select all, or none", act: "selectAll" },
	{ keys: ["m"], show: "m", words: "mark read or unread", act: "mark" },
	{ keys: ["t"], show: "t", words: "change the tags", act: "tags" },
	{ keys: ["#", "Delete"], show: "#  Del", words: "delete", act: "remove" },
	{ keys: ["/"], show: "/", words: "search", act: "search" },
	{ keys: ["["], show: "[", words: "view to the left: text, source …", act: "viewBefore" },
	{ keys: ["]"], show: "]", words: "view to the right", act: "viewAfter" },
	{ keys: ["g", "Home"], show: "g  Home", words: "newest message", act: "first" },
	{ keys: ["G", "End"], show: "G  End", words: "oldest message", act: "last" },
	{ keys: ["r"], show: "r", words: "read the list anew", act: "reload" },
	{ keys: ["?"], show: "?", words: "this help", act: "help" },
];

const byKey = new Map(keys.flatMap((row) => row.keys.map((key) => [key, row.act])));
const plain = new Set(["ArrowDown", "ArrowUp", "Home", "End", "Enter", "Delete"]);

/* What has its own use for keys. An element of the message's frame is of another window,
 * so no instanceof. */
function typesIn(element, key) {
	const name = element?.localName;

	if (name === "select" || name === "textarea" || element?.isContentEditable)
		return true;
	if (name === "input")
		return element.type !== "checkbox";
	return key === "Enter" && (name === "a" || name === "button" || name === "summary");
}

/* Call acts[name]() for a key; it returns false when the key is not meant for it now. */
export function listen(target, acts) {
	target.addEventListener("keydown", (event) => {
		if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing)
			return;
		if (event.shiftKey && plain.has(event.key))
			return;
		if (typesIn(event.target, event.key) || document.querySelector("dialog[open]"))
			return;
		const act = byKey.get(event.key);
		if (act !== undefined && acts[act](event) !== false)
			event.preventDefault();
	});
}
