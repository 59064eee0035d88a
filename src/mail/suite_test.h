/* mail/suite_test.h - reading the suites of others, for tests only: JSON files
 * with an array "cases". */
#ifndef MAIL_SUITE_TEST_H
#define MAIL_SUITE_TEST_H

#include <jansson.h>
#include <stdio.h>

#include "unit.h"

/* Where the suites are. Skips the test, which holds nothing yet, when they are not here. */
static inline const char *suites(void)
{
	const char *root = getenv("POSTHOUSE_SUITES");

	root = root ? root : "../shared/suites";
	if (access(root, R_OK) < 0) {
		print_message("# %s is not here: 0 cases run\n", root);
		skip();
	}
	return root;
}

/* The array of suite NAME. Give it back with json_decref(*ret_root). */
static inline json_t *suite_cases(const char *name, json_t **ret_root)
{
	json_error_t error;
	char path[512];

	snprintf(path, sizeof path, "%s/%s/cases.json", suites(), name);
	*ret_root = json_load_file(path, JSON_ALLOW_NUL, &error);
	if (*ret_root == NULL)
		fail_msg("%s: %s", path, error.text);
	return json_object_get(*ret_root, "cases");
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
