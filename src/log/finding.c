/* log/finding.c - the kinds of findings, and telling one. */
#include "log/finding.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#define REPAIR "stop the server and run `posthouse repair`"

static const struct {
	const char *word;
	bool note;
	const char *advice;
} kinds[FINDING_KINDS] = {
	[FINDING_HEAD] = { "head-damaged", false, REPAIR },
	[FINDING_ROT] = { "log-damaged", false, REPAIR },
	[FINDING_MISSING] = { "file-missing", false,
	    "put the file back from a backup, or else " REPAIR },
	[FINDING_SHORT] = { "file-short", false, REPAIR },
	[FINDING_RECORD] = { "record-wrong", false, REPAIR },
	[FINDING_ACCOUNT] = { "account-wrong", false, REPAIR },
	[FINDING_MESSAGE] = { "message-damaged", false, REPAIR },
	[FINDING_UNNAMED] = { "message-unnamed", false, REPAIR },
	[FINDING_BODY] = { "body-damaged", false, REPAIR },
	[FINDING_DIRECTORY] = { "directory-damaged", false, REPAIR },
	[FINDING_MODE] = { "open-to-others", false, "take the rights of others away (chmod)" },
	[FINDING_NEWER] = { "newer", false, "use the Posthouse that wrote it" },
	[FINDING_DISK] = { "unreadable", false,
	    "look at the disk (dmesg, smartctl), copy it while it reads" },
	[FINDING_TORN] = { "torn-tail", true, "nothing: it goes when the log is next written" },
	[FINDING_LEFTOVER] = { "leftover", true, "nothing" },
	[FINDING_PASSWORD] = { "no-password", true, "`posthouse account passwd ADDRESS`" },
};

const char *finding_word(enum finding_kind kind)
{
	return kinds[kind].word;
}

const char *finding_advice(enum finding_kind kind)
{
	return kinds[kind].advice;
}

bool finding_is_note(enum finding_kind kind)
{
	return kinds[kind].note;
}

static void tell(struct finder *finder, struct finding *finding, const char *path,
    const char *format, va_list args)
{
	snprintf(finding->path, sizeof finding->path, "%s%s", finder->folder, path);
	vsnprintf(finding->text, sizeof finding->text, format, args);
	finder->tell(finder, finding);
}

void finder_tell(struct finder *finder, struct finding *finding, const char *path,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(finder, finding, path, format, args);
	va_end(args);
}

void finder_count(struct finder *finder, uint64_t *damage, struct finding *finding,
    const char *path, const char *format, va_list args)
{
	*damage += !finding_is_note(finding->kind);
	tell(finder, finding, path, format, args);
}

void finder_read(struct finder *finder, const char *path, uint64_t bytes)
{
	if (finder->read != NULL)
		finder->read(finder, path, bytes);
}
