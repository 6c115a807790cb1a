package example.orders;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthentication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/** The orders, in memory, each client's its own. */
@RestController
class Orders {

	private static final HttpStatus NO_ORDER = HttpStatus.UNPROCESSABLE_CONTENT;

	/** By client and the client's own order id, the oldest first. */
	private final Map<String, Map<String, Order>> byClient = new LinkedHashMap<>();

	/** An order as a client sends it. */
	record NewOrder(String orderId, String item, Integer quantity) {

		void check() {
			checkText("order_id", this.orderId, 64);
			checkText("item", this.item, 200);
			if (this.quantity == null || this.quantity < 1 || this.quantity > 1000) {
				throw new ResponseStatusException(NO_ORDER, "quantity: 1 to 1000");
			}
		}

		private static void checkText(String name, String value, int max) {
			if (value == null || value.isBlank() || value.getBytes(StandardCharsets.UTF_8).length > max) {
				throw new ResponseStatusException(NO_ORDER, name + ": 1 to " + max + " bytes");
			}
		}

	}

	/** An order as it is kept. */
	record Order(String orderId, String item, int quantity, Instant placedAt) {

		boolean is(NewOrder order) {
			return this.item.equals(order.item()) && this.quantity == order.quantity();
		}

	}

	/** The same order again is answered like the first time, so a caller that got no answer may repeat it. */
	@PostMapping("/orders")
	ResponseEntity<Order> place(Authentication caller, @RequestBody NewOrder order) {
		order.check();
		Order placed = new Order(order.orderId(), order.item(), order.quantity(),
				Instant.now().truncatedTo(ChronoUnit.SECONDS));
		Order kept;
		synchronized (this.byClient) {
			kept = this.byClient.computeIfAbsent(clientId(caller), (id) -> new LinkedHashMap<>())
				.putIfAbsent(order.orderId(), placed);
		}
		if (kept == null) {
			return ResponseEntity.status(HttpStatus.CREATED).body(placed);
		}
		if (!kept.is(order)) {
			throw new ResponseStatusException(HttpStatus.CONFLICT, "order_id is another order's");
		}
		return ResponseEntity.ok(kept);
	}

	/** The newest orders of the client that calls. */
	@GetMapping("/orders")
	List<Order> list(Authentication caller) {
		List<Order> own;
		synchronized (this.byClient) {
			own = new ArrayList<>(this.byClient.getOrDefault(clientId(caller), Map.of()).values());
		}
		Collections.reverse(own);
		return own.subList(0, Math.min(own.size(), 100));
	}

	@GetMapping("/healthz")
	String healthz() {
		return "ok\n";
	}

	/** Of a token that was asked about, the name is its subject, which an answer need not have. */
	private static String clientId(Authentication caller) {
		if (caller instanceof BearerTokenAuthentication asked) {
			return String.valueOf(asked.getTokenAttributes().get("client_id"));
		}
		return caller.getName();
	}

}
