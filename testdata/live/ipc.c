/*
 * ipc: System V IPC, with ARG "own" in namespaces of its own: pid, uts and ipc.
 *
 *   root     "own": pid 1, with a host name; segments attached whole, in parts,
 *   |        for reading, by nobody, and removed; a set of semaphores; a queue
 *   |        with messages
 *   |- child  has the same segments
 *   |- orphan its parent is dead
 *   |- taker  "own": sleeps in semop
 *   |- hearer "own": sleeps in msgrcv
 *   `- z      zombie
 */
#include "maps.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/utsname.h>

#define PG 4096
static int own, seg, lone, gone, sem, queue, go[2];
static char *whole, *parts, *removed;
static struct shmid_ds seg_was, gone_was;

struct note { long type; char text[3000]; };

static int mine(const struct shmid_ds *a, const struct shmid_ds *b)
{
	return a->shm_perm.__key == b->shm_perm.__key && a->shm_perm.uid == b->shm_perm.uid && a->shm_perm.gid == b->shm_perm.gid &&
	       a->shm_perm.cuid == b->shm_perm.cuid && a->shm_perm.mode == b->shm_perm.mode && a->shm_segsz == b->shm_segsz;
}

static void check_segments(void)
{
	struct shmid_ds d;

	fx_maps_check();
	CHECK(!strcmp(whole, "whole") && !strcmp(whole + 2 * PG, "third page"), "segment: %.10s, %.10s", whole, whole + 2 * PG);
	CHECK(parts + 2 * PG != whole && !strcmp(parts + 2 * PG, "third page"), "the rest of an attachment: %.10s", parts + 2 * PG);
	CHECK(!strcmp(removed, "removed"), "removed segment: %.10s", removed);
	CHECK(!shmctl(seg, IPC_STAT, &d) && mine(&d, &seg_was), "segment %d differs", seg);
	CHECK(!shmctl(gone, IPC_STAT, &d) && mine(&d, &gone_was) && d.shm_perm.mode & SHM_DEST, "removed segment %d differs", gone);
}

static void build_segments(void)
{
	struct shmid_ds d;
	char *p;

	MUST((seg = shmget(own ? 0x7457 : IPC_PRIVATE, 3 * PG - 5, IPC_CREAT | IPC_EXCL | 0640)) >= 0);
	MUST((whole = shmat(seg, NULL, 0)) != (void *)-1);
	strcpy(whole, "whole");
	strcpy(whole + 2 * PG, "third page");
	MUST(!shmctl(seg, IPC_STAT, &d));
	d.shm_perm.uid = 1234;
	d.shm_perm.gid = 4321;
	MUST(!shmctl(seg, IPC_SET, &d));
	MUST((parts = shmat(seg, NULL, SHM_RDONLY)) != (void *)-1 && !munmap(parts + PG, PG));
	MUST((gone = shmget(IPC_PRIVATE, PG, 0600)) >= 0 && (removed = shmat(gone, NULL, 0)) != (void *)-1);
	strcpy(removed, "removed");
	MUST(!shmctl(gone, IPC_RMID, NULL) && !shmctl(gone, IPC_STAT, &gone_was));
	if (!own) { /* so that its number is free when the tree is dead */
		MUST(!shmctl(seg, IPC_RMID, NULL));
	} else {
		MUST((lone = shmget(0x7459, PG, IPC_CREAT | IPC_EXCL | 0600)) >= 0 && (p = shmat(lone, NULL, 0)) != (void *)-1);
		strcpy(p, "lone");
		MUST(!shmdt(p));
	}
	MUST(!shmctl(seg, IPC_STAT, &seg_was));
}

static void send_note(int type, const void *text, int n)
{
	struct note m = { type, "" };

	memcpy(m.text, text, n);
	MUST(!msgsnd(queue, &m, n, 0));
}

static void build_own(void)
{
	static char zeroes[3000] = { 7 };
	unsigned short values[3] = { 0, 9, 32767 };

	MUST(getpid() == 1 && !sethostname("fixture", 7) && !setdomainname("live", 4));
	MUST((sem = semget(0x7458, 3, IPC_CREAT | 0600)) >= 0 && !semctl(sem, 0, SETALL, values));
	MUST((queue = msgget(0x745a, IPC_CREAT | 0666)) >= 0);
	send_note(7, "hello", 5);
	send_note(7, zeroes, sizeof(zeroes));
	send_note(9, "", 0);
}

static void check_own(void)
{
	struct utsname u;
	struct note m;
	char *p;

	CHECK(getpid() == 1, "pid %d", getpid());
	CHECK(!uname(&u) && !strcmp(u.nodename, "fixture") && !strcmp(u.domainname, "live"), "names %s and %s", u.nodename, u.domainname);
	CHECK(shmget(0x7457, 0, 0) == seg && shmget(0x7459, 0, 0) == lone, "the segments have other numbers");
	CHECK((p = shmat(lone, NULL, 0)) != (void *)-1 && !strcmp(p, "lone") && !shmdt(p), "the segment that nobody had attached");
	CHECK(semget(0x7458, 0, 0) == sem && semctl(sem, 1, GETVAL) == 9 && semctl(sem, 2, GETVAL) == 32767, "semaphores %d and %d", semctl(sem, 1, GETVAL), semctl(sem, 2, GETVAL));
	for (int64_t end = fx_now() + FX_PATIENCE; semctl(sem, 0, GETNCNT) != 1 && fx_now() < end;)
		fx_msleep(1); /* let go, the taker goes to sleep again */
	CHECK(semctl(sem, 0, GETNCNT) == 1, "%d wait for the semaphore", semctl(sem, 0, GETNCNT));
	CHECK(msgget(0x745a, 0) == queue, "the queue has another number");
	CHECK(msgrcv(queue, &m, sizeof(m.text), 9, IPC_NOWAIT) == 0, "message of type 9");
	CHECK(msgrcv(queue, &m, sizeof(m.text), 7, IPC_NOWAIT) == 5 && !memcmp(m.text, "hello", 5), "first message");
	CHECK(msgrcv(queue, &m, sizeof(m.text), 7, IPC_NOWAIT) == 3000 && m.text[0] == 7 && !m.text[2999], "second message");
	CHECK(msgrcv(queue, &m, sizeof(m.text), 0, IPC_NOWAIT) == -1 && errno == ENOMSG, "there are more messages");
}

static void leaf(const char *role)
{
	struct fx_who who;

	fx_maps_save();
	fx_enter(role);
	fx_who_get(&who);
	fx_wait_go();
	fx_who_check(&who, 1);
	check_segments();
	fx_leave();
}

static void taker(void)
{
	struct sembuf op = { 0, -1, 0 };

	fx_enter("taker");
	CHECK(!semop(sem, &op, 1), "semop: %s", strerror(errno));
	CHECK(fx_go(), "the semaphore came too early");
	fx_leave();
}

static void hearer(void)
{
	struct note m;

	fx_enter("hearer");
	CHECK(msgrcv(queue, &m, sizeof(m.text), 5, 0) == 2 && !memcmp(m.text, "go", 2), "msgrcv: %s", strerror(errno));
	CHECK(fx_go(), "the message came too early");
	fx_leave();
}

int main(int argc, char **argv)
{
	pid_t c, m, o, t = 0, h = 0, z;
	struct sembuf up = { 0, 1, 0 };
	siginfo_t si;
	int st;

	fx_begin(argc, argv);
	own = argc > 2 && !strcmp(argv[2], "own");
	MUST(own || !prctl(PR_SET_CHILD_SUBREAPER, 1));
	MUST(!pipe(go));
	if (own)
		build_own();
	build_segments();
	if (!(c = fork()))
		leaf("child");
	if (!(m = fork())) {
		pid_t mid = getpid();

		if (!(o = fork())) {
			while (getppid() == mid)
				usleep(1000);
			leaf("orphan");
		}
		MUST(write(go[1], &o, sizeof(o)) == sizeof(o));
		_exit(0);
	}
	MUST(waitpid(m, &st, 0) == m && read(go[0], &o, sizeof(o)) == sizeof(o));
	if (own && !(t = fork()))
		taker();
	if (own && !(h = fork()))
		hearer();
	if (!(z = fork()))
		_exit(4);
	MUST(!waitid(P_PID, z, &si, WEXITED | WNOWAIT));
	fx_await_roles(own ? 4 : 2);
	fx_enter("root");
	fx_maps_save();
	fx_ready();
	fx_wait_go();
	if (fx_broken("contents"))
		whole[0] = 'W';
	if (fx_broken("mapping"))
		munmap(parts, PG);
	if (own && fx_broken("name"))
		sethostname("other", 5);
	if (own && fx_broken("semaphore"))
		semctl(sem, 1, SETVAL, 8);
	if (own && fx_broken("queue"))
		send_note(7, "more", 4);
	check_segments();
	if (own) {
		check_own();
		CHECK(!semop(sem, &up, 1), "semop: %s", strerror(errno));
		send_note(5, "go", 2);
		fx_join(t, "taker");
		fx_join(h, "hearer");
	}
	CHECK(waitpid(z, &st, WNOHANG) == z && st == 4 << 8, "zombie's status %#x", st);
	fx_join(c, "child");
	fx_join(o, "orphan");
	return fx_finish();
}
