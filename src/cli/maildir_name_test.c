/* cli/maildir_name_test.c - names in a Maildir. */
#include "unit.h"

#include "base/heap.h"
#include "base/limits.h"
#include "cli/maildir_name.h"
#include "imap/parse.h"

static const struct {
	const char *name;
	unsigned flags, keywords;
	bool passed;
} flags[] = {
	{ "1.a.b", 0, 0, false }, { "1.a.b:2,", 0, 0, false }, { "1.a.b:1,S", 0, 0, false },
	{ "1.a.b:2,DFPRST", IMAP_DRAFT | IMAP_FLAGGED | IMAP_ANSWERED | IMAP_SEEN | IMAP_DELETED, 0,
	    true },
	{ "1.a.b:2,Sacz", IMAP_SEEN, 1 | 4 | 1 << 25, false },
	{ "1.a.b:2,X!S", IMAP_SEEN, 0, false }, { "1.a.b:2,S,F", IMAP_SEEN, 0, false },
	{ "", 0, 0, false },
};

static void knows_flags(void **state)
{
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		slice name = guarded_copy(slice_from(flags[i].name));
		struct maildir_flags f = maildir_flags_read(name);

		assert_int_equal(f.flags, flags[i].flags);
		assert_int_equal(f.keywords, flags[i].keywords);
		assert_int_equal(f.passed, flags[i].passed);
		guarded_free(name);
	}
}

static void knows_its_own(void **state)
{
	struct maildir_flags all = { IMAP_DRAFT | IMAP_FLAGGED | IMAP_ANSWERED | IMAP_SEEN |
	    IMAP_DELETED, true, (1 << 26) - 1 };
	struct maildir_id id = { UINT32_MAX, UINT32_MAX }, back;
	char name[MAILDIR_NAME_MAX + 1];

	maildir_name_write(name, id, INT64_MIN, UINT64_MAX, UINT64_MAX, all);
	assert_true(maildir_name_read(slice_from(name), &back));
	assert_int_equal(back.uid, UINT32_MAX);
	assert_int_equal(maildir_flags_read(slice_from(name)).keywords, all.keywords);
	maildir_name_write(name, (struct maildir_id){ 17, 3 }, 1796, 310, 318,
	    (struct maildir_flags){ IMAP_SEEN | IMAP_FLAGGED, true, 2 });
	assert_string_equal(name, "1796.V17U3.posthouse,S=310,W=318:2,FPSb");
	assert_true(maildir_name_read(slice_from("1.V17U3.posthouse,S=3"), &back));
	assert_int_equal(back.uidvalidity, 17);
	assert_false(maildir_name_read(slice_from("1.V17U3.other,S=3"), &back));
	assert_false(maildir_name_read(slice_from("1.M17P3.posthouse,S=3"), &back));
	assert_false(maildir_name_read(slice_from("1.V17.posthouse,"), &back));
	assert_false(maildir_name_read(slice_from(""), &back));
}

static const struct {
	const char *folder, *mailbox;
	bool changed, same;             /* the mailbox is written as that folder */
} folders[] = {
	{ ".Sent", "Sent", false, true }, { ".Lists.A.B", "Lists/A/B", false, true },
	{ ".B&APw-cher", "B\xc3\xbc" "cher", false, true },
	{ ".B\xc3\xbc" "cher", "B\xc3\xbc" "cher", false, false },
	{ ".a&-b", "a&b", false, true }, { ".a&b", "a&b", false, false },
	{ ".v1\\2e2.c", "v1.2/c", false, true }, { ".a\\5cb", "a\\b", false, true },
	{ ".a\\2fb", "a\\2fb", false, false }, { ".a/b", "a_b", true, false },
	{ "..a..b.", "a/b", false, false }, { ".a\nb", "a_b", true, false },
	{ ".a\xff\xfe", "a__", true, false }, { ".", NULL, false, false }, { "", NULL, false, false },
	{ ".&ICg-", "___", true, false },       /* U+2028 */
};

static void maps_folders(void **state)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, 4 * IMAP_NAME_MAX);

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		slice folder = guarded_copy(slice_from(folders[i].folder));
		bool changed = false;

		buffer_truncate(&out, 0);
		assert_int_equal(maildir_folder_read(folder, &out, &changed),
		    folders[i].mailbox != NULL);
		guarded_free(folder);
		if (folders[i].mailbox == NULL)
			continue;
		assert_slice(buffer_bytes(&out), slice_from(folders[i].mailbox));
		assert_int_equal(changed, folders[i].changed);
		buffer_truncate(&out, 0);
		assert_true(maildir_folder_write(slice_from(folders[i].mailbox), &out));
		assert_int_equal(slice_equal(buffer_bytes(&out), slice_from(folders[i].folder)),
		    folders[i].same);
	}
	heap_drop(heap);
}

UNIT_TESTS(cmocka_unit_test(knows_flags), cmocka_unit_test(knows_its_own),
    cmocka_unit_test(maps_folders))
