/* api/json_read.c - counted first, then jansson's. struct api_value is its json_t. */
#include "api/json_read.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "mail/utf8.h"

static const json_t *of(const struct api_value *value)
{
	return (const json_t *)(const void *)value;
}

static const struct api_value *from(const json_t *value)
{
	return (const struct api_value *)(const void *)value;
}

bool api_fault_set(struct api_fault *fault, unsigned status, const char *format, ...)
{
	va_list args;
	slice rest;
	size_t n;

	va_start(args, format);
	vsnprintf(fault->text, sizeof fault->text, format, args);
	va_end(args);
	fault->status = status;
	/* Control characters, and what is no UTF-8, as a cut may leave it. */
	for (rest = slice_from(fault->text); rest.len > 0; rest = slice_drop(rest, n)) {
		char *at = fault->text + (rest.ptr - (const unsigned char *)fault->text);

		n = utf8_length(rest);
		if (n == 0 || (n == 1 && (*at < ' ' || *at == 127)))
			*at = '?';
		n = n == 0 ? 1 : n;
	}
	return false;
}

/* ---- bounds ---- */

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* How deep and how many values at most, whatever else it is. */
static bool is_bounded(slice body)
{
	size_t depth = 0, values = 0;
	bool quoted = false;

	for (size_t i = 0; i < body.len; i++) {
		unsigned char c = body.ptr[i];

		if (quoted) {
			if (c == '\\')
				i++;
			quoted = c != '"';
			continue;
		}
		quoted = c == '"';
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
		values += c == '{' || c == '[' || c == ',';
		if (depth > API_JSON_DEPTH_MAX || values > API_JSON_VALUES_MAX)
			return false;
	}
	return true;
}

bool api_json_read(slice body, struct api_value **ret_root, struct api_fault *fault)
{
	json_error_t error;
	json_t *root;
	size_t blanks = 0;

	while (blanks < body.len && is_blank(body.ptr[blanks]))
		blanks++;
	if (blanks == body.len)
		return api_fault_set(fault, 400, "EOF");
	if (!is_bounded(body))
		return api_fault_set(fault, 400, "JSON: too many values, or too deep in each other");
	root = json_loadb((const char *)body.ptr, body.len, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL |
	    JSON_DECODE_ANY, &error);
	if (root == NULL && json_error_code(&error) == json_error_premature_end_of_input)
		return api_fault_set(fault, 400, "unexpected EOF");
	if (root == NULL)
		return api_fault_set(fault, 400, "JSON, line %d: %s", error.line, error.text);
	if (!json_is_object(root)) {
		json_decref(root);
		return api_fault_set(fault, 400, "JSON: an object was expected");
	}
	*ret_root = (struct api_value *)(void *)root;
	return true;
}

void api_value_free(struct api_value *root)
{
	json_decref((json_t *)(void *)root);
}

/* ---- members ---- */

const struct api_value *api_value_member(const struct api_value *object, const char *name)
{
	/* jansson's walk wants what is not const, and changes nothing. */
	json_t *all = (json_t *)(uintptr_t)of(object), *value, *found = NULL;
	const char *key;

	json_object_foreach(all, key, value) {
		if (slice_equal_ascii(slice_from(key), slice_from(name)))
			found = value;
	}
	return found == NULL || json_is_null(found) ? NULL : from(found);
}

static bool wrong(struct api_fault *fault, const char *name, const char *kind)
{
	return api_fault_set(fault, 400, "JSON: %s must be %s", name, kind);
}

bool api_value_is_text(const struct api_value *value, slice *ret_text)
{
	if (!json_is_string(of(value)))
		return false;
	*ret_text = slice_of(json_string_value(of(value)), json_string_length(of(value)));
	return true;
}

bool api_value_is_object(const struct api_value *value)
{
	return json_is_object(of(value));
}

bool api_value_text(const struct api_value *object, const char *name, slice *ret_text,
    struct api_fault *fault)
{
	const struct api_value *value = api_value_member(object, name);

	if (value == NULL)
		*ret_text = (slice){ 0 };
	else if (!api_value_is_text(value, ret_text))
		return wrong(fault, name, "a string");
	return true;
}

bool api_value_bool(const struct api_value *object, const char *name, bool *ret_value,
    struct api_fault *fault)
{
	const struct api_value *value = api_value_member(object, name);

	if (value != NULL && !json_is_boolean(of(value)))
		return wrong(fault, name, "true or false");
	*ret_value = value != NULL && json_is_true(of(value));
	return true;
}

bool api_value_object(const struct api_value *object, const char *name,
    const struct api_value **ret_object, struct api_fault *fault)
{
	const struct api_value *value = api_value_member(object, name);

	if (value != NULL && !json_is_object(of(value)))
		return wrong(fault, name, "an object");
	*ret_object = value;
	return true;
}

bool api_value_array(const struct api_value *object, const char *name,
    const struct api_value **ret_array, size_t *ret_n, struct api_fault *fault)
{
	const struct api_value *value = api_value_member(object, name);

	if (value != NULL && !json_is_array(of(value)))
		return wrong(fault, name, "an array");
	*ret_array = value;
	*ret_n = json_array_size(of(value));
	return true;
}

const struct api_value *api_value_at(const struct api_value *array, size_t i)
{
	const json_t *value = json_array_get(of(array), i);

	return value == NULL || json_is_null(value) ? NULL : from(value);
}

bool api_value_texts(const struct api_value *object, const char *name, struct arena *arena,
    slice **ret_texts, size_t *ret_n, struct api_fault *fault)
{
	const struct api_value *array;
	slice *texts;
	size_t n;

	if (!api_value_array(object, name, &array, &n, fault))
		return false;
	texts = arena_new(arena, slice, n);
	for (size_t i = 0; i < n; i++) {
		const struct api_value *value = api_value_at(array, i);
		slice text = { 0 };

		if (value != NULL && !api_value_is_text(value, &text))
			return wrong(fault, name, "an array of strings");
		texts[i] = slice_copy(arena, text);
	}
	*ret_texts = texts;
	*ret_n = n;
	return true;
}

bool api_value_next(const struct api_value *object, void **at, slice *ret_name,
    slice *ret_text)
{
	json_t *all = (json_t *)(uintptr_t)of(object);

	*at = *at == NULL ? json_object_iter(all) : json_object_iter_next(all, *at);
	if (*at == NULL)
		return false;
	*ret_name = slice_from(json_object_iter_key(*at));
	*ret_text = (slice){ 0 };
	(void)api_value_is_text(from(json_object_iter_value(*at)), ret_text);
	return true;
}
