"""A fixture of the live tests: a hash chain of a length fixed beforehand.

Speaks the protocol of fx.h, but that it does not wait for DIR/go: it computes
what is compared with an undisturbed run, and more of the kind until DIR/go is
there.
"""

import hashlib
import json
import os
import re
import sys
import threading
import zlib

ROUNDS = 600_000


def add(path, line):
    with open(path, "a") as f:
        f.write(line + "\n")


def main():
    where = sys.argv[1]
    done = threading.Event()
    beats = []
    helper = threading.Thread(target=lambda: [beats.append(1) for _ in iter(lambda: done.wait(0.01), True)])
    helper.start()
    table = {str(i): [i, {"v": i * i}] for i in range(5000)}
    digest = hashlib.sha256(b"thaw")
    word = re.compile(rb"[a-f0-9]{3}")
    add(where + "/roles", "root")
    for i in range(ROUNDS):
        digest.update(digest.digest() + str(table[str(i % 5000)][1]["v"]).encode())
        if i % 1000 == 0:
            table[str(i % 5000)][1]["v"] = zlib.crc32(json.dumps(table[str(i % 997)]).encode())
            digest.update(b"".join(word.findall(digest.hexdigest().encode())))
        if i == 20000:
            add(where + "/ready", str(os.getpid()))
    if os.environ.get("FX_BREAK") == "digest":
        digest.update(b"!")
    more = digest.copy()
    while not os.path.exists(where + "/go"):
        for _ in range(1000):
            more.update(more.digest())
    done.set()
    helper.join()
    print(digest.hexdigest(), flush=True)
    add(where + "/result", "ok root")
    add(where + "/result", "RESULT PASS" if beats else "RESULT FAIL")


main()
