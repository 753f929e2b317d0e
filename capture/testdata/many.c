// Many children and many threads.
#include "fx.h"
#include <pthread.h>
#include <sys/resource.h>

static void *thread(void *arg) {
	for (;;) pause();
}

int main(int argc, char **argv) {
	int procs = atoi(argv[1]), threads = atoi(argv[2]);
	for (int i = 0; i < procs; i++) {
		int pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			quiet();
			for (;;) pause();
		}
	}
	pthread_attr_t a;
	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 65536);
	for (int i = 0; i < threads; i++) {
		pthread_t t;
		CHECK(pthread_create(&t, &a, thread, NULL) == 0);
	}
	ready();
	await_go();
	return 0;
}
