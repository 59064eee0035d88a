/* role/store_queue.c - clients' changes of an account: an expunge of the web's or of a QUIT,
 * and all that IMAP changes.
 *
 *   box_change() -> box->changes -> made, of what is durable -> its flight -> landed
 *
 * (1) Each is made of what is durable, and would count a message twice that another one,
 *     not yet durable, concerns too. So they are made one at a time, in their order; but for
 *     those that only add (kind->together), which don't wait for each other. What an
 *     earlier life wrote is made durable first, too.
 * (2) landed() is called once for each, and finds it out of the list. It may begin the next
 *     one, but not step the box. */
#include "base/check.h"
#include "role/store_impl.h"

static struct box_change *first_of(const struct box *box)
{
	return list_empty(&box->changes) ? NULL :
	    list_item(box->changes.next, struct box_change, link);
}

static void land(struct box *box, struct box_change *c, bool ok)
{
	list_remove(&c->link);
	c->kind->landed(box, c, ok);
}

/* The first that is not made, if nothing before it is in its way. */
static struct box_change *next_to_make(struct box *box)
{
	bool others = false;

	list_for(at, &box->changes) {
		struct box_change *c = list_item(at, struct box_change, link);

		if (!c->made && (c->kind->together || !others))
			return c;
		if (!c->made || !c->kind->together) {
			/* What is in no hurry (IMAP's RECENT) is, once somebody waits for it. */
			if (!c->made && !first_of(box)->flies)
				box_dirty(box, true);
			return NULL;
		}
		others = true;
	}
	return NULL;
}

static bool has_kept(const struct box *box)
{
	return box->account->n_changes > 0 && box->account->changes[0].kept;
}

bool box_changes_step(struct box *box)
{
	struct box_change *c;
	size_t before;

	while ((c = next_to_make(box)) != NULL) {
		if (box->account->removed || box->removing || store_stopped(box->store)) {
			land(box, c, false);
			continue;
		}
		if (!box->account->state.full) {
			box_start_rows(box);
			return true;
		}
		if (!(c->kind->looks && box->account->n_changes == 0) &&
		    !box_writable(box, c->kind->pack))
			return true;
		if (has_kept(box) && !c->kind->together && !c->kind->looks) {
			box_dirty(box, true);
			return true;
		}
		before = box->account->n_changes;
		c->made = c->kind->make(box, c);
		if (c->made)
			box_dirty(box, !c->kind->cold);
		else if (box->account->n_changes > before)
			box_dirty(box, false);  /* a keyword that nobody uses yet */
		if (!c->made)
			land(box, c, true);
	}
	return false;
}

void box_change(struct box *box, struct box_change *c, const struct change_kind *kind)
{
	*c = (struct box_change){ .kind = kind };
	list_append(&box->changes, &c->link);
}

void box_changes_board(struct box *box)
{
	list_for(at, &box->changes) {
		struct box_change *c = list_item(at, struct box_change, link);

		c->flies = c->made;
	}
}

void box_changes_landed(struct box *box, bool ok)
{
	struct list landed, *at;

	/* What failed took along what was made after the flight began. */
	list_init(&landed);
	list_for(of, &box->changes) {
		struct box_change *c = list_item(of, struct box_change, link);

		if (!c->flies && (ok || !c->made))
			continue;
		list_remove(of);
		list_append(&landed, of);
	}
	while ((at = list_take_first(&landed)) != NULL)
		land(box, list_item(at, struct box_change, link), ok);
}

void box_changes_fail(struct box *box)
{
	struct list failed, *at;

	list_init(&failed);
	list_for(of, &box->changes) {
		if (list_item(of, struct box_change, link)->made)
			continue;
		list_remove(of);
		list_append(&failed, of);
	}
	while ((at = list_take_first(&failed)) != NULL)
		land(box, list_item(at, struct box_change, link), false);
}
