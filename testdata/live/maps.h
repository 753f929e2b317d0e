/* maps.h: the layout of the own address space, remembered and compared. */
#ifndef FX_MAPS_H
#define FX_MAPS_H
#include "fx.h"

#define FX_MAPS_MAX 4000
struct fx_map {
	unsigned long a, b, off;
	char prot[8], name[128], flags[120];
};
static struct fx_map fx_maps_was[FX_MAPS_MAX], fx_maps_is[FX_MAPS_MAX];
static int fx_maps_nwas, fx_maps_nis;
static char fx_maps_raw[4 << 20];

static inline int fx_map_follows(const struct fx_map *p, const struct fx_map *m)
{
	int anon = !m->name[0] || m->name[0] == '[';

	return p->b == m->a && !strcmp(p->prot, m->prot) && !strcmp(p->name, m->name) && !strcmp(p->flags, m->flags) &&
	       (anon || p->off + (p->b - p->a) == m->off);
}

/*
 * smaps without what may differ: device and inode numbers, figures, the
 * soft-dirty flag; neighbours that the kernel might as well have joined are one.
 */
static inline int fx_maps_read(struct fx_map *out)
{
	char *line, *save = NULL, *q;
	struct fx_map m;
	int n = 0;

	MUST(fx_slurp("/proc/self/smaps", fx_maps_raw, sizeof(fx_maps_raw)) > 0);
	for (line = strtok_r(fx_maps_raw, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char dev[16], prot[8];
		unsigned long a, b, off, ino;
		int used = 0;

		if (!strncmp(line, "VmFlags:", 8)) {
			while ((q = strstr(line, " sd")))
				memmove(q, q + 3, strlen(q + 3) + 1);
			snprintf(m.flags, sizeof(m.flags), "%s", line + 9);
			if (n && fx_map_follows(&out[n - 1], &m))
				out[n - 1].b = m.b;
			else if (n < FX_MAPS_MAX)
				out[n++] = m;
		} else if (sscanf(line, "%lx-%lx %7s %lx %15s %lu %n", &a, &b, prot, &off, dev, &ino, &used) >= 6 && used) {
			memset(&m, 0, sizeof(m));
			m.a = a;
			m.b = b;
			m.off = off;
			strcpy(m.prot, prot);
			snprintf(m.name, sizeof(m.name), "%s", line + used);
			if (m.name[0] == '/' && strstr(m.name, "(deleted)") && strncmp(m.name, "/dev/zero", 9) && strncmp(m.name, "/memfd:", 7))
				strncpy(m.name, "a deleted file", sizeof(m.name)); /* and zeroes: entries are compared as bytes */
		}
	}
	return n;
}

static inline void fx_maps_save(void)
{
	fx_maps_nwas = fx_maps_read(fx_maps_was); /* the buffers' pages come to be */
	fx_maps_nwas = fx_maps_read(fx_maps_was);
}

static inline int fx_maps_have(const struct fx_map *v, int n, const struct fx_map *m)
{
	while (n--)
		if (!memcmp(&v[n], m, sizeof(*m)))
			return 1;
	return 0;
}

static inline void fx_maps_compare(const char *what, const struct fx_map *a, int na, const struct fx_map *b, int nb)
{
	int shown = 0;

	for (int i = 0; i < na && shown < 8; i++)
		if (!fx_maps_have(b, nb, &a[i])) {
			CHECK(0, "mapping %s: %lx-%lx %s %lx %s %s", what, a[i].a, a[i].b, a[i].prot, a[i].off, a[i].name, a[i].flags);
			shown++;
		}
}

/*
 * Report each mapping that is gone or new. FX_MAPPED says that memory may have
 * come back as mappings of the image, and so look like files.
 */
static inline void fx_maps_check(void)
{
	if (getenv("FX_MAPPED"))
		return;
	fx_maps_nis = fx_maps_read(fx_maps_is);
	fx_maps_compare("is gone", fx_maps_was, fx_maps_nwas, fx_maps_is, fx_maps_nis);
	fx_maps_compare("is new", fx_maps_is, fx_maps_nis, fx_maps_was, fx_maps_nwas);
}
#endif
