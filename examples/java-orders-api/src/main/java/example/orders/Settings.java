package example.orders;

import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Settings: see README.md.
 * @param mode whether tokens are verified here, or asked about
 * @param issuer whose tokens are accepted: exactly what stands in them as {@code iss}
 * @param jwks where the issuer's keys are; not derived from the issuer
 * @param introspection where to ask about a token
 * @param secret of this resource server, for introspection
 * @param identifier as what this API is registered: the part of its scopes before the last slash
 * @param listen host and port; port 0 takes a free one
 */
@ConfigurationProperties("orders-api")
record Settings(Mode mode, String issuer, String jwks, String introspection, String secret, String identifier,
		String listen) {

	enum Mode {

		JWT, OPAQUE

	}

	Settings {
		switch (mode) {
			case JWT -> {
				need(issuer, "ORDERS_API_ISSUER");
				need(jwks, "ORDERS_API_JWKS");
			}
			case OPAQUE -> {
				need(introspection, "ORDERS_API_INTROSPECTION");
				need(secret, "ORDERS_API_SECRET");
			}
		}
	}

	/** A scope of this API, in full. */
	String scope(String name) {
		return this.identifier + "/" + name;
	}

	/** Without the secret. */
	@Override
	public String toString() {
		return "Settings[mode=" + this.mode + "]";
	}

	private static void need(String value, String name) {
		if (value == null || value.isBlank()) {
			throw new IllegalArgumentException("set " + name);
		}
	}

}
