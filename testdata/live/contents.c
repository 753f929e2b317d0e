/*
 * contents: a data file, mapped for reading and open for reading; most of its
 * pages are looked at only in the end, so they are what the file holds by then.
 */
#include "maps.h"

#define PG 4096
#define N (64 * PG)

static unsigned char made[N];

int main(int argc, char **argv)
{
	char path[220];
	unsigned char *map, byte = 0;
	struct fx_who who;
	int fd, w;

	fx_begin(argc, argv);
	snprintf(path, sizeof(path), "%s/data", fx_dir);
	fx_fill(made, N, 5);
	MUST((w = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)) >= 0);
	MUST(write(w, made, N) == N && !close(w));
	MUST((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0);
	map = mmap(NULL, N, PROT_READ, MAP_PRIVATE, fd, 0);
	MUST(map != MAP_FAILED && map[0] == made[0]);
	MUST(lseek(fd, 3 * PG, SEEK_SET) == 3 * PG);
	fx_enter("root");
	fx_who_get(&who);
	fx_maps_save();
	fx_ready();
	fx_wait_go();
	fx_maps_check();
	fx_who_check(&who, 0);
	if (fx_broken("data")) {
		byte = ~made[40 * PG];
		MUST((w = open(path, O_WRONLY | O_CLOEXEC)) >= 0 && pwrite(w, &byte, 1, 40 * PG) == 1 && !close(w));
	}
	CHECK(!memcmp(map, made, N), "the mapped file has other contents");
	CHECK(read(fd, &byte, 1) == 1 && byte == made[3 * PG], "the open file has other contents, or another offset");
	return fx_finish();
}
