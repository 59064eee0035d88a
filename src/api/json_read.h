/* api/json_read.h - bodies of requests as JSON, read as Go's encoding/json reads them into
 * a struct: names of members have no case, of several that are alike the last counts,
 * unknown ones are passed over, null and what is missing are empty, and what stands behind
 * the first value is not looked at. Pure; the reading itself is jansson's.
 *
 * Bounded before jansson sees a byte: API_JSON_DEPTH_MAX, API_JSON_VALUES_MAX. What is no
 * UTF-8 is refused. */
#ifndef API_JSON_READ_H
#define API_JSON_READ_H

#include "base/arena.h"

/* Why a request is refused: a status, and words in UTF-8 without control characters. */
enum { API_FAULT_TEXT = 512 };

struct api_fault {
	unsigned status;                /* 400 or 413 */
	char text[API_FAULT_TEXT];
};

/* The words, cut to fit, control characters as "?"; returns false, to be returned. */
bool api_fault_set(struct api_fault *fault, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A value of jansson's tree. */
struct api_value;

/* body must hold an object first. Blanks alone are the fault "EOF", a body that ends too
 * early is "unexpected EOF". *ret_root: give it back with api_value_free(). */
bool api_json_read(slice body, struct api_value **ret_root, struct api_fault *fault)
    __attribute__((warn_unused_result));
void api_value_free(struct api_value *root);    /* NULL is allowed */

/* The member of an object, NULL: none, or null. Borrowed from the root. */
const struct api_value *api_value_member(const struct api_value *object, const char *name);

/* These want the member to be of that kind; without one, the empty value. False: it is of
 * another, and *fault names it. Text is borrowed from the root; it may hold NUL. */
bool api_value_text(const struct api_value *object, const char *name, slice *ret_text,
    struct api_fault *fault) __attribute__((warn_unused_result));
bool api_value_bool(const struct api_value *object, const char *name, bool *ret_value,
    struct api_fault *fault) __attribute__((warn_unused_result));
bool api_value_object(const struct api_value *object, const char *name,
    const struct api_value **ret_object, struct api_fault *fault)
    __attribute__((warn_unused_result));
/* An array: how many are in it. */
bool api_value_array(const struct api_value *object, const char *name,
    const struct api_value **ret_array, size_t *ret_n, struct api_fault *fault)
    __attribute__((warn_unused_result));

const struct api_value *api_value_at(const struct api_value *array, size_t i);
bool api_value_is_object(const struct api_value *value);        /* NULL: no */
bool api_value_is_text(const struct api_value *value, slice *ret_text);

/* An array of texts, copied to `arena`. null in it is an empty text. */
bool api_value_texts(const struct api_value *object, const char *name, struct arena *arena,
    slice **ret_texts, size_t *ret_n, struct api_fault *fault)
    __attribute__((warn_unused_result));

/* The members of an object whose values are texts, one after the other: *at starts at
 * NULL. False at the end. A value that is no text has ptr NULL. */
bool api_value_next(const struct api_value *object, void **at, slice *ret_name,
    slice *ret_text);

#endif
