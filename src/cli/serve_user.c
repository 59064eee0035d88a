/* cli/serve_user.c - whom root becomes. */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "cli/serve.h"

bool serve_user_find(const struct setting *setting, bool demo, struct arena *arena,
    const struct complaint *to, int64_t *ret_uid, int64_t *ret_gid)
{
	slice user = setting->config->user;
	const struct passwd *row;
	const char *name;

	*ret_uid = -1;
	*ret_gid = -1;
	if (geteuid() != 0 || user.len == 0)
		return true;
	name = slice_cstr(arena, user);
	row = getpwnam(name);
	if (row == NULL && demo)
		row = getpwnam("nobody");       /* nobody set up a user to try it */
	if (row == NULL) {
		complain(to, "user \"%s\"%s does not exist; make it with: useradd --system %s",
		    name, setting_where(setting, arena, "user",
		        config_line(setting->config, "user")), name);
		return false;
	}
	*ret_uid = row->pw_uid;
	*ret_gid = row->pw_gid;
	return true;
}

bool serve_user(struct serve *s)
{
	if (!serve_user_find(&s->setting, s->demo, &s->arena, &s->to, &s->uid, &s->gid))
		return false;
	return s->uid < 0 || data_give(&s->data, (unsigned)s->uid, (unsigned)s->gid, &s->to);
}
