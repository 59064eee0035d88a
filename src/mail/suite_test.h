/* mail/suite_test.h - reading the suites of others, for tests only: JSON files
 * with an array "cases". */
#ifndef MAIL_SUITE_TEST_H
#define MAIL_SUITE_TEST_H

#include <jansson.h>
#include <stdio.h>

#include "unit.h"

/* The array of suite NAME, or NULL when the suites are not there. Give it back
 * with json_decref(*ret_root). */
static inline json_t *suite_cases(const char *name, json_t **ret_root)
{
	const char *root = getenv("POSTHOUSE_SUITES");
	json_error_t error;
	char path[512];

	snprintf(path, sizeof path, "%s/%s/cases.json", root ? root : "../shared/suites", name);
	*ret_root = json_load_file(path, JSON_ALLOW_NUL, &error);
	if (*ret_root == NULL)
		print_message("# %s: not here, 0 cases run\n", name);
	return *ret_root ? json_object_get(*ret_root, "cases") : NULL;
}

static inline slice suite_text(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return slice_of(json_string_value(value), json_string_length(value));
}

static inline bool suite_listed(const char *const *names, size_t n, slice name)
{
	for (size_t i = 0; i < n; i++) {
		if (slice_equal(slice_from(names[i]), name))
			return true;
	}
	return false;
}

#endif
