/* api/send.c - a body of /send, judged member by member in Mailpit's order. */
#include "api/send_impl.h"

#include <string.h>

#include "api/json.h"
#include "base/limits.h"
#include "mail/utf8.h"

struct reading {
	const struct api_value *root;
	struct arena *arena;
	struct api_fault *fault;
	struct send send;
	struct api_send result;
};

/* For "%.*s" of a fault: cut, and without the NUL that would end it. */
#define SHOWN(s) (int)((s).len < 200 ? (s).len : 200), (const char *)((s).len > 0 ? (s).ptr : (const unsigned char *)"")

static bool fail(struct reading *r, const char *format, slice about)
{
	return api_fault_set(r->fault, 400, format, SHOWN(about));
}

/* ---- values ---- */

/* One line of UTF-8 that may stand in a header. */
static bool is_line(slice text)
{
	if (text.len > COMPOSE_VALUE_MAX || !utf8_valid(text))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if ((text.ptr[i] < ' ' && text.ptr[i] != '\t') || text.ptr[i] == 127)
			return false;
	}
	return true;
}

static bool read_line(struct reading *r, const struct api_value *object, const char *name,
    slice *ret)
{
	if (!api_value_text(object, name, ret, r->fault))
		return false;
	if (!is_line(*ret))
		return api_fault_set(r->fault, 400, "invalid %s: a line end or another control character is"
		    " in it, or it is too long", name);
	return true;
}

/* ---- addresses ---- */

static bool add_recipient(struct reading *r, slice address)
{
	for (size_t i = 0; i < r->result.n_recipients; i++) {
		if (slice_equal(r->result.recipients[i], address))
			return true;
	}
	if (r->result.n_recipients == API_SEND_RECIPIENTS_MAX)
		return api_fault_set(r->fault, 400, "too many recipients: there may be %d",
		    API_SEND_RECIPIENTS_MAX);
	r->result.recipients[r->result.n_recipients++] = slice_copy(r->arena, address);
	r->result.utf8 = r->result.utf8 || !slice_is_ascii(address);
	return true;
}

static bool is_address(slice text)
{
	struct compose_mailbox mailbox = { .address = text };

	return text.len > 0 && compose_judge_mailbox(&mailbox) == COMPOSE_OK;
}

static bool read_mailbox(struct reading *r, const struct api_value *object,
    struct compose_mailbox *ret)
{
	if (!read_line(r, object, "Name", &ret->name) ||
	    !api_value_text(object, "Email", &ret->address, r->fault))
		return false;
	ret->address = slice_trim(ret->address);
	return true;
}

/* [{"Name","Email"}] of that name; label: as the fault calls it. */
static bool read_list(struct reading *r, const char *name, const char *label,
    struct send_list *ret)
{
	const struct api_value *array;
	size_t n;

	if (!api_value_array(r->root, name, &array, &n, r->fault))
		return false;
	if (n > API_SEND_RECIPIENTS_MAX)
		return api_fault_set(r->fault, 400, "too many %s addresses: there may be %d", label,
		    API_SEND_RECIPIENTS_MAX);
	ret->list = arena_new(r->arena, struct compose_mailbox, n);
	for (ret->n = 0; ret->n < n; ret->n++) {
		const struct api_value *object = api_value_at(array, ret->n);
		struct compose_mailbox *mailbox = &ret->list[ret->n];

		if (!api_value_is_object(object))
			return api_fault_set(r->fault, 400, "JSON: %s must be an array of objects", name);
		if (!read_mailbox(r, object, mailbox))
			return false;
		if (!is_address(mailbox->address))
			return api_fault_set(r->fault, 400, "invalid %s address: %.*s", label,
			    SHOWN(mailbox->address));
	}
	return true;
}

static bool add_recipients(struct reading *r, const struct send_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!add_recipient(r, list->list[i].address))
			return false;
	}
	return true;
}

static bool read_bcc(struct reading *r)
{
	const struct api_value *array;
	slice address = { 0 };
	size_t n;

	if (!api_value_array(r->root, "Bcc", &array, &n, r->fault))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct api_value *value = api_value_at(array, i);

		if (value != NULL && !api_value_is_text(value, &address))
			return api_fault_set(r->fault, 400, "JSON: Bcc must be an array of strings");
		address = value != NULL ? slice_trim(address) : (slice){ 0 };
		if (!is_address(address))
			return fail(r, "invalid Bcc address: %.*s", address);
		if (!add_recipient(r, address))
			return false;
	}
	return true;
}

static bool read_from(struct reading *r)
{
	const struct api_value *from;

	if (!api_value_object(r->root, "From", &from, r->fault))
		return false;
	if (from != NULL && !read_mailbox(r, from, &r->send.from))
		return false;
	if (r->send.from.address.len == 0)
		return api_fault_set(r->fault, 400, "error building message: from not set");
	if (!is_address(r->send.from.address))
		return fail(r, "invalid From address: %.*s", r->send.from.address);
	r->result.sender = slice_copy(r->arena, r->send.from.address);
	r->result.utf8 = r->result.utf8 || !slice_is_ascii(r->send.from.address);
	return true;
}

static bool read_addresses(struct reading *r)
{
	r->result.recipients = arena_new(r->arena, slice, API_SEND_RECIPIENTS_MAX);
	return read_list(r, "To", "To", &r->send.to) && add_recipients(r, &r->send.to) &&
	    read_list(r, "Cc", "Cc", &r->send.cc) && add_recipients(r, &r->send.cc) &&
	    read_bcc(r) && read_list(r, "ReplyTo", "Reply-To", &r->send.reply_to);
}

/* ---- tags and headers ---- */

static bool read_tags(struct reading *r)
{
	const struct api_value *array;
	slice tag;
	size_t n;

	if (!api_value_array(r->root, "Tags", &array, &n, r->fault))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct api_value *value = api_value_at(array, i);

		if (value == NULL)
			continue;
		if (!api_value_is_text(value, &tag))
			return api_fault_set(r->fault, 400, "JSON: Tags must be an array of strings");
		api_tags_add(&r->send.tags, tag, r->arena);
	}
	return true;
}

/* RFC 5322 s2.2. */
static bool is_field_name(slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] <= ' ' || name.ptr[i] >= 127 || name.ptr[i] == ':')
			return false;
	}
	return name.len > 0 && name.len <= LINT_WHERE_MAX;
}

static bool is_ours(const struct reading *r, slice name)
{
	static const char *const ours[] = { "To", "From", "Cc", "Bcc", "Reply-To", "Date", "Subject",
		"Content-Type", "Mime-Version", "Content-Transfer-Encoding" };

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		if (slice_equal_ascii(name, slice_from(ours[i])))
			return true;
	}
	return r->send.tags.n > 0 && slice_equal_ascii(name, slice_lit("X-Tags"));
}

static bool read_headers(struct reading *r)
{
	const struct api_value *object;
	void *at = NULL;
	slice name, value;

	if (!api_value_object(r->root, "Headers", &object, r->fault))
		return false;
	r->send.headers = arena_new(r->arena, struct send_header, API_SEND_HEADERS_MAX);
	while (object != NULL && api_value_next(object, &at, &name, &value)) {
		if (is_ours(r, name))
			return fail(r, "cannot overwrite header: \"%.*s\"", name);
		if (!is_field_name(name))
			return fail(r, "invalid header name: \"%.*s\"", name);
		if (value.ptr == NULL || !is_line(value))
			return fail(r, "invalid header value: \"%.*s\"", name);
		if (r->send.n_headers == API_SEND_HEADERS_MAX)
			return api_fault_set(r->fault, 400, "too many headers");
		r->send.headers[r->send.n_headers++] = (struct send_header){ name, value };
	}
	return true;
}

/* ---- files ---- */

static bool is_type_character(unsigned char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    (c != 0 && strchr("!#$&-^_.+", c) != NULL);
}

/* type "/" subtype, and perhaps parameters; printable ASCII. */
static bool is_type(slice text)
{
	size_t type = 0, subtype;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < ' ' || text.ptr[i] > '~')
			return false;
	}
	while (type < text.len && is_type_character(text.ptr[type]))
		type++;
	subtype = type + 1;
	while (subtype < text.len && is_type_character(text.ptr[subtype]))
		subtype++;
	return type > 0 && subtype > type + 1 && text.ptr[type] == '/' && text.len <= API_NAME_MAX &&
	    (subtype == text.len || text.ptr[subtype] == ';' || text.ptr[subtype] == ' ');
}

static bool read_file(struct reading *r, const struct api_value *object, struct send_file *file)
{
	if (!read_line(r, object, "Filename", &file->name) ||
	    !read_line(r, object, "ContentType", &file->type) ||
	    !read_line(r, object, "ContentID", &file->content_id) ||
	    !api_value_text(object, "Content", &file->content, r->fault))
		return false;
	file->type = slice_trim(file->type);
	file->content_id = slice_trim(file->content_id);
	if (file->content_id.len > 0 && file->content_id.ptr[0] == '<' &&
	    file->content_id.ptr[file->content_id.len - 1] == '>')
		file->content_id = slice_sub(file->content_id, 1, file->content_id.len - 2);
	if (file->type.len > 0 && !is_type(file->type))
		return fail(r, "invalid ContentType: \"%.*s\"", file->type);
	for (size_t i = 0; i < file->content_id.len; i++) {
		unsigned char c = file->content_id.ptr[i];

		if (c <= ' ' || c > '~' || c == '<' || c == '>' || file->content_id.len > API_NAME_MAX)
			return fail(r, "invalid ContentID: \"%.*s\"", file->content_id);
	}
	return true;
}

static bool read_files(struct reading *r)
{
	const struct api_value *array;
	size_t n;

	if (!api_value_array(r->root, "Attachments", &array, &n, r->fault))
		return false;
	if (n > API_SEND_FILES_MAX)
		return api_fault_set(r->fault, 400, "too many attachments: there may be %d",
		    API_SEND_FILES_MAX);
	r->send.files = arena_new(r->arena, struct send_file, n);
	for (size_t i = 0; i < n; i++) {
		const struct api_value *object = api_value_at(array, i);

		if (!api_value_is_object(object))
			return api_fault_set(r->fault, 400, "JSON: Attachments must be an array of objects");
		if (!read_file(r, object, &r->send.files[i]))
			return false;
	}
	r->send.n_files = n;
	return true;
}

/* ---- all of it ---- */

static bool read_all(struct reading *r)
{
	if (!read_addresses(r) || !read_line(r, r->root, "Subject", &r->send.subject) ||
	    !api_value_text(r->root, "Text", &r->send.text, r->fault) ||
	    !api_value_text(r->root, "HTML", &r->send.html, r->fault) ||
	    !read_tags(r) || !read_headers(r) || !read_files(r) || !read_from(r))
		return false;
	if (r->result.n_recipients == 0)
		return api_fault_set(r->fault, 400,
		    "error building message: no recipients (to, cc, bcc) set");
	return true;
}

bool api_send_read(slice body, const struct api_send_facts *facts, struct arena *arena,
    struct buffer *out, struct api_send *ret, struct api_fault *fault)
{
	struct reading r = { .arena = arena, .fault = fault, .send = { .facts = facts } };
	size_t before = buffer_bytes(out).len;
	struct api_value *root;
	bool ok;

	if (!api_json_read(body, &root, fault))
		return false;
	r.root = root;
	ok = read_all(&r) && send_write(&r.send, out, fault);
	api_value_free(root);
	if (ok)
		*ret = r.result;
	else
		buffer_truncate(out, before);
	return ok;
}

/* ---- answers ---- */

static bool answer(const char *name, slice value, struct buffer *out)
{
	struct api_json j = api_json_begin(out);

	api_json_open(&j, '{');
	api_json_text(&j, name, value);
	api_json_close(&j, '}');
	return api_json_end(&j, true);
}

bool api_send_answer(slice id, struct buffer *out)
{
	return answer("ID", id, out);
}

bool api_fault_json(const struct api_fault *fault, struct buffer *out)
{
	return answer("Error", slice_from(fault->text), out);
}
