"""A fixture of the live tests: a server and its clients, who go on talking.

Speaks the protocol of fx.h. Two client processes send numbers through unix
sockets to a server thread and want each back, one higher, until DIR/go comes;
then one more connects. What was on its way when the tree was captured must
arrive once.
"""

import os
import selectors
import socket
import sys
import threading
import time

fails = []


def add(path, line):
    with open(path, "a") as f:
        f.write(line + "\n")


def check(where, role, good, what):
    if not good:
        fails.append(what)
        add(where + "/result", "FAIL %s: %s" % (role, what))


def serve(listener, served):
    sel = selectors.EpollSelector()
    listener.setblocking(False)
    sel.register(listener, selectors.EVENT_READ, None)
    while True:
        for key, _ in sel.select():
            if key.data is None:
                conn, _ = listener.accept()
                sel.register(conn, selectors.EVENT_READ, conn.makefile("rw"))
                continue
            line = key.data.readline()
            if not line:
                sel.unregister(key.fileobj)
                key.data.close()
                key.fileobj.close()
                continue
            served.append(1)
            key.data.write("%d\n" % (int(line) + 1))
            key.data.flush()


def talk(where, role, enough):
    conn = socket.socket(socket.AF_UNIX)
    conn.connect(where + "/server")
    talking = conn.makefile("rw")
    n = 0
    while not enough(n):
        talking.write("%d\n" % n)
        talking.flush()
        answer = talking.readline()
        check(where, role, answer == "%d\n" % (n + 1), "answer %r to %d" % (answer, n))
        n += 1
        if n == 100:
            add(where + "/roles", role)
        if n > 100:
            time.sleep(0.001)
    return n


def main():
    where = sys.argv[1]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(where + "/server")
    listener.listen(8)
    go = lambda n: os.path.exists(where + "/go") and n > 100
    clients = []
    for role in ("one", "two"):
        pid = os.fork()
        if pid == 0:
            talk(where, role, go)
            if not fails:
                add(where + "/result", "ok " + role)
            os._exit(len(fails) and 1)
        clients.append(pid)
    served = []
    threading.Thread(target=serve, args=(listener, served), daemon=True).start()
    while not os.path.exists(where + "/roles") or len(open(where + "/roles").readlines()) < 2:
        time.sleep(0.01)
    add(where + "/roles", "root")
    add(where + "/ready", str(os.getpid()))
    while not os.path.exists(where + "/go"):
        time.sleep(0.01)
    if os.environ.get("FX_BREAK") == "server":
        os.unlink(where + "/server")
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind(where + "/server")
    try:
        check(where, "root", talk(where, "late", lambda n: n == 10) == 10, "the late client")
    except OSError as e:
        check(where, "root", False, "a new connection: %s" % e)
    for pid in clients:
        check(where, "root", os.waitpid(pid, 0)[1] == 0, "a client failed")
    check(where, "root", len(served) > 210, "%d requests" % len(served))
    if not fails:
        add(where + "/result", "ok root")
    add(where + "/result", "RESULT FAIL" if fails else "RESULT PASS")


main()
