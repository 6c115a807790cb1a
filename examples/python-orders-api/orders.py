"""The orders, in memory, each client's its own."""

import threading
from datetime import datetime, timezone

NAMES = {"order_id", "item", "quantity"}


def problem_of(order: object) -> str | None:
    """What is wrong with an order as a client sends it."""
    if not isinstance(order, dict) or set(order) != NAMES:
        return "an order has order_id, item and quantity"
    for name, limit in (("order_id", 64), ("item", 200)):
        value = order[name]
        if not isinstance(value, str) or not value.strip() or len(value.encode(errors="replace")) > limit:
            return f"{name}: 1 to {limit} bytes"
    if type(order["quantity"]) is not int or not 1 <= order["quantity"] <= 1000:
        return "quantity: 1 to 1000"
    return None


class Orders:
    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], dict] = {}
        self._lock = threading.Lock()

    def place(self, client_id: str, order: dict) -> tuple[int, dict]:
        """The same order again is answered like the first time, so a caller that got no answer may repeat it."""
        placed = order | {"placed_at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")}
        with self._lock:
            kept = self._kept.setdefault((client_id, order["order_id"]), placed)
        if kept is placed:
            return 201, kept
        if all(kept[name] == order[name] for name in NAMES):
            return 200, kept
        return 409, {"problem": "order_id is another order's"}

    def of_client(self, client_id: str) -> list[dict]:
        """The newest orders of a client."""
        with self._lock:
            own = [order for (owner, _), order in self._kept.items() if owner == client_id]
        return own[::-1][:100]
