/*
 * For programs whose children each set something else of one kind of state: all
 * read the whole of it, before and after.
 */
#include "fx.h"

struct kind {
	const char *role;
	void (*set)(void);
};

/*
 * Runs a child of each of n kinds, and gives the exit status of the root. look
 * reads the state; judge reads it again and compares, of a child of kind own, or
 * of the root, which has set nothing: NULL.
 */
static inline int fx_kinds(const struct kind *k, int n, void (*look)(void), void (*judge)(const struct kind *own))
{
	pid_t p[n];

	for (int i = 0; i < n; i++)
		if (!(p[i] = fork())) {
			fx_enter(k[i].role);
			k[i].set();
			look();
			fx_append(fx_path_roles, "%s-set", k[i].role);
			fx_wait_go();
			judge(&k[i]);
			if (!fx_fails)
				fx_append(fx_path_result, "ok %s-set", k[i].role);
			fx_leave();
		}
	fx_await_roles(2 * n);
	fx_enter("root");
	look();
	fx_ready();
	fx_wait_go();
	judge(NULL);
	for (int i = 0; i < n; i++)
		fx_join(p[i], k[i].role);
	return fx_finish();
}
