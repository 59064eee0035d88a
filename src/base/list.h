/* base/list.h - a doubly linked list threaded through its members.
 *
 *   struct session { struct list link; ... };
 *   list_for(at, &edge->sessions) {
 *           struct session *s = list_item(at, struct session, link); ...
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define list_item(at, type, member) ((type *)(void *)((char *)(at) - offsetof(type, member)))
/* Members may be removed while walking, only the current one. */
#define list_for(at, head)                                                      \
	for (struct list *at = (head)->next, *at##_next = at->next; at != (head); \
	     at = at##_next, at##_next = at->next)

static inline void list_init(struct list *head)
{
	head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_append(struct list *head, struct list *item)
{
	item->next = head;
	item->prev = head->prev;
	head->prev->next = item;
	head->prev = item;
}

/* Safe on an item that was list_init()ed or removed before. */
static inline void list_remove(struct list *item)
{
	item->next->prev = item->prev;
	item->prev->next = item->next;
	list_init(item);
}

static inline struct list *list_take_first(struct list *head)
{
	struct list *first = head->next;

	if (first == head)
		return NULL;
	list_remove(first);
	return first;
}

#endif
