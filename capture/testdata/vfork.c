// A parent that waits for the child of vfork, for ever if the argument is 1,
// else a hundred milliseconds.
#include "fx.h"

int main(int argc, char **argv) {
	int ever = argv[1][0] == '1';
	ready();
	int pid = vfork();
	if (pid == 0) {
		if (ever)
			for (;;) pause();
		usleep(100000);
		_exit(0);
	}
	await_go();
	return 0;
}
