/* journey.js - what happened to the message, as a time line: when, who, what. Where
 * several hosts took part, each has its colour. */
import { el, nothing } from "./dom.js";
import { clock, longDate, plural, span } from "./format.js";
import { journey } from "./own.js";

const COLOURS = 5;

function details(event) {
	const rows = Object.entries(event.details).filter(([, value]) => value !== null && value !== "");

	if (rows.length === 0)
		return null;
	return el("details", null, el("summary", null, "Details"),
		el("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [el("dt", null, name),
			el("dd", null, typeof value === "object" ? JSON.stringify(value) : String(value))])));
}

function row(event, before, began, hosts) {
	const at = Date.parse(event.at);

	return el("li", { class: "step", "data-host": hosts.indexOf(event.host) % COLOURS,
		"data-what": event.what },
	el("div", { class: "step-time" }, el("time", { datetime: event.at, title: longDate(event.at) }, clock(event.at)),
		el("span", { class: "muted" }, before === null ? "" : span(at - began))),
	el("div", { class: "step-words" },
		el("p", { class: "step-who" }, hosts.length > 1 && event.host ? el("strong", null, event.host) : null,
			el("span", { class: "role" }, event.role), el("span", { class: "muted" }, event.what)),
		el("p", null, event.words || event.what), details(event)));
}

export async function viewJourney(context) {
	const events = await journey(context.id, context.signal);

	if (events === null)
		return nothing("The journey is not available here", "This server does not keep what happened to its messages.");
	if (events.length === 0)
		return nothing("No journey", "Nothing was written down of this message.");
	const hosts = [...new Set(events.map((e) => e.host))];
	const began = Date.parse(events[0].at);
	const took = Date.parse(events[events.length - 1].at) - began;
	return el("div", { class: "journey" },
		el("p", { class: "muted" }, plural(events.length, "event") +
			(hosts.length > 1 ? " on " + plural(hosts.length, "host") : "") +
			(Number.isFinite(took) ? ", in " + span(took).slice(1) : "")),
		el("ol", { class: "steps" }, ...events.map((event, i) =>
			row(event, i === 0 ? null : events[i - 1], began, hosts))));
}
