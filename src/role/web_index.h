/* role/web_index.h - the messages that a mock's web knows, in the order in which they are
 * shown: a few numbers of each in memory, what they say in files (web_texts.h).
 *
 *   index_add() -> known -> index_list() -> listed -> index_remove()
 *
 * (1) A listed message has its place in `listed`, ascending by time; nobody else sees it.
 * (2) Its name (web_entry_name()) is the journal's id, which the reply to DATA said; of a
 *     message in several mailboxes one has that, the others add account and uid.
 * (3) An entry that is removed stays in memory as long as somebody holds it (refs).
 *
 * Limits: API_TAGS_MAX tags of a message. */
#ifndef ROLE_WEB_INDEX_H
#define ROLE_WEB_INDEX_H

#include "base/limits.h"
#include "base/table.h"
#include "journal/message_id.h"
#include "role/web_texts.h"

/* A word that people put on messages. There while some message has it. */
struct web_tag {
	struct web_tag *next;           /* by name */
	unsigned refs;
	size_t len;
	unsigned char name[];
};

struct web_place {
	uint64_t account;
	uint32_t uid;
};

struct web_entry {
	unsigned char key[28];          /* of its name, in index->names */
	unsigned char place[12];        /* account and uid, in index->places */
	struct message_id id;
	uint64_t account;
	uint32_t uid, pack, offset;
	uint32_t refs;                  /* the index's is one */
	int64_t received_us;
	uint64_t serial;                /* the order of equal times */
	uint64_t size;
	uint64_t head_at, words_at;     /* in the files */
	uint32_t head_len, words_len;
	uint16_t n_attachments, n_inline;
	bool twin;                      /* not the first of its id */
	bool listed, read;
	bool stale;                     /* its store is away, or has not told it again */
	bool asked_away;                /* somebody named it, to have it expunged */
	bool gone;
	/* web_keep.c: what is to be told, in its next turn and in this one, and what is; bits. */
	uint8_t unkept : 2, due : 2, asked : 2, kept_in : 2;
	bool tagged;                    /* by people: what it brought with it counts no more */
	uint16_t n_tags;
	struct web_tag **tags;          /* by name */
};

struct web_index {
	struct os *os;
	struct heap *heap;
	struct table names, places;
	struct web_entry **listed;      /* from `first` on, n_listed of them */
	size_t first, n_listed, capacity;
	size_t n_unread;
	uint64_t serial_last;
	uint64_t changes;               /* counts up when `listed` changes */
	struct texts heads, words;
	struct web_tag *tags;
};

/* 0 or -errno: no memory file. */
int index_init(struct web_index *index, struct os *os);

/* A message that a store told of; NULL when it is known. It is not listed yet. */
struct web_entry *index_add(struct web_index *index, const struct web_entry *what);
struct web_entry *index_find_place(const struct web_index *index, uint64_t account, uint32_t uid);
struct web_entry *index_find_name(const struct web_index *index, slice name);

/* List it, with what it says. False: there is no memory for that. */
bool index_list(struct web_index *index, struct web_entry *entry, slice head, slice words);
void index_remove(struct web_index *index, struct web_entry *entry);
/* All of an account with uids of that range: `removed` is called with each, before. */
void index_remove_range(struct web_index *index, uint64_t account, uint32_t first,
    uint32_t last, void (*removed)(void *context, struct web_entry *entry), void *context);
void index_hold(struct web_entry *entry);
void index_release(struct web_index *index, struct web_entry *entry);

/* Call `each` for each of an account with a uid in one of n ranges, ascending and apart. */
struct web_range {
	uint32_t first, last;
};
void index_each(const struct web_index *index, uint64_t account, const struct web_range *ranges,
    size_t n, void (*each)(void *context, struct web_entry *entry), void *context);

/* The i-th listed, 0 the newest. */
struct web_entry *index_at(const struct web_index *index, size_t i);
/* Its place, counted thus; n_listed for one that is not listed. */
size_t index_rank(const struct web_index *index, const struct web_entry *entry);
/* The first that is older than (received_us, serial): where a walk goes on. */
size_t index_rank_below(const struct web_index *index, int64_t received_us, uint64_t serial);
slice index_head(struct web_index *index, const struct web_entry *entry);
slice index_words(struct web_index *index, const struct web_entry *entry);

void index_set_read(struct web_index *index, struct web_entry *entry, bool read);
/* Cleaned names (api/tags.h); of doubles the first, and at most API_TAGS_MAX are taken. */
void index_set_tags(struct web_index *index, struct web_entry *entry, const slice *names,
    size_t n);
/* A tag that is there, or NULL; case does not matter. */
struct web_tag *index_tag(const struct web_index *index, slice name);
slice web_tag_name(const struct web_tag *tag);
/* Every message that has `tag` has `name` instead; empty: nothing. `changed` is called with
 * each, afterwards. */
void index_rename_tag(struct web_index *index, struct web_tag *tag, slice name,
    void (*changed)(void *context, struct web_entry *entry), void *context);
/* Writes a NUL as well; returns the length. */
enum { WEB_NAME_TEXT = MESSAGE_ID_TEXT + 32 };
size_t web_entry_name(const struct web_entry *entry, char ret_name[WEB_NAME_TEXT]);

#endif
