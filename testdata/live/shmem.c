/*
 * shmem: memory shared between processes in less common ways: a mapping of
 * /dev/zero, private and shared; a file of /dev/shm removed while mapped (as
 * sem_unlink and shm_unlink leave it), mapped twice; a semaphore and a robust
 * mutex in it that processes wait for; a mapping of which one process sees
 * another part than the other.
 */
#include "maps.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/auxv.h>

#define PG 4096
struct area {
	sem_t sem, back;
	pthread_mutex_t mx;
	int value;
};
static struct area *a, *twice;
static unsigned char *zero_priv, *zero_shared, *file, *part;

static void child(void)
{
	struct fx_who who;

	fx_name("child");
	fx_who_get(&who);
	fx_maps_save(); /* before anybody captures it with smaps open */
	MUST(!pthread_mutex_lock(&a->mx)); /* dies with it */
	fx_enter("child");
	CHECK(!sem_wait(&a->sem), "sem_wait: %s", strerror(errno)); /* asleep here when captured */
	fx_maps_check();
	fx_who_check(&who, 1);
	CHECK(twice->value == 77 && a->value == 77, "the value is %d and %d, not 77", a->value, twice->value);
	CHECK(zero_shared[5] == 's' && zero_shared[PG] == 55, "shared mapping of /dev/zero");
	CHECK(zero_priv[5] == 'c', "private mapping of /dev/zero");
	CHECK(part[0] == file[3 * PG] && part[0] == 33, "part of the removed file: %d %d", part[0], file[3 * PG]);
	zero_shared[2 * PG] = 66;
	if (!fx_broken("shared"))
		part[1] = 44;
	sem_post(&a->back);
	fx_leave();
}

int main(int argc, char **argv)
{
	pthread_mutexattr_t at;
	char name[32];
	pid_t c;
	int fd, r;

	fx_begin(argc, argv);
	/* all worlds have one /dev/shm: a name of this one's own */
	snprintf(name, sizeof(name), "/thaw-live-%016llx", (unsigned long long)fx_fnv(fx_dir, strlen(fx_dir), FX_FNV0));
	MUST((fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600)) >= 0);
	MUST(!shm_unlink(name) && !ftruncate(fd, 8 * PG));
	a = mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	twice = mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	file = mmap(NULL, 8 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	part = mmap(NULL, PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 3 * PG);
	close(fd);
	MUST((fd = open("/dev/zero", O_RDWR)) >= 0);
	zero_priv = mmap(NULL, 4 * PG, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	zero_shared = mmap(NULL, 4 * PG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	MUST(a != MAP_FAILED && twice != MAP_FAILED && file != MAP_FAILED && part != MAP_FAILED && zero_priv != MAP_FAILED && zero_shared != MAP_FAILED);
	zero_priv[5] = 'c';
	zero_shared[5] = 's';
	file[7 * PG] = 99;
	MUST(!sem_init(&a->sem, 1, 0) && !sem_init(&a->back, 1, 0));
	pthread_mutexattr_init(&at);
	pthread_mutexattr_setpshared(&at, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&at, PTHREAD_MUTEX_ROBUST);
	MUST(!pthread_mutex_init(&a->mx, &at));
	if (!(c = fork()))
		child();
	fx_await_roles(1);
	fx_enter("root");
	fx_maps_save();
	fx_ready();
	fx_wait_go();
	fx_maps_check();
	CHECK(zero_priv[5] == 'c' && !zero_priv[PG], "private mapping of /dev/zero");
	CHECK(file[7 * PG] == 99, "the removed file lost its contents");
	a->value = fx_broken("value") ? 1 : 77;
	file[3 * PG] = 33;
	zero_shared[PG] = 55;
	sem_post(&a->sem);
	CHECK(!sem_wait(&a->back), "sem_wait: %s", strerror(errno));
	CHECK(zero_shared[2 * PG] == 66 && file[3 * PG + 1] == 44, "what the child wrote is not seen");
	fx_join(c, "child");
	r = pthread_mutex_lock(&a->mx);
	CHECK(r == EOWNERDEAD, "mutex of a dead process: %d, not EOWNERDEAD", r);
	return fx_finish();
}
