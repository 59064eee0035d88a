/* api/posthouse.h - what our own API, /api/posthouse/v1, says of one message: what is wrong
 * with it, its envelope, its parts. Pure; each as api/message.h has it. The file that
 * describes the API is src/api/openapi.json (api/openapi.h). */
#ifndef API_POSTHOUSE_H
#define API_POSTHOUSE_H

#include "api/mail.h"
#include "mail/lint.h"

/* {"id","findings":[{"rule","severity","where","clause","words","remedy"}],
 *  "errors","warnings","hints"}: mail/lint.h of the message, of how it was sent, and of
 * where the two disagree. `raw` without our own trace fields is the caller's to give. */
bool api_lint_json(slice id, const struct lint *lint, struct buffer *out)
    __attribute__((warn_unused_result));

/* The same from the message: our trace (Return-Path, Delivered-To and Received fields at
 * its top) is passed over. now_s: since 1970. */
bool api_mail_lint_json(const struct api_mail *mail, const struct api_facts *facts,
    int64_t now_s, struct buffer *out) __attribute__((warn_unused_result));

/* {"id","mailbox","sender","recipients":[],"login","smtputf8","received","size"} */
bool api_envelope_json(const struct api_facts *facts, struct buffer *out)
    __attribute__((warn_unused_result));

/* {"id","parts":[{"part","parent","depth","type","charset","encoding","disposition","name",
 *  "content_id","size","lines","use":[],"defects":[{"name","words"}]}]}: all parts in
 * their order, API_TREE_MAX at most; parent is an index, -1 for the root; part is "" inside
 * of an attached message. */
bool api_parts_json(const struct api_mail *mail, slice id, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
