/* format.js - dates, sizes, counts and addresses for people. Pure. */

const DAY = 24 * 3600 * 1000;
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const year = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const whole = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short",
	year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" });
const integer = new Intl.NumberFormat();

export function number(n) {
	return integer.format(n);
}

export function plural(n, one, many) {
	return integer.format(n) + " " + (n === 1 ? one : many ?? one + "s");
}

/* "14:05", "Mon 14:05", "3 Mar", "3 Mar 2024": as short as is clear. */
export function shortDate(text, now = Date.now()) {
	const at = new Date(text);
	const today = new Date(now);

	if (Number.isNaN(at.getTime()))
		return "";
	if (at.toDateString() === today.toDateString())
		return time.format(at);
	if (at < today && today - at < 6 * DAY)
		return weekday.format(at);
	return at.getFullYear() === today.getFullYear() ? day.format(at) : year.format(at);
}

export function longDate(text) {
	const at = new Date(text);

	return Number.isNaN(at.getTime()) ? String(text ?? "") : whole.format(at);
}

/* Of the clock, with milliseconds: for dialogues and journeys. */
export function clock(text) {
	const at = new Date(text);
	const two = (n) => String(n).padStart(2, "0");

	if (Number.isNaN(at.getTime()))
		return "";
	return two(at.getHours()) + ":" + two(at.getMinutes()) + ":" + two(at.getSeconds()) + "." +
		String(at.getMilliseconds()).padStart(3, "0");
}

/* The time between two moments: "+12 ms", "+3.4 s", "+5 min". */
export function span(ms) {
	if (!Number.isFinite(ms))
		return "";
	if (Math.abs(ms) < 1000)
		return "+" + Math.round(ms) + " ms";
	if (Math.abs(ms) < 60000)
		return "+" + (ms / 1000).toFixed(ms < 10000 ? 1 : 0) + " s";
	if (Math.abs(ms) < 3600000)
		return "+" + Math.round(ms / 60000) + " min";
	return "+" + (ms / 3600000).toFixed(1) + " h";
}

export function size(bytes) {
	if (!(bytes >= 0))
		return "";
	if (bytes < 1024)
		return bytes + " B";
	for (const unit of ["KB", "MB", "GB"]) {
		bytes /= 1024;
		if (bytes < 1024 || unit === "GB")
			return (bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)) + " " + unit;
	}
	return "";
}

/* Of a list's row: the name, else the address. */
export function who(address) {
	return address?.Name || address?.Address || "(nobody)";
}

export function wholeAddress(address) {
	if (!address?.Address)
		return address?.Name || "(nobody)";
	return address.Name ? address.Name + " <" + address.Address + ">" : address.Address;
}

/* "bob@b.example +2" */
export function recipients(message) {
	const all = [...(message.To ?? []), ...(message.Cc ?? []), ...(message.Bcc ?? [])];

	if (all.length === 0)
		return "";
	return (all[0].Address || who(all[0])) + (all.length > 1 ? " +" + (all.length - 1) : "");
}
