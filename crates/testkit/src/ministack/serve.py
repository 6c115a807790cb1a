"""Serves MiniStack on the listening socket that is standard input, until whoever started it ends.

MiniStack's own start binds a port by number, which two that start at once would race for, and opens a second
one on every interface.
"""

import os
import threading
import time


def end_with(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()

from hypercorn.config import Config
from hypercorn.run import run

config = Config()
config.application_path = "ministack.app:app"
config.bind = ["fd://0"]
config.workers = 0
config.keep_alive_timeout = 75
config.loglevel = os.environ["LOG_LEVEL"]
run(config)
