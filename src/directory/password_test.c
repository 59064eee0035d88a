/* directory/password_test.c - hashes made here and brought from elsewhere. */
#include "directory/password.h"

#include <stdio.h>

#include "unit.h"

static const unsigned char salt[PASSWORD_SALT_LEN] = "0123456789abcde";

static void verifies_what_it_made(void **state)
{
	static const slice passwords[] = {
		slice_lit("secret"), slice_lit(""), slice_lit("p\xc3\xa4ss w\xc3\xb6rd"),
	};

	for (size_t i = 0; i < 3; i++) {
		struct password_hash hash, again;

		assert_true(password_hash(passwords[i], PASSWORD_MEMORY_MIN, salt, &hash));
		assert_true(password_hash(passwords[i], PASSWORD_MEMORY_MIN, salt, &again));
		assert_string_equal(hash.text, again.text);
		for (size_t j = 0; j < 3; j++)
			assert_int_equal(password_verify(passwords[j], slice_from(hash.text)),
			    i == j ? PASSWORD_RIGHT : PASSWORD_WRONG);
	}
}

static void makes_the_strong_text(void **state)
{
	struct password_hash hash;

	assert_true(password_hash(slice_lit("secret"), 64 << 20, salt, &hash));
	assert_true(slice_starts(slice_from(hash.text),
	    slice_lit("$argon2id$v=19$m=65536,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlAA$")));
	assert_int_equal(password_verify(slice_lit("secret"), slice_from(hash.text)),
	    PASSWORD_RIGHT);
}

/* Made with the commands named; the password is "secret". */
static const struct {
	const char *name, *hash;
} imported[] = {
	{ "openssl passwd -6",
	    "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72"
	    "N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG." },
	{ "openssl passwd -5",
	    "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM." },
	{ "bcrypt by crypt(3)",
	    "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a" },
	{ "yescrypt by crypt(3)",
	    "$y$j75$abcdefgh$uMUXG79B2cFpoAYyDccUnsaH/aGTyBYMlnQidzyag01" },
};

static void verifies_imported(void **state)
{
	for (size_t i = 0; i < sizeof(imported) / sizeof(imported[0]); i++) {
		slice hash;

		if (!password_import(slice_from(imported[i].hash), &hash) ||
		    password_verify(slice_lit("secret"), hash) != PASSWORD_RIGHT ||
		    password_verify(slice_lit("Secret"), hash) != PASSWORD_WRONG)
			fail_msg("%s", imported[i].name);
	}
}

static const struct {
	const char *text, *hash;        /* NULL: refused */
} imports[] = {
	{ "{CRYPT}$6$salt$hash", "$6$salt$hash" },
	{ " $6$salt$hash ", "$6$salt$hash" },
	{ "{ARGON2ID}$argon2id$v=19$m=1,t=1,p=1$a$b", "$argon2id$v=19$m=1,t=1,p=1$a$b" },
	{ "$2y$05$abc", "$2y$05$abc" },
	{ "$6$", NULL },
	{ "$1$salt$hash", NULL },
	{ "{PLAIN}secret", NULL },
	{ "{CRYPT", NULL },
	{ "abJnggxhB/yWI", NULL },
	{ "$6$sa lt$hash", NULL },
	{ "", NULL },
};

static void imports_known_schemes(void **state)
{
	for (size_t i = 0; i < sizeof(imports) / sizeof(imports[0]); i++) {
		slice text = guarded_copy(slice_from(imports[i].text)), hash;
		bool known = password_import(text, &hash);

		if (known != (imports[i].hash != NULL))
			fail_msg("%s", imports[i].text);
		if (known)
			assert_slice(hash, slice_from(imports[i].hash));
		guarded_free(text);
	}
}

static void refuses_what_is_no_hash(void **state)
{
	static unsigned char longest[PASSWORD_HASH_MAX + 1];
	static unsigned char password[PASSWORD_MAX + 1];
	struct password_hash hash;

	memset(longest, 'a', sizeof(longest));
	memset(password, 'a', sizeof(password));
	assert_int_equal(password_verify(slice_lit("x"), slice_lit("")), PASSWORD_FAILED);
	assert_int_equal(password_verify(slice_lit("x"), slice_lit("$6")), PASSWORD_FAILED);
	assert_int_equal(password_verify(slice_lit("x"), slice_of(longest, sizeof(longest))),
	    PASSWORD_FAILED);
	assert_int_not_equal(password_verify(slice_lit("x"), slice_lit("$argon2id$v=19$nonsense")),
	    PASSWORD_RIGHT);
	assert_true(password_hash(slice_lit("a"), PASSWORD_MEMORY_MIN, salt, &hash));
	assert_int_equal(password_verify(slice_lit("a\0b"), slice_from(hash.text)), PASSWORD_WRONG);
	assert_int_equal(password_verify(slice_of(password, sizeof(password)),
	    slice_from(hash.text)), PASSWORD_WRONG);
}

static void generates_words(void **state)
{
	unsigned char random[PASSWORD_RANDOM_LEN];
	char password[PASSWORD_GENERATED_LEN];

	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (unsigned char)(i * 13);
	password_generate(random, password);
	assert_int_equal(strlen(password), PASSWORD_GENERATED_LEN - 1);
	assert_string_equal(password, "0dt7m-1ev8n-2fw9p-3gxaq");
}

UNIT_TESTS(cmocka_unit_test(verifies_what_it_made), cmocka_unit_test(makes_the_strong_text),
    cmocka_unit_test(verifies_imported), cmocka_unit_test(imports_known_schemes),
    cmocka_unit_test(refuses_what_is_no_hash), cmocka_unit_test(generates_words))
