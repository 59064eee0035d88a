/* list_model.js - the messages of one list, the newest first: what is known of them, and
 * asking for what is not.
 *
 * `items` has a place for each message of the list; undefined: not asked for yet. New
 * ones go before the first, so an answer that was under way meanwhile is placed by its
 * distance from the end, which does not change. What can't be placed begins anew.
 *
 * (1) An ID stands at one place at most.
 * (2) Of an answer that was asked for before the last reset or removal, nothing is used. */

export const PAGE = 100;
const AT_ONCE = 2;                      /* requests for pages */
const ONE_BY_ONE = 50;                  /* so many are taken out of their places; for more the list is made anew */

export class ListModel {
	/* load({ start, limit, signal }) gives a list of the API; changed(what) is called after
	 * each change: "all", "some", "new" with their number, or "error". */
	constructor(load, changed) {
		this.load = load;
		this.changed = changed;
		this.begin();
	}

	begin() {
		this.generation = (this.generation ?? 0) + 1;
		for (const request of this.underWay?.values() ?? [])
			request.abort();
		this.underWay = new Map();     /* page -> AbortController */
		this.wanted = [];
		this.barren = new Set();        /* pages whose answer filled no place: not asked twice */
	}

	clear() {
		this.begin();
		this.items = [];
		this.byId = new Map();
		this.unread = 0;
		this.ready = false;
		this.error = null;
	}

	get total() {
		return this.items.length;
	}

	/* Read it all anew, first what is at `index`; what is shown stays until that is here. */
	async reload(index = 0) {
		this.begin();
		const { generation } = this;
		const start = Math.max(0, Math.floor(index / PAGE) * PAGE);
		const request = new AbortController();

		this.underWay.set(-1, request);
		try {
			const answer = await this.load({ start, limit: PAGE, signal: request.signal });

			if (generation !== this.generation)
				return;
			this.items = new Array(answer.messages_count).fill(undefined);
			this.byId = new Map();
			this.ready = true;
			this.error = null;
			this.place(answer);
			this.changed("all");
		} catch (error) {
			if (generation === this.generation && error.name !== "AbortError") {
				this.error = error;
				this.changed("error");
			}
		} finally {
			if (this.underWay.get(-1) === request)
				this.underWay.delete(-1);
		}
	}

	/* How many places were filled. */
	place(answer) {
		const shift = this.items.length - answer.messages_count;

		this.unread = answer.messages_unread ?? answer.unread ?? 0;
		return answer.messages.filter((message, i) => this.put(answer.start + i + shift, message)).length;
	}

	put(index, message) {
		if (index < 0 || index >= this.items.length)
			return false;
		const known = this.byId.get(message.ID);
		if (known !== undefined && this.items[index] !== known) {
			const old = this.items.indexOf(known);

			if (old >= 0)
				this.items[old] = undefined;
		}
		const there = this.items[index];
		if (there !== undefined && there.ID !== message.ID)
			this.byId.delete(there.ID);
		this.items[index] = message;
		this.byId.set(message.ID, message);
		return there === undefined;
	}

	/* Somebody looks at these: ask for what is missing. Pages that nobody looks at any
	 * more are not waited for. */
	need(first, last) {
		const pages = [];

		for (let page = Math.floor(first / PAGE); page * PAGE <= last; page++) {
			const end = Math.min((page + 1) * PAGE, last + 1, this.items.length);

			for (let i = Math.max(page * PAGE, first); i < end; i++) {
				if (this.items[i] === undefined && !this.barren.has(page)) {
					pages.push(page);
					break;
				}
			}
		}
		for (const [page, request] of this.underWay) {
			if (page >= 0 && !pages.includes(page)) {
				this.underWay.delete(page);
				request.abort();
			}
		}
		this.wanted = pages.filter((page) => !this.underWay.has(page));
		this.next();
	}

	next() {
		while (this.wanted.length > 0 && this.underWay.size < AT_ONCE && !this.underWay.has(-1))
			this.loadPage(this.wanted.shift());
	}

	async loadPage(page) {
		const { generation } = this;
		const request = new AbortController();

		this.underWay.set(page, request);
		try {
			const answer = await this.load({ start: page * PAGE, limit: PAGE, signal: request.signal });

			if (generation !== this.generation || request.signal.aborted)
				return;
			if (this.place(answer) === 0)
				this.barren.add(page);
			this.error = null;
			this.changed("some");
		} catch (error) {
			if (generation === this.generation && error.name !== "AbortError") {
				this.error = error;
				this.changed("error");
			}
		} finally {
			if (this.underWay.get(page) === request)
				this.underWay.delete(page);
			if (generation === this.generation)
				this.next();
		}
	}

	/* ---- what the server told ---- */

	/* Newest first. Returns how many were not known. */
	insert(messages) {
		const fresh = messages.filter((m) => !this.byId.has(m.ID));

		if (fresh.length === 0 || !this.ready)
			return 0;
		for (const message of fresh)
			this.byId.set(message.ID, message);
		this.items.unshift(...fresh);
		this.unread += fresh.filter((m) => !m.Read).length;
		this.changed("new", fresh.length);
		return fresh.length;
	}

	update(id, change) {
		const message = this.byId.get(id);

		if (message === undefined)
			return;
		if (change.Read !== undefined && change.Read !== message.Read)
			this.unread = Math.max(0, this.unread + (change.Read ? -1 : 1));
		Object.assign(message, change);
		this.changed("some");
	}

	updateAll(change) {
		for (const message of this.byId.values())
			Object.assign(message, change);
		this.unread = change.Read ? 0 : this.items.length;
		this.changed("some");
	}

	/* False: one of them was not known, so where the others stand is not either; reload. */
	remove(ids) {
		const gone = new Set();

		for (const id of ids) {
			const message = this.byId.get(id);

			if (message === undefined)
				continue;
			gone.add(message);
			this.byId.delete(id);
			if (!message.Read)
				this.unread = Math.max(0, this.unread - 1);
		}
		this.begin();
		if (gone.size > ONE_BY_ONE)
			this.items = this.items.filter((m) => !gone.has(m));
		else
			for (const message of gone)
				this.items.splice(this.items.indexOf(message), 1);
		this.changed("all");
		return gone.size === new Set(ids).size;
	}

	/* ---- neighbours ---- */

	indexOf(id) {
		const message = this.byId.get(id);

		return message === undefined ? -1 : this.items.indexOf(message);
	}

	at(index) {
		return this.items[index];
	}
}
