/* api/bodies.c - a few members each. */
#include "api/bodies.h"

#include "api/tags.h"
#include "base/limits.h"

static bool texts(const struct api_value *root, const char *name, struct arena *arena,
    struct api_texts *ret, struct api_fault *fault)
{
	return api_value_texts(root, name, arena, &ret->texts, &ret->n, fault);
}

bool api_read_body(slice body, struct arena *arena, struct api_read_body *ret,
    struct api_fault *fault)
{
	struct api_read_body read = { 0 };
	struct api_value *root;
	bool ok;

	if (!api_json_read(body, &root, fault))
		return false;
	ok = api_value_bool(root, "Read", &read.read, fault) &&
	    texts(root, "IDs", arena, &read.ids, fault) &&
	    api_value_text(root, "Search", &read.search, fault);
	read.search = slice_copy(arena, read.search);
	api_value_free(root);
	if (ok && read.ids.n > 0 && read.search.len > 0)
		return api_fault_set(fault, 400,
		    "You may specify either IDs or a search query, not both");
	if (ok)
		*ret = read;
	return ok;
}

static bool is_blank(slice body)
{
	for (size_t i = 0; i < body.len; i++) {
		unsigned char c = body.ptr[i];

		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			return false;
	}
	return true;
}

bool api_ids_body(slice body, struct arena *arena, struct api_texts *ret,
    struct api_fault *fault)
{
	struct api_texts ids = { 0 };
	struct api_value *root;
	bool ok;

	if (is_blank(body)) {
		*ret = ids;
		return true;
	}
	if (!api_json_read(body, &root, fault))
		return false;
	ok = texts(root, "IDs", arena, &ids, fault);
	api_value_free(root);
	if (ok)
		*ret = ids;
	return ok;
}

bool api_tags_body(slice body, struct arena *arena, struct api_texts *ret_ids,
    struct api_texts *ret_tags, struct api_fault *fault)
{
	struct api_texts ids, tags;
	struct api_value *root;
	bool ok;

	if (!api_json_read(body, &root, fault))
		return false;
	ok = texts(root, "IDs", arena, &ids, fault) && texts(root, "Tags", arena, &tags, fault);
	api_value_free(root);
	if (ok) {
		*ret_ids = ids;
		*ret_tags = tags;
	}
	return ok;
}

bool api_name_body(slice body, struct arena *arena, slice *ret_name, struct api_fault *fault)
{
	unsigned char room[API_TAG_MAX];
	struct api_value *root;
	slice name, clean;
	bool ok;

	if (!api_json_read(body, &root, fault))
		return false;
	ok = api_value_text(root, "Name", &name, fault);
	if (ok && !api_tag_clean(name, room, &clean))
		ok = api_fault_set(fault, 400, "invalid tag name: %.*s",
		    (int)(name.len < API_TAG_MAX ? name.len : API_TAG_MAX), (const char *)name.ptr);
	else if (ok)
		*ret_name = slice_copy(arena, clean);
	api_value_free(root);
	return ok;
}
