/* dom.js - elements, without innerHTML: whatever comes from outside becomes text. */

/* el("a", { class: "x", href: "/", on: { click } }, "text", child, ...). An attribute
 * that is null or false is left out; null children are as well. */
export function el(tag, attributes, ...children) {
	const node = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes ?? {})) {
		if (value === null || value === undefined || value === false)
			continue;
		if (name === "on")
			for (const [event, handler] of Object.entries(value))
				node.addEventListener(event, handler);
		else if (name === "class")
			node.className = value;
		else
			node.setAttribute(name, value === true ? "" : String(value));
	}
	fill(node, ...children);
	return node;
}

/* The children are all that is in it from now on. */
export function fill(node, ...children) {
	node.replaceChildren(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
	return node;
}

const SVG = "http://www.w3.org/2000/svg";

/* One of the symbols at the head of index.html. */
export function icon(name) {
	const svg = document.createElementNS(SVG, "svg");
	const use = document.createElementNS(SVG, "use");

	svg.setAttribute("class", "icon");
	svg.setAttribute("aria-hidden", "true");
	use.setAttribute("href", "#i-" + name);
	svg.append(use);
	return svg;
}

export function setIcon(button, name) {
	button.querySelector("use").setAttribute("href", "#i-" + name);
}

export function iconButton(name, label, click, more) {
	return el("button", { type: "button", class: "icon-button", "aria-label": label, title: label,
		on: { click }, ...more }, icon(name));
}

export function byId(id) {
	return document.getElementById(id);
}

/* A link to another site: it learns nothing of us, and gets a page of its own. */
export function outLink(href, text, attributes) {
	return el("a", { href, target: "_blank", rel: "noreferrer noopener", ...attributes }, text);
}

/* A piece of text that a click copies. */
export function copyButton(text, say) {
	const button = iconButton("copy", "Copy", async () => {
		try {
			await navigator.clipboard.writeText(text());
			say("Copied");
		} catch {
			say("The browser does not let this page copy; mark the text instead");
		}
	});
	return button;
}

/* What stands in a view instead of what is not there. */
export function nothing(title, ...words) {
	return el("div", { class: "nothing" }, el("h3", null, title), ...words.map((w) =>
		typeof w === "string" ? el("p", null, w) : w));
}
