// A tree whose processes notice whatever is done to them: a call that ends too
// early or too late, a register, a flag or a signal mask that is not theirs.
#include "fx.h"
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/time.h>

enum { ROLES = 16 };
static struct {
	volatile int stop;
	volatile long rounds[ROLES];
} *shared;
static int role;
static sigset_t mask;

// again ends a round, and says whether there is to be another.
static int again(void) {
	sigset_t have;
	CHECK(pthread_sigmask(SIG_SETMASK, NULL, &have) == 0);
	for (int s = 1; s < 65; s++) CHECK(sigismember(&have, s) == sigismember(&mask, s));
	shared->rounds[role]++;
	return !shared->stop;
}

static volatile long alarms;
static void on_alarm(int sig) { alarms++; }
static void alarms_every(int first_us, int us, int flags) {
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = flags};
	CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
	struct itimerval it = {{0, us}, {0, first_us}};
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
}

static void sleeps(void) {
	do {
		double begin = now();
		struct timespec ts = {0, 20000000};
		CHECK(nanosleep(&ts, NULL) == 0);
		CHECK(now() - begin >= 0.02);
	} while (again());
}
static void polls(void) {
	do {
		double begin = now();
		CHECK(poll(NULL, 0, 15) == 0);
		CHECK(now() - begin >= 0.014);
	} while (again());
}
static void waits(void) {
	static int word;
	do {
		struct timespec ts = {0, 10000000};
		CHECK(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &ts, NULL, 0) == -1 && errno == ETIMEDOUT);
	} while (again());
}
// suspends is woken by nothing but its alarms, each of which comes once.
static void suspends(void) {
	sigset_t open;
	sigemptyset(&open);
	sigaddset(&mask, SIGALRM);
	CHECK(sigprocmask(SIG_SETMASK, &mask, NULL) == 0);
	do {
		long before = alarms;
		alarms_every(1500, 0, 0);
		CHECK(sigsuspend(&open) == -1 && errno == EINTR);
		CHECK(alarms == before + 1);
	} while (again());
}
// reads has alarms all the time, which start its call again.
static void reads(void) {
	int p[2];
	CHECK(pipe(p) == 0);
	int child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		for (long n = 0; !shared->stop; n++) {
			usleep(3000);
			CHECK(write(p[1], &n, sizeof n) == sizeof n);
		}
		_exit(0);
	}
	alarms_every(700, 700, SA_RESTART);
	long n, want = 0;
	do {
		CHECK(read(p[0], &n, sizeof n) == sizeof n && n == want++);
	} while (again());
	CHECK(waitpid(child, NULL, 0) == child);
}
static void reaps(void) {
	do {
		int st, child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			usleep(4000);
			_exit(7);
		}
		CHECK(waitpid(child, &st, 0) == child && WIFEXITED(st) && WEXITSTATUS(st) == 7);
	} while (again());
}
// ignores and catches what tracers are known to use.
static void on_nothing(int sig) { die("signal %d was delivered", sig); }
static void ignores(void) {
	signal(SIGTRAP, SIG_IGN);
	signal(SIGURG, on_nothing);
	signal(SIGWINCH, on_nothing);
	do {
		usleep(2000);
		struct sigaction sa;
		CHECK(sigaction(SIGTRAP, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN);
	} while (again());
}

// spin counts down and gives 0 if registers and flags stay.
int spin(long n);
asm(".globl spin\nspin:\n"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "mov %rdi, %rcx\n"
    "mov $101, %rax; mov $102, %rbx; mov $103, %rdx; mov $104, %rsi; mov $105, %rdi; mov $106, %rbp\n"
    "mov $108, %r8; mov $109, %r9; mov $110, %r10; mov $111, %r11\n"
    "mov $112, %r12; mov $113, %r13; mov $114, %r14; mov $115, %r15\n"
    "movq %rax, %xmm0; movq %r15, %xmm15\n"
    "std; cmp %rax, %rax; stc\n"
    "1: jrcxz 2f; lea -1(%rcx), %rcx; jnc 3f; jnz 3f; jmp 1b\n"
    "2: pushf; pop %rcx; cld; bt $10, %ecx; jnc 3f\n"
    "cmp $101, %rax; jne 3f; cmp $102, %rbx; jne 3f; cmp $103, %rdx; jne 3f; cmp $104, %rsi; jne 3f\n"
    "cmp $105, %rdi; jne 3f; cmp $106, %rbp; jne 3f; cmp $108, %r8; jne 3f; cmp $109, %r9; jne 3f\n"
    "cmp $110, %r10; jne 3f; cmp $111, %r11; jne 3f; cmp $112, %r12; jne 3f; cmp $113, %r13; jne 3f\n"
    "cmp $114, %r14; jne 3f; cmp $115, %r15; jne 3f\n"
    "movq %xmm0, %rcx; cmp $101, %rcx; jne 3f; movq %xmm15, %rcx; cmp $115, %rcx; jne 3f\n"
    "xor %eax, %eax; jmp 4f\n"
    "3: cld; mov $1, %eax\n"
    "4: pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

static void spins(void) {
	do {
		CHECK(spin(1000000) == 0);
		usleep(300);
	} while (again());
}
static double chaos(void) {
	double x = 0.3;
	for (int i = 0; i < 200000; i++) {
		x = 3.9 * x * (1 - x);
		asm volatile("" : "+x"(x));
	}
	return x;
}
static void computes(void) {
	double want = chaos();
	alarms_every(900, 900, SA_RESTART);
	do {
		CHECK(chaos() == want);
		usleep(300); // an alarm may end it
	} while (again());
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static int turn, over;
static __thread long own;
static void *takes_turns(void *arg) {
	int me = (long)arg;
	sigset_t mine, have;
	sigemptyset(&mine);
	sigaddset(&mine, SIGUSR1 + me);
	CHECK(pthread_sigmask(SIG_SETMASK, &mine, NULL) == 0);
	for (long n = 0;; n++) {
		CHECK(pthread_mutex_lock(&lock) == 0);
		while (turn != me && !over) CHECK(pthread_cond_wait(&turned, &lock) == 0);
		turn = (me + 1) % 3;
		pthread_cond_broadcast(&turned);
		int end = over;
		CHECK(pthread_mutex_unlock(&lock) == 0);
		CHECK(own++ == n);
		CHECK(pthread_sigmask(SIG_SETMASK, NULL, &have) == 0);
		for (int s = 1; s < 65; s++) CHECK(sigismember(&have, s) == sigismember(&mine, s));
		if (end) return NULL;
		usleep(200);
	}
}
static void threads(void) {
	pthread_t t[3];
	for (long i = 0; i < 3; i++) CHECK(pthread_create(&t[i], NULL, takes_turns, (void *)i) == 0);
	int before = turn;
	do {
		for (double until = now() + 60; turn == before; usleep(500)) CHECK(now() < until);
		before = turn;
	} while (again());
	pthread_mutex_lock(&lock);
	over = 1;
	pthread_cond_broadcast(&turned);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < 3; i++) CHECK(pthread_join(t[i], NULL) == 0);
}
// stays is stopped until the end.
static void stays(void) {
	shared->rounds[role]++;
	CHECK(raise(SIGSTOP) == 0);
	CHECK(shared->stop);
	again();
}

static void (*const roles[])(void) = {sleeps, polls, waits, suspends, reads, reaps, ignores, spins, computes, threads, stays};
enum { COUNT = sizeof roles / sizeof *roles };

int main(void) {
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	int pid[COUNT];
	for (role = 0; role < COUNT; role++) {
		if ((pid[role] = fork()) == 0) {
			quiet();
			roles[role]();
			_exit(0);
		}
		CHECK(pid[role] > 0);
	}
	for (int i = 0; i < COUNT; i++) while (!shared->rounds[i]) usleep(1000);
	CHECK(waitpid(pid[COUNT - 1], NULL, WUNTRACED) == pid[COUNT - 1]);
	say("stopped %d\n", pid[COUNT - 1]);
	ready();
	await_go();
	for (int i = 0; i < COUNT - 1; i++) {
		long before = shared->rounds[i];
		for (double until = now() + 60; shared->rounds[i] < before + 3; usleep(500))
			if (now() > until) die("role %d stands still", i);
	}
	shared->stop = 1;
	for (int i = 0; i < COUNT; i++) {
		int st;
		if (i == COUNT - 1) CHECK(kill(pid[i], SIGCONT) == 0);
		CHECK(waitpid(pid[i], &st, 0) == pid[i]);
		CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 0);
	}
	return 0;
}
