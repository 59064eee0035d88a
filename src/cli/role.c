/* cli/role.c - posthouse role NAME INDEX: what the keeper runs for each role. */
#include <stdint.h>

#include "cli/commands.h"
#include "os/os_uv.h"
#include "role/role.h"

static int run(const struct cli_args *args)
{
	const struct os_program *program = role_program_named(slice_from(args->words[0]));
	uint64_t index;

	if (program == NULL || !slice_to_u64(slice_from(args->words[1]), UINT16_MAX, &index))
		return cli_misuse("role: there is no role %s %s; the keeper starts roles, "
		    "nobody else", args->words[0], args->words[1]);
	return os_uv_role(program, (unsigned)index);
}

const struct cli_command cli_role = {
	.name = "role",
	.words = "NAME INDEX",
	.words_min = 2,
	.words_max = 2,
	.summary = "one role of a running server; only the keeper starts it",
	.hidden = true,
	.run = run,
};
