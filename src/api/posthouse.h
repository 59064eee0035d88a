/* api/posthouse.h - what our own API, /api/posthouse/v1, says of one message: what is wrong
 * with it, its envelope, its parts. Pure; each as api/message.h has it. The file that
 * describes the API is src/api/openapi.json (api/openapi.h). */
#ifndef API_POSTHOUSE_H
#define API_POSTHOUSE_H

#include "api/mail.h"
#include "mail/lint.h"

/* {"ID","Findings":[{"Name","Severity","Where","Line","Clause","Text","Remedy"}],"Errors",
 *  "Warnings","Hints"}: what mail/lint.h found; Line is 0 where it is none. */
bool api_lint_json(slice id, const struct lint *lint, struct buffer *out)
    __attribute__((warn_unused_result));

/* The same from the message, how it was sent, and where the two disagree. Our trace
 * (Return-Path, Delivered-To and Received at its top) is passed over: Where counts lines
 * without it, Line those of the source. now_s: since 1970. */
bool api_mail_lint_json(const struct api_mail *mail, const struct api_facts *facts,
    int64_t now_s, struct buffer *out) __attribute__((warn_unused_result));

/* {"ID","Mailbox","From","To":[],"Login","SMTPUTF8","Received","Size"}; addresses as text. */
bool api_envelope_json(const struct api_facts *facts, struct buffer *out)
    __attribute__((warn_unused_result));

/* {"ID","Parts":[{"PartID","Parent","Depth","ContentType","Charset","Encoding",
 *  "Disposition","FileName","ContentID","Size","Lines","Use":[],"Defects":[{"Name","Text"}]}]}:
 * all parts in their order, API_TREE_MAX at most; Parent is an index, -1 for the root; PartID
 * is "" inside of an attached message. */
bool api_parts_json(const struct api_mail *mail, slice id, struct buffer *out)
    __attribute__((warn_unused_result));

/* How long `wait` may take: "30s", "500ms", "2m", or "10", which are seconds. False: none of
 * these. */
bool api_wait_read(slice text, uint64_t *ret_ms) __attribute__((warn_unused_result));

#endif
