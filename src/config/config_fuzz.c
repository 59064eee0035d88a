/* config/config_fuzz.c - any text as posthouse.conf; mutated by the line.
 *
 * For: config/config.c config/config_value.c
 *
 * Holds: there are faults, each of a line that is there, in words; or a configuration
 * that keeps its limits and prints as one that reads and prints the same. */
#include "fuzz_lines.h"

#include "base/limits.h"
#include "config/config.h"

static const char *const texts[] = {
	"hostname = mx.example.org\n", "data = /var/lib/posthouse\n", "user = posthouse\n",
	"domains = example.org, \xc3\xbc.example\n", "listen.smtp = 127.0.0.1:25, [::1]:25\n",
	"listen.submission = 0.0.0.0:587\n", "listen.submissions = [::]:465\n",
	"listen.pop3 = 127.0.0.1:110\n", "listen.pop3s =\n", "message.size = 50M\n",
	"journal.size = 1G\n", "journal.segment = 64M\n", "edges = 2\n", "stores = 4\n",
	"tls.certificate = /etc/a.pem\n", "tls.key = /etc/k.pem\n", "password.memory = 64M\n",
	"session.timeout = 5m\n", "drain = 30s\n", "greeting.delay = 200ms\n", "# comment\n",
	"hostnam = x\n", "key\n", "= 7\n", "\n",
};
static const struct fuzz_lines lines = { 0, texts, sizeof texts / sizeof texts[0] };
FUZZ_LINES_MUTATORS(lines)

static slice print(struct heap *heap, const struct config *config)
{
	struct buffer out = buffer_init(heap, CONFIG_TEXT_MAX);

	config_print(config, &out);
	return buffer_bytes(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena arena = arena_init(heap, 2 * CONFIG_ARENA_MAX);
	struct config config, again;
	struct config_error error, errors[4];
	size_t n, n_lines = 1;
	slice in;

	if (len > CONFIG_FILE_MAX) {
		heap_drop(heap);
		return 0;
	}
	in = fuzz_copy(slice_of(data, len));
	n = config_parse(in, &arena, &config, errors, 4);
	for (size_t i = 0; i < len; i++)
		n_lines += data[i] == '\n';
	for (size_t i = 0; i < n && i < 4; i++)
		check(errors[i].line <= n_lines && errors[i].text[0] != 0);
	if (n == 0) {
		slice text = print(heap, &config);

		check(config_parse(text, &arena, &again, &error, 1) == 0);
		check(slice_equal(print(heap, &again), text));
	}
	fuzz_free(in);
	heap_drop(heap);
	return 0;
}
