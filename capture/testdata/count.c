// Counts, forks, starts threads and gets signals all the time, and checks that
// nothing is missed or amiss.
#include "fx.h"
#include <pthread.h>
#include <sys/time.h>

static volatile sig_atomic_t alarms;
static volatile int stop;
static volatile uint64_t counter;

static void on_alarm(int sig) { alarms++; }
static void on_trap(int sig) { die("SIGTRAP was delivered"); }

static void *count(void *arg) {
	double f = 1;
	while (!stop) {
		for (int i = 0; i < 1000; i++) {
			f = f * 1.0000001 + 0.5;
			asm volatile("" : "+x"(f));
		}
		__atomic_fetch_add(&counter, 1000, __ATOMIC_SEQ_CST); // two threads count
		CHECK(f > 1);
	}
	return 0;
}
static void *spawn(void *arg) {
	while (!stop) {
		int pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			usleep(3000);
			_exit(7);
		}
		int st;
		pid_t r;
		while ((r = waitpid(pid, &st, 0)) < 0 && errno == EINTR) {}
		CHECK(r == pid && WIFEXITED(st) && WEXITSTATUS(st) == 7);
	}
	return 0;
}
static void *nothing(void *arg) { return arg; }
static void *threads(void *arg) {
	while (!stop) {
		pthread_t t;
		void *r;
		CHECK(pthread_create(&t, NULL, nothing, &t) == 0);
		CHECK(pthread_join(t, &r) == 0 && r == &t);
	}
	return 0;
}

int main(void) {
	signal(SIGTRAP, on_trap);
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	sigaction(SIGALRM, &sa, NULL);
	struct itimerval it = {{0, 1000}, {0, 1000}};
	setitimer(ITIMER_REAL, &it, NULL);
	pthread_t t[4];
	pthread_create(&t[0], NULL, count, NULL);
	pthread_create(&t[1], NULL, spawn, NULL);
	pthread_create(&t[2], NULL, threads, NULL);
	pthread_create(&t[3], NULL, count, NULL);
	ready();
	await_go();
	uint64_t before = counter;
	int a = alarms;
	for (double until = now() + 60; counter <= before || alarms <= a + 10;) CHECK(now() < until);
	stop = 1;
	for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
	return 0;
}
