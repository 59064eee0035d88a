/* role/web_gzip.c - answers in gzip (RFC 1952) for who takes it.
 *
 * A short one is made here, a long one on the pool; where that is too much, or saves
 * nothing, an answer goes as it is. */
#include <string.h>
#include <zlib.h>

#include "base/check.h"
#include "http/assets.h"
#include "role/web_impl.h"

enum { LEVEL = 1, GZIP = 16 + MAX_WBITS, MEMORY = 8, FIELDS = 16 };

/* An answer that is made smaller. */
struct packing {
	struct os_work work;
	struct web *web;
	struct http_request *request;
	struct arena arena;             /* what of the answer was borrowed */
	struct http_answer answer;
	struct http_field fields[FIELDS];
	struct buffer in, out;
	bool ok;
};

/* Pictures and archives are small already. */
static bool is_text(const char *type)
{
	static const char *const kinds[] = { "text/", "application/json", "image/svg" };

	for (size_t i = 0; type != NULL && i < sizeof kinds / sizeof *kinds; i++) {
		if (strncmp(type, kinds[i], strlen(kinds[i])) == 0)
			return true;
	}
	return false;
}

static bool pays(const struct web *web, const struct http_request *request,
    const struct http_answer *answer, size_t len)
{
	slice accepts;

	return web->frame.config->mock && web->frame.config->mock_compression &&
	    len >= WEB_GZIP_MIN && is_text(answer->type) && answer->status == 200 &&
	    answer->n_fields + 2 <= FIELDS &&
	    http_header(request, "Accept-Encoding", &accepts) && http_accepts_gzip(accepts);
}

/* Into what `out` has reserved. False: it would not fit. Safe on the pool. */
static bool pack(slice in, unsigned char *out, size_t size, size_t *ret_n)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.ptr, .avail_in = (uInt)in.len,
	    .next_out = out, .avail_out = (uInt)size };
	bool ok;

	if (deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	ok = deflate(&z, Z_FINISH) == Z_STREAM_END;
	*ret_n = size - z.avail_out;
	deflateEnd(&z);
	return ok;
}

static void answer_packed(struct http_request *request, struct http_answer *answer,
    struct http_field *fields, struct buffer *out)
{
	fields[answer->n_fields++] = (struct http_field){ "Content-Encoding",
	    slice_lit("gzip") };
	answer->fields = fields;
	answer->taken = out;
	http_answer(request, answer);
	buffer_free(out);
}

static void add_vary(struct http_answer *answer, struct http_field *fields)
{
	if (answer->n_fields > 0)
		memcpy(fields, answer->fields, answer->n_fields * sizeof *fields);
	fields[answer->n_fields++] = (struct http_field){ "Vary", slice_lit("Accept-Encoding") };
	answer->fields = fields;
}

/* ---- here ---- */

static void answer_here(struct web *web, struct http_request *request,
    const struct http_answer *given, slice body)
{
	struct http_field fields[FIELDS];
	struct http_answer answer = *given;
	size_t size = body.len - body.len / 8, n;
	struct buffer out = buffer_init(web->heap, size);

	add_vary(&answer, fields);
	if (pack(body, buffer_reserve(&out, size), size, &n)) {
		buffer_filled(&out, n);
		answer_packed(request, &answer, fields, &out);
		if (given->taken != NULL)
			buffer_free(given->taken);
		return;
	}
	buffer_free(&out);
	http_answer(request, &answer);
}

/* ---- on the pool ---- */

static void run_on_pool(struct os_work *work)
{
	struct packing *p = work->owner;
	size_t n;

	p->ok = pack(buffer_bytes(&p->in), p->out.ptr, p->out.capacity, &n);
	if (p->ok)
		p->out.end = n;
}

static void done_on_loop(struct os_work *work)
{
	struct packing *p = work->owner;
	struct web *web = p->web;

	web->n_packing--;
	if (p->ok) {
		answer_packed(p->request, &p->answer, p->fields, &p->out);
	} else {
		p->answer.taken = &p->in;
		http_answer(p->request, &p->answer);
	}
	buffer_free(&p->in);
	buffer_free(&p->out);
	arena_reset(&p->arena);
	heap_free(web->heap, p);
}

static void copy_fields(struct packing *p)
{
	add_vary(&p->answer, p->fields);
	for (size_t i = 0; i < p->answer.n_fields; i++) {
		p->fields[i].name = slice_cstr(&p->arena, slice_from(p->fields[i].name));
		p->fields[i].value = slice_copy(&p->arena, p->fields[i].value);
	}
	p->answer.type = slice_cstr(&p->arena, slice_from(p->answer.type));
	p->answer.body = (slice){ 0 };
	p->answer.taken = NULL;
}

static void answer_later(struct web *web, struct http_request *request,
    const struct http_answer *given, slice body)
{
	struct packing *p = heap_new(web->heap, struct packing);
	size_t size = body.len / 2;

	p->web = web;
	p->request = request;
	p->arena = arena_init(web->heap, FIELDS * (HTTP_FIELD_MAX + 64));
	p->answer = *given;
	copy_fields(p);
	if (given->taken != NULL) {
		p->in = *given->taken;
		*given->taken = buffer_init(web->heap, p->in.size_max);
	} else {
		p->in = buffer_init(web->heap, body.len);
		buffer_add(&p->in, body);
	}
	p->out = buffer_init(web->heap, size);
	(void)buffer_reserve(&p->out, size);
	p->work = (struct os_work){ .run = run_on_pool, .done = done_on_loop, .owner = p };
	web->n_packing++;
	os_work_start(web->os, &p->work);
}

void web_gzip_answer(struct web *web, struct http_request *request,
    const struct http_answer *answer)
{
	slice body = answer->taken != NULL ? buffer_bytes(answer->taken) : answer->body;

	if (!pays(web, request, answer, body.len))
		http_answer(request, answer);
	else if (body.len <= WEB_GZIP_HERE)
		answer_here(web, request, answer, body);
	else if (web->n_packing < WEB_GZIP_RUNNING)
		answer_later(web, request, answer, body);
	else
		http_answer(request, answer);
}
