/* role/web_routes.c - which path is whose in a mock's API. */
#include "role/web_api.h"
#include "role/web_events.h"
#include "role/web_settle.h"
#include "role/web_wait.h"

#define V1 "/api/v1"
#define OURS "/api/posthouse/v1"

static const struct http_route routes[] = {
	{ "GET", V1 "/messages", web_list },
	{ "PUT", V1 "/messages", web_set_read },
	{ "DELETE", V1 "/messages", web_delete },
	{ "GET", V1 "/search", web_search },
	{ "DELETE", V1 "/search", web_delete_found },

	{ "GET", V1 "/message/{id}", web_message },
	{ "GET", V1 "/message/{id}/headers", web_headers },
	{ "GET", V1 "/message/{id}/raw", web_raw },
	{ "GET", V1 "/message/{id}/part/{part}", web_part },
	{ "GET", V1 "/message/{id}/part/{part}/thumb", web_thumb },
	{ "GET", "/view/{name}", web_view },

	{ "POST", V1 "/send", web_send },

	{ "GET", V1 "/tags", web_tags },
	{ "PUT", V1 "/tags", web_tags_put },
	{ "PUT", V1 "/tags/{tag}", web_tag_rename },
	{ "DELETE", V1 "/tags/{tag}", web_tag_delete },

	{ "GET", V1 "/info", web_info },
	{ "GET", V1 "/webui", web_ui },
	{ "GET", V1 "/chaos", web_chaos },
	{ "PUT", V1 "/chaos", web_chaos },
	{ "GET", V1 "/swagger.json", web_swagger },
	{ "GET", "/api/events", web_events },

	{ "GET", OURS "/wait", web_wait },
	{ "GET", OURS "/hosts", web_hosts },
	{ "GET", OURS "/mailboxes", web_mailboxes },
	{ "GET", OURS "/openapi.json", web_openapi },
	{ "GET", OURS "/message/{id}/lint", web_lint },
	{ "GET", OURS "/message/{id}/envelope", web_envelope },
	{ "GET", OURS "/message/{id}/parts", web_parts },
	{ "GET", OURS "/message/{id}/journey", web_journey },
	{ "GET", OURS "/message/{id}/transcript", web_transcript },
};

/* Marks and tags are the page's own. */
static bool changes_mail(const struct http_route *route)
{
	return route->answer == web_delete || route->answer == web_delete_found ||
	    route->answer == web_send;
}

static bool is_api(const struct http_target *target)
{
	slice first = target->segments[0];

	return slice_equal(first, slice_lit("api")) ||
	    (slice_equal(first, slice_lit("view")) && target->n_segments == 2 &&
	    (slice_equal(target->segments[1], slice_lit("latest")) ||
	    slice_ends(target->segments[1], slice_lit(".html")) ||
	    slice_ends(target->segments[1], slice_lit(".txt"))));
}

bool web_api(struct http_call *call)
{
	struct web *web = call->web;
	struct http_request *request = call->request;
	struct http_match *match = &call->match;

	if (web->index == NULL || !is_api(&request->target))
		return false;
	if (slice_equal(request->method, slice_lit("OPTIONS"))) {
		web_answer_text(web, request, 200, "");
		return true;
	}
	http_route_find(routes, sizeof routes / sizeof *routes, request->method,
	    &request->target, match);
	if (match->route == NULL)
		return false;
	if (web->frame.config->lab && changes_mail(match->route))
		web_answer_text(web, request, 403, "A lab's mail is to be looked at: it is sent by SMTP "
		    "and deleted by POP3");
	else if (!web_knows_all(web))
		web_answer_text(web, request, 503, WEB_AWAY);
	else if (match->route->answer == web_events)
		web_events(call);
	else
		web_settle(call);
	return true;
}
