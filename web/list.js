/* list.js - the list on the screen: only the rows that can be seen are elements.
 *
 * A row has a fixed height, so place and index follow from each other. Browsers draw
 * nothing beyond some millions of pixels: a longer list moves in proportion instead.
 *
 * One row is current: it has the list's place in the order of Tab. Its element stays
 * even when it scrolls out of sight, or the focus would be lost. */
import { base } from "./api.js";
import { byId, el, fill, icon } from "./dom.js";
import { plural, recipients, shortDate, size, who } from "./format.js";

const CANVAS_MAX = 8e6;                 /* px */
const BEYOND = 6;                       /* rows drawn above and below what is seen */

export class ListView {
	/* act: { open(id), selected(), tag(name) } */
	constructor(model, act) {
		this.model = model;
		this.act = act;
		this.scroller = byId("scroller");
		this.rows = byId("rows");
		this.drawn = new Map();         /* index -> row */
		this.spare = [];
		this.selection = new Set();     /* IDs */
		this.everything = false;        /* what the list has, known here or not */
		this.current = 0;
		this.openId = null;
		this.anchor = 0;                /* of a range of selection */
		this.scroller.addEventListener("scroll", () => this.drawSoon(), { passive: true });
		new ResizeObserver(() => this.drawSoon()).observe(this.scroller);
		this.measure();
	}

	measure() {
		const text = getComputedStyle(this.rows).getPropertyValue("--row");

		this.rowHeight = parseFloat(text) || 76;
		this.height = this.scroller.clientHeight;
		const whole = this.model.total * this.rowHeight;
		this.canvas = Math.min(whole, CANVAS_MAX);
		/* How far the list moves for each pixel of the scroll bar. */
		this.ratio = whole > this.canvas ? (whole - this.height) / (this.canvas - this.height) : 1;
	}

	get offset() {
		return this.scroller.scrollTop * this.ratio;
	}

	get first() {
		return Math.floor(this.offset / this.rowHeight);
	}

	drawSoon() {
		this.frame ??= requestAnimationFrame(() => {
			this.frame = undefined;
			this.draw();
		});
	}

	draw() {
		this.measure();
		const { total } = this.model;
		const { scrollTop } = this.scroller;
		const top = this.offset;
		const first = Math.max(0, Math.floor(top / this.rowHeight) - BEYOND);
		const last = Math.min(total - 1, Math.ceil((top + this.height) / this.rowHeight) + BEYOND);

		this.rows.style.height = this.canvas + "px";
		this.current = Math.max(0, Math.min(this.current, total - 1));
		for (const [index, row] of this.drawn) {
			const kept = index === this.current && row.element.contains(document.activeElement);

			if ((index < first || index > last) && !(kept && index < total)) {
				this.drawn.delete(index);
				row.element.remove();
				this.spare.push(row);
			}
		}
		for (let index = first; index <= last; index++)
			this.drawRow(index);
		for (const [index, row] of this.drawn) {
			row.element.style.transform =
				"translateY(" + (index * this.rowHeight - top + scrollTop) + "px)";
			this.fillRow(row, index);
		}
		if (total > 0)
			this.model.need(Math.max(0, first), last);
	}

	drawRow(index) {
		if (this.drawn.has(index))
			return;
		const row = this.spare.pop() ?? this.makeRow();

		this.drawn.set(index, row);
		row.index = index;
		/* In the order of the list, for those who hear it. */
		let after = null;
		for (let i = index + 1; after === null && i < index + 100; i++)
			after = this.drawn.get(i)?.element ?? null;
		this.rows.insertBefore(row.element, after);
	}

	/* ---- rows ---- */

	makeRow() {
		const row = { index: -1, shown: "" };

		row.check = el("input", { type: "checkbox", tabindex: "-1" });
		row.from = el("span", { class: "row-from", dir: "auto" });
		row.to = el("span", { class: "row-to" });
		row.time = el("time", { class: "row-time" });
		row.state = el("span", { class: "hidden" });
		row.subject = el("span", { class: "row-subject", dir: "auto" });
		row.snippet = el("span", { class: "row-snippet", dir: "auto" });
		row.marks = el("span", { class: "row-marks" });
		row.link = el("a", { class: "row-link", tabindex: "-1" }, row.state,
			el("span", { class: "row-line" }, row.from, row.to, row.time), row.subject,
			el("span", { class: "row-line" }, row.snippet, row.marks));
		row.element = el("li", { class: "row" }, el("label", { class: "check" }, row.check), row.link);
		row.check.addEventListener("click", (event) => this.select(row.index, row.check.checked,
			event.shiftKey));
		row.link.addEventListener("click", (event) => this.clicked(event, row.index));
		row.link.addEventListener("focus", () => this.setCurrent(row.index));
		return row;
	}

	clicked(event, index) {
		const message = this.model.at(index);

		if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0)
			return;                 /* a new tab or window, as links have it */
		event.preventDefault();
		if (message !== undefined)
			this.act.open(message.ID);
	}

	fillRow(row, index) {
		const message = this.model.at(index);
		const selected = message !== undefined && this.isSelected(message.ID);
		const shown = message === undefined ? "?" : [message.ID, message.Read, selected,
			message.ID === this.openId, message.Tags?.join()].join("|");
		const more = index + "/" + this.model.total + "/" + (index === this.current);

		if (row.more !== more) {
			row.more = more;
			row.element.setAttribute("aria-posinset", index + 1);
			row.element.setAttribute("aria-setsize", this.model.total);
			row.element.classList.toggle("current", index === this.current);
			row.link.tabIndex = index === this.current ? 0 : -1;
			row.check.tabIndex = index === this.current ? 0 : -1;
		}
		if (row.shown === shown)
			return;
		row.shown = shown;
		row.element.classList.toggle("waiting", message === undefined);
		row.element.classList.toggle("unread", message !== undefined && !message.Read);
		row.element.classList.toggle("selected", selected);
		row.element.classList.toggle("open", message !== undefined && message.ID === this.openId);
		row.check.checked = selected;
		row.check.disabled = message === undefined;
		if (message === undefined)
			this.fillWaiting(row);
		else
			this.fillMessage(row, message);
	}

	fillWaiting(row) {
		for (const part of [row.from, row.to, row.time, row.subject, row.snippet, row.marks])
			part.textContent = "";
		row.state.textContent = "Loading";
		row.link.removeAttribute("href");
		row.link.removeAttribute("aria-current");
	}

	fillMessage(row, message) {
		const subject = message.Subject || "(no subject)";
		const to = recipients(message);

		row.link.href = base + "/view/" + encodeURIComponent(message.ID);
		if (message.ID === this.openId)
			row.link.setAttribute("aria-current", "true");
		else
			row.link.removeAttribute("aria-current");
		row.state.textContent = message.Read ? "" : "Unread. ";
		row.from.textContent = who(message.From);
		row.to.textContent = to ? "to " + to : "";
		row.time.textContent = shortDate(message.Created);
		row.time.dateTime = message.Created;
		row.subject.textContent = subject;
		row.snippet.textContent = message.Snippet || "";
		row.check.setAttribute("aria-label", "Select: " + subject);
		fill(row.marks, ...(message.Tags ?? []).slice(0, 2).map((tag) => el("span", { class: "tag" }, tag)),
			message.Attachments > 0 ? [icon("clip"), el("span", { class: "hidden" },
				plural(message.Attachments, "attachment"))] : null,
			el("span", { class: "row-size" }, size(message.Size)));
	}

	/* ---- where one is ---- */

	setCurrent(index) {
		if (index === this.current)
			return;
		this.current = index;
		this.drawSoon();
	}

	/* Into sight, and focused when asked. */
	show(index, focus) {
		const top = index * this.rowHeight;

		if (index < 0 || index >= this.model.total)
			return;
		this.current = index;
		this.measure();
		if (top < this.offset)
			this.scroller.scrollTop = top / this.ratio;
		else if (top + this.rowHeight > this.offset + this.height)
			this.scroller.scrollTop = (top + this.rowHeight - this.height) / this.ratio;
		this.draw();
		if (focus)
			this.drawn.get(index)?.link.focus({ preventScroll: true });
	}

	/* New ones stand before the first: what is looked at stays where it is. */
	shift(n) {
		this.current = this.current === 0 && !this.rows.contains(document.activeElement) ? 0 : this.current + n;
		this.anchor += n;
		const moved = new Map();
		for (const [index, row] of this.drawn) {
			row.index = index + n;
			moved.set(row.index, row);
		}
		this.drawn = moved;
		const { scrollTop } = this.scroller;
		this.measure();
		this.rows.style.height = this.canvas + "px";
		if (scrollTop > this.rowHeight / 2)
			this.scroller.scrollTop = scrollTop + n * this.rowHeight / this.ratio;
		this.draw();
	}

	toTop() {
		this.current = 0;
		this.scroller.scrollTop = 0;
		this.draw();
	}

	setOpen(id) {
		this.openId = id;
		const index = id === null ? -1 : this.model.indexOf(id);
		if (index >= 0)
			this.show(index, false);
		else
			this.drawSoon();
	}

	/* ---- selection ---- */

	isSelected(id) {
		return this.everything || this.selection.has(id);
	}

	select(index, on, range) {
		const [from, to] = range ? [Math.min(this.anchor, index), Math.max(this.anchor, index)] :
			[index, index];

		if (this.everything) {
			this.everything = false;
			for (const id of this.model.byId.keys())
				this.selection.add(id);
		}
		for (let i = from; i <= to; i++) {
			const message = this.model.at(i);

			if (message === undefined)
				continue;
			if (on)
				this.selection.add(message.ID);
			else
				this.selection.delete(message.ID);
		}
		this.anchor = index;
		this.current = index;
		this.drawSoon();
		this.act.selected();
	}

	selectAll(on) {
		this.selection.clear();
		this.everything = on && this.model.total > 0;
		this.drawSoon();
		this.act.selected();
	}

	get selectedCount() {
		return this.everything ? this.model.total : this.selection.size;
	}
}
