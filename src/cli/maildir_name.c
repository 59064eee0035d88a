/* cli/maildir_name.c - names in a Maildir. */
#include "cli/maildir_name.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "imap/mailbox.h"
#include "imap/parse.h"

static const struct {
	char letter;
	unsigned flag;
} letters[] = {                         /* in the order that they are written in */
	{ 'D', IMAP_DRAFT }, { 'F', IMAP_FLAGGED }, { 'R', IMAP_ANSWERED }, { 'S', IMAP_SEEN },
	{ 'T', IMAP_DELETED },
};

enum { LETTERS = sizeof letters / sizeof *letters };

/* ---- messages ---- */

struct maildir_flags maildir_flags_read(slice name)
{
	struct maildir_flags f = { 0 };
	slice info = slice_drop(name, slice_find(name, slice_lit(":2,")));

	for (size_t i = 3; i < info.len; i++) {
		char c = (char)info.ptr[i];

		for (size_t k = 0; k < LETTERS; k++) {
			if (letters[k].letter == c)
				f.flags |= letters[k].flag;
		}
		if (c == 'P')
			f.passed = true;
		if (c >= 'a' && c <= 'z')
			f.keywords |= 1u << (c - 'a');
		if (c == ',')
			break;          /* of other programs */
	}
	return f;
}

void maildir_name_write(char ret_name[MAILDIR_NAME_MAX + 1], struct maildir_id id,
    int64_t received_s, uint64_t size, uint64_t wire_size, struct maildir_flags flags)
{
	char info[LETTERS + 1 + MAILDIR_KEYWORDS + 1];
	size_t n = 0;

	for (size_t k = 0; k < LETTERS; k++) {
		if (letters[k].letter == 'R' && flags.passed)
			info[n++] = 'P';
		if (flags.flags & letters[k].flag)
			info[n++] = letters[k].letter;
	}
	for (unsigned i = 0; i < MAILDIR_KEYWORDS; i++) {
		if (flags.keywords >> i & 1)
			info[n++] = (char)('a' + i);
	}
	info[n] = '\0';
	snprintf(ret_name, MAILDIR_NAME_MAX + 1, "%lld.V%uU%u.posthouse,S=%llu,W=%llu:2,%s",
	    (long long)received_s, id.uidvalidity, id.uid, (unsigned long long)size,
	    (unsigned long long)wire_size, info);
}

bool maildir_name_read(slice name, struct maildir_id *ret_id)
{
	uint64_t uidvalidity, uid;
	slice rest = name, word;

	slice_cut(&rest, '.');
	word = slice_cut(&rest, '.');
	if (!slice_starts(rest, slice_lit("posthouse,")) || !slice_starts(word, slice_lit("V")))
		return false;
	word = slice_drop(word, 1);
	if (!slice_to_u64(slice_cut(&word, 'U'), UINT32_MAX, &uidvalidity) ||
	    !slice_to_u64(word, UINT32_MAX, &uid))
		return false;
	*ret_id = (struct maildir_id){ (uint32_t)uidvalidity, (uint32_t)uid };
	return true;
}

/* ---- mailboxes ---- */

/* As UTF-8: what is no modified UTF-7 is taken as it stands. */
static bool decode_level(slice level, struct buffer *out)
{
	return (slice_is_ascii(level) && imap_utf7_read(level, out)) || buffer_append(out, level);
}

/* A level is behind `from`: "\2e" is ".", and no delimiter is in it, which is no part of a name. */
static void mend_level(struct buffer *out, size_t from, bool *changed)
{
	unsigned char *at = out->ptr + out->start + from;
	size_t n = buffer_bytes(out).len - from, kept = 0;

	for (size_t i = 0; i < n; i++) {
		slice rest = slice_of(at + i, n - i);
		unsigned char c = at[i];

		if (slice_starts(rest, slice_lit("\\2e")) || slice_starts(rest, slice_lit("\\5c"))) {
			c = rest.ptr[1] == '2' ? '.' : '\\';
			i += 2;
		} else if (c == IMAP_DELIMITER || c < ' ' || c == 0x7f) {
			c = '_';
			*changed = true;
		}
		at[kept++] = c;
	}
	buffer_truncate(out, from + kept);
}

/* No UTF-8, or a character that may not be: all of the level's octets of 8 bits go. */
static void mend_characters(struct buffer *out, size_t from, bool *changed)
{
	slice level = slice_drop(buffer_bytes(out), from);

	if (level.len == 0 || imap_name_judge(level) != IMAP_NAME_CHARACTER)
		return;
	for (size_t i = 0; i < level.len; i++) {
		if (level.ptr[i] >= 0x80)
			out->ptr[out->start + from + i] = '_';
	}
	*changed = true;
}

bool maildir_folder_read(slice folder, struct buffer *out, bool *ret_changed)
{
	size_t before = buffer_bytes(out).len;
	bool changed = false;

	while (folder.len > 0) {
		slice level = slice_cut(&folder, '.');
		size_t from;

		if (level.len == 0)     /* the first one always is */
			continue;
		if (buffer_bytes(out).len > before && !buffer_append(out, slice_lit("/")))
			return false;
		from = buffer_bytes(out).len;
		if (!decode_level(level, out))
			return false;
		mend_level(out, from, &changed);
		mend_characters(out, from, &changed);
	}
	*ret_changed = changed;
	return imap_name_judge(slice_drop(buffer_bytes(out), before)) == IMAP_NAME_OK;
}

bool maildir_folder_write(slice mailbox, struct buffer *out)
{
	struct buffer plain = buffer_init(out->heap, 4 * IMAP_NAME_MAX);
	bool fits = true;

	buffer_add(&plain, slice_lit("."));
	for (size_t i = 0; i < mailbox.len && fits; i++) {
		unsigned char c = mailbox.ptr[i];

		if (c == '.')
			fits = buffer_append(&plain, slice_lit("\\2e"));
		else if (c == '\\')
			fits = buffer_append(&plain, slice_lit("\\5c"));
		else if (c == IMAP_DELIMITER)
			fits = buffer_append(&plain, slice_lit("."));
		else
			fits = buffer_append(&plain, slice_of(&c, 1));
	}
	fits = fits && imap_utf7_write(buffer_bytes(&plain), out);
	buffer_free(&plain);
	return fits;
}
