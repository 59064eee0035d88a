/* events.js - what the server tells by itself: a WebSocket that comes back when it breaks.
 *
 *   connecting -> open -> waiting (0.5 s, 1 s, ... 15 s) -> connecting ...
 *
 * Events may be lost while it is not open: on "open" the page reads its list anew. */
import { base } from "./api.js";

const WAIT_MIN_MS = 500;
const WAIT_MAX_MS = 15000;
const SILENT_MS = 15000;                /* to open: a connection that hangs is given up */

/* handler: { state(name, secondsToWait), event(type, data) } */
export function follow(handler) {
	let socket = null;
	let timer = 0;
	let wait = WAIT_MIN_MS;

	function again() {
		const ms = Math.round(wait * (0.75 + Math.random() / 2));

		socket = null;
		wait = Math.min(wait * 2, WAIT_MAX_MS);
		handler.state("waiting", Math.ceil(ms / 1000));
		clearTimeout(timer);
		timer = setTimeout(connect, ms);
	}

	function hear(frame) {
		let event;

		try {
			event = JSON.parse(frame);
		} catch {
			return;                 /* of a server that we don't know */
		}
		if (event !== null && typeof event === "object")
			handler.event(event.Type, event.Data);
	}

	function connect() {
		const mine = new WebSocket((location.protocol === "https:" ? "wss://" : "ws://") +
			location.host + base + "/api/events");

		clearTimeout(timer);
		timer = setTimeout(() => mine.close(), SILENT_MS);
		socket = mine;
		handler.state("connecting", 0);
		mine.onopen = () => {
			clearTimeout(timer);
			wait = WAIT_MIN_MS;
			handler.state("open", 0);
		};
		mine.onmessage = (frame) => hear(frame.data);
		mine.onclose = () => {
			if (socket === mine)
				again();
		};
	}

	function now() {
		if (socket !== null)
			return;                 /* under way, or open */
		wait = WAIT_MIN_MS;
		connect();
	}

	window.addEventListener("online", now);
	document.addEventListener("visibilitychange", () => {
		if (document.visibilityState === "visible")
			now();
	});
	setTimeout(connect, 0);         /* not before the caller has what we return */
	return { now };
}
