"""The orders API of LJ Health Food, in Python: the routes, with the scope that each needs."""

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bearer import Refusal, Verifier
from orders import Orders, problem_of

MAX_BODY = 16 * 1024


def need(name: str) -> str:
    return os.environ.get(name) or sys.exit(f"orders-api: set {name}")


IDENTIFIER = os.environ.get("ORDERS_API_IDENTIFIER") or "lj-health-food"
VERIFIER = Verifier(need("ORDERS_API_ISSUER"), need("ORDERS_API_JWKS"))
ORDERS = Orders()


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self.answer(200, "ok")
        elif self.path == "/orders":
            self.guarded(f"{IDENTIFIER}/list-orders", lambda caller: (200, ORDERS.of_client(caller.client_id)))
        else:
            self.answer(404)

    def do_POST(self) -> None:
        if self.path == "/orders":
            self.guarded(f"{IDENTIFIER}/place-order", self.place_order)
        else:
            self.answer(404)

    def guarded(self, scope: str, handle) -> None:
        """Runs a handler for a caller who holds the scope."""
        try:
            caller = VERIFIER.authorize(self.headers.get_all("Authorization") or [], scope)
        except Refusal as refusal:
            if refusal.status == 503:
                print(f"orders-api: {refusal.__cause__}", file=sys.stderr)
            self.answer(refusal.status, challenge=refusal.challenge)
        else:
            self.answer(*handle(caller))

    def place_order(self, caller) -> tuple:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            return 411, None
        if int(length) > MAX_BODY:
            return 413, None
        self.read_whole = True
        try:
            order = json.loads(self.rfile.read(int(length)))
        except ValueError:
            return 400, None
        if problem := problem_of(order):
            return 422, {"problem": problem}
        return ORDERS.place(caller.client_id, order)

    def answer(self, status: int, body: object = None, challenge: str | None = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        if content:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.command == "POST" and not self.__dict__.pop("read_whole", False):
            # What was not read of the body would be taken for the next request.
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_) -> None:
        pass


def main() -> None:
    host, _, port = (os.environ.get("ORDERS_API_LISTEN") or "127.0.0.1:8081").rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Api)
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not in the handler itself: it waits for the loop that the signal has interrupted.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(json.dumps({"url": f"http://{host}:{server.server_address[1]}"}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
