/* role/web_tagged.c - routes of tags. */
#include "api/bodies.h"
#include "api/list.h"
#include "role/web_api.h"
#include "role/web_events.h"
#include "role/web_keep.h"
#include "role/web_mail.h"

static void fault(struct web *web, struct http_request *request, const struct api_fault *f)
{
	web_answer_text(web, request, f->status, f->text);
}

void web_tags(struct http_call *call)
{
	struct buffer out = buffer_init(call->web->heap, WEB_ANSWER_MAX);
	struct api_json j = api_json_begin(&out);

	api_json_open(&j, '[');
	for (const struct web_tag *tag = call->web->index->tags; tag != NULL; tag = tag->next)
		api_json_text(&j, NULL, web_tag_name(tag));
	api_json_close(&j, ']');
	if (api_json_end(&j, true))
		web_answer(call->web, call->request, 200, "application/json", &out);
	else
		web_answer_text(call->web, call->request, 413, "These are too many tags");
	buffer_free(&out);
}

static void changed(void *context, struct web_entry *entry)
{
	entry->tagged = true;
	web_keep(context, entry, KEEP_TAGS);
}

static void set_tags(struct web *web, slice id, const struct api_tags *tags)
{
	struct web_entry *entry = index_find_name(web->index, id);

	if (entry == NULL || !entry->listed)
		return;
	index_set_tags(web->index, entry, tags->names, tags->n);
	changed(web, entry);
	web_tell_tags(web, entry);
}

void web_tags_put(struct http_call *call)
{
	struct arena arena = arena_init(call->web->heap, API_BODY_ARENA_MAX + WEB_TAGS_ARENA_MAX);
	struct api_texts ids, names;
	struct api_tags tags = { 0 };
	struct api_fault f;

	if (!api_tags_body(call->request->body, &arena, &ids, &names, &f)) {
		fault(call->web, call->request, &f);
		arena_reset(&arena);
		return;
	}
	for (size_t i = 0; i < names.n; i++)
		api_tags_add(&tags, names.texts[i], &arena);
	for (size_t i = 0; i < ids.n; i++)
		set_tags(call->web, ids.texts[i], &tags);
	web_keep_answer(call->web, call->request);
	arena_reset(&arena);
}

static void no_such_tag(struct http_call *call, slice name)
{
	struct api_fault f;

	(void)api_fault_set(&f, 400, "tag not found: %.*s", slice_arg(name));
	fault(call->web, call->request, &f);
}

void web_tag_rename(struct http_call *call)
{
	struct arena arena = arena_init(call->web->heap, API_BODY_ARENA_MAX);
	struct web_tag *tag = index_tag(call->web->index, call->match.arguments[0]), *other;
	struct api_fault f;
	slice name;

	if (!api_name_body(call->request->body, &arena, &name, &f)) {
		fault(call->web, call->request, &f);
	} else if (tag == NULL) {
		no_such_tag(call, call->match.arguments[0]);
	} else if ((other = index_tag(call->web->index, name)) != NULL && other != tag) {
		(void)api_fault_set(&f, 400, "tag already exists: %.*s", slice_arg(name));
		fault(call->web, call->request, &f);
	} else {
		index_rename_tag(call->web->index, tag, name, changed, call->web);
		web_tell_pruned(call->web);
		web_keep_answer(call->web, call->request);
	}
	arena_reset(&arena);
}

void web_tag_delete(struct http_call *call)
{
	struct web_tag *tag = index_tag(call->web->index, call->match.arguments[0]);

	if (tag == NULL) {
		no_such_tag(call, call->match.arguments[0]);
		return;
	}
	index_rename_tag(call->web->index, tag, (slice){ 0 }, changed, call->web);
	web_tell_pruned(call->web);
	web_keep_answer(call->web, call->request);
}
