/* cli/setting.c - finds, reads and overrides posthouse.conf. */
#include "cli/setting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/file.h"

enum { FAULTS_SHOWN = 20 };

static const char *const places[] = { "/etc/posthouse/posthouse.conf", "posthouse.conf" };

static void say_stderr(void *context, const char *line)
{
	fprintf(stderr, "posthouse: %s\n", line);
}

const struct complaint complain_stderr = { say_stderr, NULL };

void complain(const struct complaint *to, const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	to->say(to->context, line);
}

/* ---- the file ---- */

static const char *find_file(const struct cli_args *args)
{
	const char *given = cli_value(args, "--config");

	if (given != NULL)
		return given;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (access(places[i], F_OK) == 0)
			return places[i];
	}
	return NULL;
}

static bool read_text(const char *path, struct buffer *text, const struct complaint *to)
{
	int result = file_read(AT_FDCWD, path, text);

	if (result == -EFBIG)
		complain(to, "%s: the file is larger than %d bytes", path, CONFIG_FILE_MAX);
	else if (result < 0)
		complain(to, "cannot read %s: %s", path, strerror(-result));
	return result == 0;
}

/* ---- what the command line says ---- */

static void override(struct buffer *text, slice key, slice value)
{
	struct buffer changed = buffer_init(text->heap, text->size_max);

	config_override(buffer_bytes(text), key, value, &changed);
	buffer_free(text);
	*text = changed;
}

static bool override_all(const struct cli_args *args, struct buffer *text,
    const struct complaint *to)
{
	const char *data = cli_value(args, "--data"), *pair;
	size_t given = strlen(data ? data : "");

	for (size_t i = 0; (pair = cli_value_at(args, "--set", i)) != NULL; i++)
		given += strlen(pair) + sizeof " = \n";
	if (given > CONFIG_FILE_MAX) {
		complain(to, "what --set and --data give is longer than %d bytes",
		    CONFIG_FILE_MAX);
		return false;
	}
	if (data != NULL)
		override(text, slice_lit("data"), slice_from(data));
	for (size_t i = 0; (pair = cli_value_at(args, "--set", i)) != NULL; i++) {
		slice value = slice_from(pair), key;

		if (slice_find_byte(value, '=') == value.len) {
			char shown[64];

			complain(to, "--set wants KEY=VALUE, not \"%s\"",
			    text_printable(value, shown, sizeof shown));
			return false;
		}
		key = slice_cut(&value, '=');
		override(text, slice_trim(key), slice_trim(value));
	}
	return true;
}

/* ---- the whole ---- */

const char *setting_place(const struct setting *setting, struct arena *arena, unsigned line)
{
	if (line > setting->file_lines)
		return "on the command line: ";
	if (setting->built_in)
		return "";
	return (const char *)(line > 0 ? arena_printf(arena, "%s:%u: ", setting->path, line) :
	    arena_printf(arena, "%s: ", setting->path)).ptr;
}

static bool parse(slice text, struct arena *arena, const struct complaint *to,
    struct setting *setting)
{
	struct config_error errors[FAULTS_SHOWN];
	size_t n;

	setting->config = arena_new(arena, struct config, 1);
	n = config_parse(slice_copy(arena, text), arena, setting->config, errors,
	    FAULTS_SHOWN);
	for (size_t i = 0; i < n && i < FAULTS_SHOWN; i++)
		complain(to, "%s%s", setting_place(setting, arena, errors[i].line),
		    errors[i].text);
	if (n > FAULTS_SHOWN)
		complain(to, "%s: %zu more faults", setting->path, n - FAULTS_SHOWN);
	return n == 0;
}

static unsigned count_lines(slice text)
{
	unsigned n = 0;

	for (; text.len > 0; n++)
		slice_cut(&text, '\n');
	return n;
}

bool setting_read(const struct cli_args *args, const char *preset, const char *fallback,
    struct arena *arena, const struct complaint *to, struct setting *ret_setting)
{
	const char *path = preset == NULL ? find_file(args) : NULL;
	const char *inner = preset != NULL ? preset : fallback;
	struct setting setting = { .path = path != NULL ? path : "the preset configuration",
	    .built_in = path == NULL };
	/* The file, what the command line adds, and newlines. */
	struct buffer text = buffer_init(arena->heap, 3 * CONFIG_FILE_MAX);
	bool ok = true;

	if (path == NULL && inner == NULL) {
		complain(to, "there is no %s and no posthouse.conf here; write one with the line "
		    "\"hostname = mail.example.org\", or try `posthouse serve --demo`",
		    places[0]);
		return false;
	}
	if (path != NULL) {
		text.size_max = CONFIG_FILE_MAX;
		ok = read_text(path, &text, to);
		text.size_max = 3 * CONFIG_FILE_MAX;
	} else {
		buffer_add(&text, slice_from(inner));
	}
	setting.file_lines = count_lines(buffer_bytes(&text));
	ok = ok && override_all(args, &text, to) &&
	    parse(buffer_bytes(&text), arena, to, &setting);
	buffer_free(&text);
	if (ok)
		*ret_setting = setting;
	return ok;
}

const char *setting_where(const struct setting *setting, struct arena *arena, const char *key,
    unsigned line)
{
	slice text;

	if (line == 0)
		text = arena_printf(arena, " (%s, the default)", key);
	else if (line > setting->file_lines)
		text = arena_printf(arena, " (%s, on the command line)", key);
	else if (setting->built_in)
		text = arena_printf(arena, " (%s)", key);
	else
		text = arena_printf(arena, " (%s, %s:%u)", key, setting->path, line);
	return (const char *)text.ptr;
}
