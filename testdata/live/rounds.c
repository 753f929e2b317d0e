/*
 * rounds: a tree that works between one capture and the next: a token runs
 * round a ring of processes through pipes, each adds to its own count and sum;
 * a thread counts ticks; zombies wait; a file grows by one line a round. After
 * each restore DIR/step is made, root reports the state to DIR/state and goes
 * on; with DIR/go it all has to add up.
 */
#include "fx.h"
#include <pthread.h>

#define RING 5
static uint64_t laps;
static volatile uint64_t ticks;
static int in, out;

struct token {
	uint64_t lap, sum;
};

static void *ticker(void *a)
{
	for (;;) {
		fx_msleep(1);
		ticks++;
	}
	return NULL;
}

/* a member of the ring: pass the token on until it says stop (lap 0) */
static void member(int n)
{
	struct fx_who who;
	struct token t;
	uint64_t mine = 0;
	char role[16];

	snprintf(role, sizeof(role), "ring%d", n);
	fx_enter(role);
	fx_who_get(&who);
	for (;;) {
		CHECK(read(in, &t, sizeof(t)) == sizeof(t), "read: %s", strerror(errno));
		if (fx_fails)
			break;
		if (t.lap)
			CHECK(t.lap == ++mine, "lap %llu, expected %llu", (unsigned long long)t.lap, (unsigned long long)mine);
		t.sum += n * t.lap;
		CHECK(write(out, &t, sizeof(t)) == sizeof(t), "write: %s", strerror(errno));
		if (!t.lap)
			break;
	}
	fx_who_check(&who, 1);
	CHECK(t.sum == mine, "%llu laps, root counted %llu", (unsigned long long)mine, (unsigned long long)t.sum);
	fx_leave();
}

int main(int argc, char **argv)
{
	int p[RING + 1][2], i, st, steps = 0, state;
	struct token t = { 0 };
	uint64_t sum = 0, seen = 0;
	char path[220], step[220];
	pid_t kid[RING], z;
	pthread_t th;
	siginfo_t si;

	fx_begin(argc, argv);
	snprintf(path, sizeof(path), "%s/state", fx_dir);
	snprintf(step, sizeof(step), "%s/step", fx_dir);
	MUST((state = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600)) >= 0);
	for (i = 0; i <= RING; i++)
		MUST(!pipe(p[i]));
	for (i = 0; i < RING; i++)
		if (!(kid[i] = fork())) {
			in = p[i][0];
			out = p[i + 1][1];
			member(i);
		}
	if (!(z = fork()))
		_exit(113);
	MUST(!waitid(P_PID, z, &si, WEXITED | WNOWAIT) && !pthread_create(&th, NULL, ticker, NULL));
	fx_await_roles(RING);
	fx_enter("root");
	fx_ready();
	while (!fx_go()) {
		t.lap = ++laps;
		t.sum = sum;
		MUST(write(p[0][1], &t, sizeof(t)) == sizeof(t) && read(p[RING][0], &t, sizeof(t)) == sizeof(t));
		sum += laps * (RING * (RING - 1) / 2);
		CHECK(t.sum == sum && t.lap == laps, "the token came back as lap %llu, sum %llu; not %llu, %llu", (unsigned long long)t.lap,
		      (unsigned long long)t.sum, (unsigned long long)laps, (unsigned long long)sum);
		if (!access(step, F_OK)) {
			for (int64_t end = fx_now() + FX_PATIENCE; ticks <= seen && fx_now() < end;)
				fx_msleep(1);
			CHECK(ticks > seen, "the thread has stopped ticking");
			seen = ticks;
			MUST(dprintf(state, "%d %llu %llu\n", ++steps, (unsigned long long)laps, (unsigned long long)sum) > 0);
			MUST(!unlink(step));
		}
		if (laps % 64 == 0)
			fx_msleep(1);
	}
	if (fx_broken("lap"))
		laps++;
	if (fx_broken("zombie"))
		waitpid(z, &st, 0);
	t = (struct token){ 0, laps };
	MUST(write(p[0][1], &t, sizeof(t)) == sizeof(t) && read(p[RING][0], &t, sizeof(t)) == sizeof(t));
	for (i = 0; i < RING; i++)
		fx_join(kid[i], "ring");
	CHECK(waitpid(z, &st, WNOHANG) == z && st == 113 << 8, "zombie: status %#x", st);
	CHECK(laps >= (uint64_t)steps, "only %llu laps in %d rounds", (unsigned long long)laps, steps);
	return fx_finish();
}
