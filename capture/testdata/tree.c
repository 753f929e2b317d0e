// A tree with sessions, a stopped child, an orphan, a group whose leader is
// gone, zombies of several kinds and a dead leader with live threads. Says
// "NAME PID ..." for each.
#include "fx.h"
#include <pthread.h>
#include <sys/resource.h>

static int out; // the pipe to the test

static void hush(void) {
	close(out);
	quiet();
}

static void tell(const char *name, int a, int b) {
	char line[64];
	int n = snprintf(line, sizeof line, "%s %d %d\n", name, a, b);
	CHECK(write(out, line, n) == n);
}

static void idle(const char *name) {
	prctl(PR_SET_NAME, name);
	hush();
	for (;;) pause();
}

static int child(const char *name, void (*f)(void)) {
	int pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_NAME, name);
		if (f) f();
		idle(name);
	}
	tell(name, pid, 0);
	return pid;
}

// dies waits until a child is dead, and leaves it so.
static void dies(int pid) {
	siginfo_t si;
	CHECK(waitid(P_PID, pid, &si, WEXITED | WNOWAIT | __WALL) == 0);
}

// stops is for a child that stops itself, when it has let go of the pipe.
static void stops(void) {
	hush();
	raise(SIGSTOP);
}

static void new_session(void) {
	CHECK(setsid() == getpid());
	// An orphan of this session: its parent ends at once.
	int pid = fork();
	if (pid == 0) {
		int p = fork();
		if (p == 0) idle("orphan");
		tell("orphan", p, getpid());
		_exit(0);
	}
	int st;
	CHECK(waitpid(pid, &st, 0) == pid);
}
static void new_group(void) { CHECK(setpgid(0, 0) == 0); }
static void ghost_group(void) {
	int joined[2];
	CHECK(pipe(joined) == 0);
	int pid = fork();
	if (pid == 0) {
		hush();
		close(joined[1]);
		CHECK(setpgid(0, 0) == 0);
		char c; // until the other has joined
		CHECK(read(joined[0], &c, 1) == 0);
		_exit(0);
	}
	while (setpgid(0, pid) != 0) usleep(1000);
	close(joined[0]);
	close(joined[1]);
	int st;
	CHECK(waitpid(pid, &st, 0) == pid);
	tell("ghost", pid, 0);
}
static void subreaper(void) {
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	int pid = fork();
	if (pid == 0) {
		int p = fork();
		if (p == 0) idle("adopted");
		tell("adopted", p, 0);
		_exit(3); // stays a zombie
	}
	tell("zombie3", pid, 3 << 8);
	dies(pid);
}
static void *thread(void *arg) {
	prctl(PR_SET_NAME, "thread");
	for (;;) pause();
}
static void dead_leader(void) {
	pthread_t t;
	for (int i = 0; i < 2; i++) CHECK(pthread_create(&t, NULL, thread, NULL) == 0);
	hush();
	syscall(SYS_exit, 9);
}
// await_dead waits until a leader is dead whose threads live: wait(2) does not tell.
static void await_dead(int pid) {
	char path[64], state = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	for (; state != 'Z'; usleep(1000)) {
		FILE *f = fopen(path, "r");
		CHECK(f && fscanf(f, "%*d %*s %c", &state) == 1);
		fclose(f);
	}
}
static void z255(void) { _exit(255); }
static void zkill(void) { kill(getpid(), SIGKILL); }
static void zcore(void) { // no core wanted here
	struct rlimit l = {0, 0};
	setrlimit(RLIMIT_CORE, &l);
	abort();
}
static int weird(void *arg) { _exit(1); }

int main(void) {
	out = dup(1);
	child("session", new_session);
	child("group", new_group);
	child("member", ghost_group);
	child("reaper", subreaper);
	int s = child("stopped", stops);
	siginfo_t si;
	CHECK(waitid(P_PID, s, &si, WSTOPPED | WNOWAIT) == 0);
	int s2 = child("waited", stops);
	int st;
	CHECK(waitpid(s2, &st, WUNTRACED) == s2 && WIFSTOPPED(st));
	await_dead(child("leader", dead_leader));
	dies(child("z255", z255));
	dies(child("zkill", zkill));
	dies(child("zcore", zcore));
	signal(SIGUSR1, SIG_IGN);
	static char stack[65536];
	int w = clone(weird, stack + sizeof stack, SIGUSR1, NULL);
	tell("zusr1", w, 1 << 8);
	dies(w);
	ready();
	close(out);
	await_go();
	// All as before?
	CHECK(waitpid(s, &st, WNOHANG | WUNTRACED) == s && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
	CHECK(waitpid(s2, &st, WNOHANG | WUNTRACED) == 0);
	CHECK(waitpid(w, &st, __WALL) == w && WEXITSTATUS(st) == 1);
	return 0;
}
