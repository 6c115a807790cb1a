package example.orders;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

import jakarta.servlet.DispatcherType;

import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2AuthenticatedPrincipal;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtIssuerValidator;
import org.springframework.security.oauth2.jwt.JwtTimestampValidator;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.server.resource.BearerTokenErrors;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationConverter;
import org.springframework.security.oauth2.server.resource.introspection.BadOpaqueTokenException;
import org.springframework.security.oauth2.server.resource.introspection.OpaqueTokenIntrospector;
import org.springframework.security.oauth2.server.resource.introspection.SpringOpaqueTokenIntrospector;
import org.springframework.security.oauth2.server.resource.web.BearerTokenResolver;
import org.springframework.security.oauth2.server.resource.web.DefaultBearerTokenResolver;
import org.springframework.security.oauth2.server.resource.web.authentication.BearerTokenAuthenticationFilter;
import org.springframework.security.web.SecurityFilterChain;

/** Who gets in: callers with a token that is good, each route for who holds its scope. */
@Configuration
class Security {

	/** How far the clocks of two machines may be apart. */
	private static final Duration LEEWAY = Duration.ofSeconds(5);

	private final Settings settings;

	Security(Settings settings) {
		this.settings = settings;
	}

	@Bean
	SecurityFilterChain routes(HttpSecurity http) {
		return http
			.authorizeHttpRequests((routes) -> routes.dispatcherTypeMatchers(DispatcherType.ERROR)
				.permitAll()
				.requestMatchers(HttpMethod.GET, "/healthz")
				.permitAll()
				.requestMatchers(HttpMethod.POST, "/orders")
				.hasAuthority(authority("place-order"))
				.requestMatchers(HttpMethod.GET, "/orders")
				.hasAuthority(authority("list-orders"))
				.anyRequest()
				.denyAll())
			.oauth2ResourceServer((server) -> {
				server.bearerTokenResolver(oneToken());
				// What Spring says of this API by RFC 9728; it would say that tokens are bound to certificates.
				server.protectedResourceMetadata((about) -> about
					.protectedResourceMetadataCustomizer((resource) -> resource.scope(this.settings.scope("place-order"))
						.scope(this.settings.scope("list-orders"))
						.tlsClientCertificateBoundAccessTokens(false)));
				switch (this.settings.mode()) {
					case JWT -> server.jwt((jwt) -> jwt.jwtAuthenticationConverter(callers()));
					case OPAQUE -> server.opaqueToken((opaque) -> {
					});
				}
			})
			.addFilterBefore(new CannotTellFilter(), BearerTokenAuthenticationFilter.class)
			// No cookie means anything here, so there is nothing for another site to abuse.
			.csrf(AbstractHttpConfigurer::disable)
			.sessionManagement((sessions) -> sessions.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
			.build();
	}

	/** Verifies here: good until the token ends, whatever happens meanwhile. */
	@Bean
	@ConditionalOnProperty(name = "orders-api.mode", havingValue = "jwt")
	JwtDecoder decoder() {
		// Never what the token says: a key is for one algorithm.
		NimbusJwtDecoder decoder = NimbusJwtDecoder.withJwkSetUri(this.settings.jwks())
			.jwsAlgorithm(SignatureAlgorithm.RS256)
			.build();
		JwtTimestampValidator times = new JwtTimestampValidator(LEEWAY);
		times.setAllowEmptyExpiryClaim(false);
		// Turnpike's tokens, like Cognito's, have no `aud`: the scopes say for which API they are.
		decoder.setJwtValidator(new DelegatingOAuth2TokenValidator<>(List.of(times,
				new JwtIssuerValidator(this.settings.issuer()), text("token_use", Set.of("access")::contains),
				text("client_id", (id) -> !id.isEmpty()))));
		return decoder;
	}

	/** Asks Turnpike about each token, as this resource server. */
	@Bean
	@ConditionalOnProperty(name = "orders-api.mode", havingValue = "opaque")
	OpaqueTokenIntrospector introspector() {
		OpaqueTokenIntrospector turnpike = SpringOpaqueTokenIntrospector
			.withIntrospectionUri(this.settings.introspection())
			.clientId(this.settings.identifier())
			.clientSecret(this.settings.secret())
			.build();
		return (token) -> {
			OAuth2AuthenticatedPrincipal caller = turnpike.introspect(token);
			if (!(caller.getAttribute("client_id") instanceof String)) {
				throw new BadOpaqueTokenException("no client stands behind the token");
			}
			return caller;
		};
	}

	/** Of two headers Spring would read the first, and something in front of it perhaps the other. */
	private static BearerTokenResolver oneToken() {
		DefaultBearerTokenResolver resolver = new DefaultBearerTokenResolver();
		return (request) -> {
			if (Collections.list(request.getHeaders(HttpHeaders.AUTHORIZATION)).size() > 1) {
				throw new OAuth2AuthenticationException(BearerTokenErrors.invalidRequest("more than one token"));
			}
			return resolver.resolve(request);
		};
	}

	/** The client that calls, by its id. */
	private JwtAuthenticationConverter callers() {
		JwtAuthenticationConverter converter = new JwtAuthenticationConverter();
		converter.setPrincipalClaimName("client_id");
		return converter;
	}

	private String authority(String name) {
		return "SCOPE_" + this.settings.scope(name);
	}

	private static JwtClaimValidator<Object> text(String claim, Predicate<String> rule) {
		return new JwtClaimValidator<>(claim, (value) -> value instanceof String text && rule.test(text));
	}

}
