/* role/web_page.c - the page (web/), served from the program, with what a browser lets it do.
 *
 * Mail is written by strangers: the page runs scripts of ours only, none of a text, and
 * loads nothing from elsewhere. A message's HTML stands in a frame with a policy of its
 * own, in which no script runs at all (web/view_html.js). */
#include <string.h>

#include "http/assets.h"
#include "role/web_impl.h"

enum { PAGE_MAX = 1024 * 1024 };        /* with a path some dozen times in it */

static const char page_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

#define FRAME_SANDBOX "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; " \
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"

static const struct {
	const char *name, *policy;
} policies[] = {
	{ "index.html", page_policy },
	{ "frame.html", "default-src 'none'; img-src blob: data:; style-src 'unsafe-inline'; "
	    "font-src data:; " FRAME_SANDBOX },
	/* A file that somebody opens alone. */
	{ NULL, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'" },
};

/* Of "frame.html?remote", once somebody asked for what is elsewhere. */
static const char remote_policy[] = "default-src 'none'; img-src blob: data: http: https:; "
    "style-src 'unsafe-inline' http: https:; font-src data: http: https:; " FRAME_SANDBOX;

static const char *policy_of(const struct http_asset *asset, const struct http_target *target)
{
	size_t i = 0;
	slice value;

	if (strcmp(asset->name, "frame.html") == 0 && http_target_get(target, "remote", &value))
		return remote_policy;
	while (policies[i].name != NULL && strcmp(policies[i].name, asset->name) != 0)
		i++;
	return policies[i].policy;
}

/* What the page names by a path of its own, below the web root. */
static void put_below_root(slice page, slice root, struct buffer *out)
{
	slice mark = slice_lit("=\"/");

	while (page.len > 0) {
		size_t at = slice_find(page, mark);

		buffer_add(out, slice_head(page, at));
		page = slice_drop(page, at);
		if (page.len == 0)
			break;
		buffer_add(out, slice_lit("=\""));
		buffer_add(out, root);
		page = slice_drop(page, mark.len);
	}
}

static void serve(struct http_call *call, const struct http_asset *asset)
{
	struct http_field fields[9] = {
		{ "Content-Security-Policy", slice_from(policy_of(asset,
		    &call->request->target)) },
		{ "Referrer-Policy", slice_lit("no-referrer") },
		{ "X-Content-Type-Options", slice_lit("nosniff") },
		{ "Cross-Origin-Resource-Policy", slice_lit("same-origin") },
		/* Links in mail are not looked up before somebody follows them. */
		{ "X-DNS-Prefetch-Control", slice_lit("off") },
		{ "Cache-Control", slice_lit("no-cache") },
		{ "Vary", slice_lit("Accept-Encoding") },
		{ "ETag", slice_from(asset->tag) },
	};
	struct http_answer answer = { .status = 200, .type = asset->type, .fields = fields,
		.n_fields = 8, .body = asset->bytes };
	slice value, root = web_root(call->web);
	struct buffer moved = buffer_init(call->web->heap, PAGE_MAX);

	if (root.len > 1 && strcmp(asset->name, "index.html") == 0)
		put_below_root(asset->bytes, root, &moved);
	if (http_header(call->request, "If-None-Match", &value) &&
	    http_tag_matches(value, asset->tag)) {
		answer.status = 304;
		answer.type = NULL;
		answer.body = slice_lit("");
	} else if (buffer_bytes(&moved).len > 0) {
		answer.taken = &moved;
	} else if (call->web->frame.config->mock_compression &&
	    http_header(call->request, "Accept-Encoding", &value) &&
	    http_accepts_gzip(value)) {
		fields[answer.n_fields++] = (struct http_field){ "Content-Encoding",
		    slice_lit("gzip") };
		answer.body = asset->gzip;
	}
	call->web->n_requests++;
	http_answer(call->request, &answer);
	buffer_free(&moved);
}

/* Only a mock and a lab have what the page shows. */
static void find_and_serve(struct http_call *call, slice name)
{
	const struct http_asset *asset = http_asset_find(name);

	if (asset == NULL || !config_shows_mail(call->web->frame.config))
		web_answer_text(call->web, call->request, 404, "404 page not found");
	else
		serve(call, asset);
}

void web_page(struct http_call *call)
{
	find_and_serve(call, slice_lit("index.html"));
}

void web_asset(struct http_call *call)
{
	find_and_serve(call, call->match.arguments[0]);
}
