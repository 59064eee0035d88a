/* cli/structure.c - posthouse structure: the parts of a message, and what IMAP says of it. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "imap/describe.h"
#include "mail/mime_view.h"
#include "mail/shown.h"

enum { DESCRIPTION_MAX = 64 * 1024 * 1024, NAMES_MAX = FILENAME_BYTES_MAX + 1 };

/* What strangers wrote, as one line. */
static void print_shown(slice text, struct heap *heap)
{
	unsigned char *line = heap_alloc(heap, text.len + 1);

	if (text.len > 0)
		memcpy(line, text.ptr, text.len);
	fwrite(line, 1, shown_line(line, text.len), stdout);
	heap_free(heap, line);
}

static const char *use_of(uint8_t uses)
{
	if (uses & MIME_USE_ATTACHMENT)
		return "attachment";
	if (uses & MIME_USE_HTML)
		return "shown as HTML";
	if (uses & MIME_USE_TEXT)
		return "shown as text";
	return uses & MIME_USE_INLINE ? "inline" : "";
}

static void print_part(const struct mime *m, size_t i, uint8_t uses, struct charsets *charsets,
    struct heap *heap)
{
	struct arena arena = arena_init(heap, NAMES_MAX);
	const struct mime_part *part = &m->parts[i];
	slice name = mime_filename(part, charsets, &arena);
	char section[MIME_SECTION_MAX];

	mime_section(m, i, section);
	printf("%-8s %*s", section[0] != '\0' ? section : "(all)", 2 * part->depth, "");
	print_shown(part->type.type, heap);
	printf("/");
	print_shown(part->type.subtype, heap);
	if (name.len > 0) {
		printf(" \"");
		print_shown(name, heap);
		printf("\"");
	}
	printf(", %zu bytes", part->body.len);
	if (part->decoded != part->body.len)
		printf(", decoded %zu", part->decoded);
	printf("%s%s\n", use_of(uses)[0] != '\0' ? ", " : "", use_of(uses));
	arena_reset(&arena);
}

/* ENVELOPE, then BODYSTRUCTURE. */
static void print_imap(const struct mime *m, struct heap *heap)
{
	struct buffer out = buffer_init(heap, DESCRIPTION_MAX);
	struct imap_writer w = { .out = &out };

	imap_put_envelope(&w, m->parts[0].header, heap);
	printf("\nENVELOPE ");
	print_shown(buffer_bytes(&out), heap);
	buffer_truncate(&out, 0);
	imap_put_structure(&w, m, true, heap);
	printf("\n\nBODYSTRUCTURE ");
	print_shown(buffer_bytes(&out), heap);
	printf("%s\n", w.full ? " ... (too long)" : "");
}

static int run(const struct cli_args *args)
{
	struct heap *heap = heap_create(4 * (size_t)COMPOSE_MESSAGE_MAX + DESCRIPTION_MAX);
	struct buffer text = buffer_init(heap, COMPOSE_MESSAGE_MAX);
	struct arena arena = arena_init(heap, MIME_ARENA_MAX + MIME_PARTS_MAX);
	struct charsets *charsets = charsets_create(heap);
	struct mime m;
	const uint8_t *uses;
	char shown[64];
	int result = file_read_named(args->words[0], &text);

	if (result < 0) {
		heap_drop(heap);
		return cli_fail("cannot read %s: %s", text_printable(slice_from(args->words[0]),
		    shown, sizeof shown), strerror(-result));
	}
	m = mime_parse(buffer_bytes(&text), &arena);
	uses = mime_uses(&m, charsets, &arena);
	for (size_t i = 0; i < m.n; i++)
		print_part(&m, i, uses[i], charsets, heap);
	if (cli_flag(args, "--imap"))
		print_imap(&m, heap);
	heap_drop(heap);
	return CLI_OK;
}

const struct cli_command cli_structure = {
	.name = "structure",
	.words = "FILE | -",
	.words_min = 1,
	.words_max = 1,
	.summary = "the parts of a message, and what IMAP says of it",
	.details =
	    "FILE is a message as it goes over the wire, header and body; - reads it from\n"
	    "standard input. Each part has a line: its number (RFC 9051 section 6.4.5), its media\n"
	    "type, the name of its file, its size as it stands and decoded, and what a mail\n"
	    "program makes of it. `posthouse lint` says what is wrong with it.\n",
	.options = {
		{ "--imap", NULL, "And what a server's answer to FETCH says: ENVELOPE and "
		    "BODYSTRUCTURE (RFC 9051 section 7.5.2)." },
	},
	.run = run,
};
