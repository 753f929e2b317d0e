// Timers that go off in a second: with an argument "early", before anybody looks.
// Their signals wait, all are blocked. In the end each timer goes on as it should.
#include "fx.h"
#include <sys/time.h>

int main(int argc, char **argv) {
	sigset_t all, waiting;
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 36};
	struct itimerval it = {{0, 200000}, {1, 0}};
	struct itimerspec once = {{0, 0}, {1, 0}};
	timer_t id;

	sigfillset(&all);
	CHECK(sigprocmask(SIG_BLOCK, &all, NULL) == 0);
	CHECK(timer_create(CLOCK_MONOTONIC, &ev, &id) == 0);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0 && timer_settime(id, 0, &once, NULL) == 0);
	do {
		CHECK(sigpending(&waiting) == 0);
	} while (argc > 1 && (!sigismember(&waiting, SIGALRM) || !sigismember(&waiting, 36)) && usleep(1000) == 0);
	ready();
	await_go();
	sigemptyset(&all);
	sigaddset(&all, SIGALRM);
	for (int n = 0; n < 3; n++) CHECK(sigwaitinfo(&all, NULL) == SIGALRM);
	sigaddset(&all, 36);
	sigdelset(&all, SIGALRM);
	CHECK(sigwaitinfo(&all, NULL) == 36);
	return 0;
}
