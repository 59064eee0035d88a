/* role/web_about.c - routes about the mock itself. */
#include "api/json.h"
#include "api/openapi.h"
#include "role/web_api.h"

enum { ABOUT_MAX = 4 * 1024 * 1024 };   /* a thousand mailboxes, or tags */

static void answer(struct http_call *call, struct api_json *j, struct buffer *out)
{
	if (api_json_end(j, true))
		web_answer(call->web, call->request, 200, "application/json", out);
	else
		web_answer_text(call->web, call->request, 413, "There are too many");
	buffer_free(out);
}

static void add_tags(const struct web *web, struct api_json *j)
{
	api_json_name(j, "Tags");
	api_json_open(j, '{');
	for (const struct web_tag *tag = web->index->tags; tag != NULL; tag = tag->next) {
		api_json_name_of(j, web_tag_name(tag));
		api_json_number(j, NULL, tag->refs);
	}
	api_json_close(j, '}');
}

/* Of the process there is no figure that would mean anything to who asks: what the web's
 * own heap holds. */
static void add_runtime(const struct web *web, struct api_json *j)
{
	api_json_name(j, "RuntimeStats");
	api_json_open(j, '{');
	api_json_number(j, "Uptime", (os_wall_us(web->os) - web->start_us) / 1000000);
	api_json_number(j, "Memory", (int64_t)heap_used(web->heap));
	api_json_number(j, "MessagesDeleted", (int64_t)web->n_deleted);
	api_json_number(j, "SMTPAccepted", (int64_t)web_counter(web, COUNTER_EDGE_ACCEPTED));
	api_json_number(j, "SMTPAcceptedSize",
	    (int64_t)web_counter(web, COUNTER_EDGE_ACCEPTED_BYTES));
	api_json_number(j, "SMTPRejected",
	    (int64_t)web_counter(web, COUNTER_EDGE_REJECTED));
	api_json_number(j, "SMTPIgnored", 0);
	api_json_close(j, '}');
}

/* Where it was told to listen, for who has to send something first. A port that the kernel
 * chose is not known here. */
static void add_listen(const struct web *web, struct api_json *j)
{
	static const struct {
		enum service service;
		const char *name;
	} told[] = {
		{ SERVICE_SMTP, "SMTP" }, { SERVICE_SUBMISSIONS, "SMTPS" }, { SERVICE_POP3, "POP3" },
		{ SERVICE_IMAP, "IMAP" },
	};
	const struct config *config = web->frame.config;
	char text[OS_ADDRESS_TEXT];

	api_json_name(j, "Listen");
	api_json_open(j, '{');
	for (size_t t = 0; t < sizeof told / sizeof *told; t++) {
		size_t i = 0;

		while (i < config->n_listeners && config->listeners[i].service != told[t].service)
			i++;
		if (i == config->n_listeners || config->listeners[i].address.port == 0)
			continue;
		os_address_print(&config->listeners[i].address, text, sizeof text);
		api_json_word(j, told[t].name, text);
	}
	api_json_close(j, '}');
}

void web_info(struct http_call *call)
{
	const struct web *web = call->web;
	struct buffer out = buffer_init(web->heap, ABOUT_MAX);
	struct api_json j = api_json_begin(&out);
	uint64_t size = 0;

	for (size_t i = 0; i < web->index->n_listed; i++)
		size += index_at(web->index, i)->size;
	api_json_open(&j, '{');
	api_json_word(&j, "Version", POSTHOUSE_VERSION);
	api_json_word(&j, "LatestVersion", "disabled");
	api_json_text(&j, "Database", web->frame.config->data);
	api_json_number(&j, "DatabaseSize", (int64_t)size);
	api_json_number(&j, "Messages", (int64_t)web->index->n_listed);
	api_json_number(&j, "Unread", (int64_t)web->index->n_unread);
	add_tags(web, &j);
	add_runtime(web, &j);
	add_listen(web, &j);
	api_json_close(&j, '}');
	answer(call, &j, &out);
}

/* Nothing is relayed, checked or refused on purpose. */
void web_ui(struct http_call *call)
{
	struct buffer out = buffer_init(call->web->heap, ABOUT_MAX);
	struct api_json j = api_json_begin(&out);

	api_json_open(&j, '{');
	api_json_word(&j, "Label", "");
	api_json_name(&j, "MessageRelay");
	api_json_open(&j, '{');
	api_json_bool(&j, "Enabled", false);
	api_json_word(&j, "SMTPServer", "");
	api_json_word(&j, "ReturnPath", "");
	api_json_word(&j, "AllowedRecipients", "");
	api_json_word(&j, "BlockedRecipients", "");
	api_json_word(&j, "OverrideFrom", "");
	api_json_bool(&j, "PreserveMessageIDs", false);
	api_json_word(&j, "RecipientAllowlist", "");
	api_json_close(&j, '}');
	api_json_bool(&j, "SpamAssassin", false);
	api_json_bool(&j, "ChaosEnabled", false);
	api_json_bool(&j, "DuplicatesIgnored", false);
	api_json_bool(&j, "HideDeleteAllButton", false);
	api_json_close(&j, '}');
	answer(call, &j, &out);
}

void web_chaos(struct http_call *call)
{
	web_answer_text(call->web, call->request, 400, "Chaos is not enabled");
}

static void answer_file(struct http_call *call, slice file)
{
	web_answer_as(call->web, call->request, &(struct http_answer){ .status = 200,
	    .type = "application/json", .body = file }, NULL);
}

void web_openapi(struct http_call *call)
{
	answer_file(call, api_openapi());
}

void web_swagger(struct http_call *call)
{
	answer_file(call, api_swagger());
}

/* ---- a lab's hosts ---- */

size_t web_lab_hosts(const struct web *web, struct web_host ret_hosts[WEB_HOSTS_MAX])
{
	const struct config *config = web->frame.config;
	slice rest = config->lab ? config->lab_hosts : (slice){ 0 };
	size_t n = 0;

	while (rest.len > 0 && n < WEB_HOSTS_MAX) {
		slice address = slice_cut(&rest, ',');
		slice name = slice_cut(&address, '=');

		ret_hosts[n++] = (struct web_host){ name, address,
		    config->n_domains > 0 && slice_equal_ascii(name, config->domains[0]) };
	}
	return n;
}

/* {"Hosts":[{"Name","URL","Here"}]}; none in a mock, which is alone. */
void web_hosts(struct http_call *call)
{
	const struct web *web = call->web;
	struct buffer out = buffer_init(web->heap, ABOUT_MAX), url = buffer_init(web->heap, ABOUT_MAX);
	struct web_host hosts[WEB_HOSTS_MAX];
	size_t n = web_lab_hosts(web, hosts);
	struct api_json j = api_json_begin(&out);

	api_json_open(&j, '{');
	api_json_name(&j, "Hosts");
	api_json_open(&j, '[');
	for (size_t i = 0; i < n; i++) {
		buffer_truncate(&url, 0);
		buffer_printf(&url, "http://%.*s/", slice_arg(hosts[i].address));
		api_json_open(&j, '{');
		api_json_text(&j, "Name", hosts[i].name);
		api_json_text(&j, "URL", buffer_bytes(&url));
		api_json_bool(&j, "Here", hosts[i].here);
		api_json_close(&j, '}');
	}
	api_json_close(&j, ']');
	api_json_close(&j, '}');
	buffer_free(&url);
	answer(call, &j, &out);
}

/* ---- mailboxes ---- */

static void count(struct web *web)
{
	for (struct web_mailbox *m = web->mailboxes; m != NULL; m = m->next)
		m->n = m->n_unread = 0;
	for (size_t i = 0; i < web->index->n_listed; i++) {
		const struct web_entry *entry = index_at(web->index, i);
		struct web_mailbox *m = web_mailbox_of(web, entry->account);

		if (m == NULL)
			continue;
		m->n++;
		m->n_unread += !entry->read;
	}
}

/* {"Mailboxes":[{"Name","Messages","Unread"}]} */
void web_mailboxes(struct http_call *call)
{
	const struct web *web = call->web;
	struct buffer out = buffer_init(web->heap, ABOUT_MAX);
	struct api_json j = api_json_begin(&out);

	count(call->web);
	api_json_open(&j, '{');
	api_json_name(&j, "Mailboxes");
	api_json_open(&j, '[');
	for (const struct web_mailbox *m = web->mailboxes; m != NULL; m = m->next) {
		api_json_open(&j, '{');
		api_json_text(&j, "Name", m->name);
		api_json_number(&j, "Messages", (int64_t)m->n);
		api_json_number(&j, "Unread", (int64_t)m->n_unread);
		api_json_close(&j, '}');
	}
	api_json_close(&j, ']');
	api_json_close(&j, '}');
	answer(call, &j, &out);
}
