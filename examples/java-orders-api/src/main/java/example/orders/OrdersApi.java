package example.orders;

import java.net.InetSocketAddress;
import java.net.URI;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.EventListener;

/** The orders API of LJ Health Food, in Java. {@link Security} has the protection, {@link Orders} the orders. */
@SpringBootApplication
@EnableConfigurationProperties(Settings.class)
class OrdersApi {

	private final URI address;

	OrdersApi(Settings settings) {
		this.address = URI.create("http://" + settings.listen());
	}

	public static void main(String[] args) {
		SpringApplication.run(OrdersApi.class, args);
	}

	@Bean
	WebServerFactoryCustomizer<TomcatServletWebServerFactory> listen() {
		return (factory) -> {
			factory.setAddress(new InetSocketAddress(this.address.getHost(), 0).getAddress());
			factory.setPort(this.address.getPort());
		};
	}

	@EventListener
	void listening(WebServerInitializedEvent event) {
		int port = event.getWebServer().getPort();
		System.out.printf("{\"url\":\"http://%s:%d\"}%n", this.address.getHost(), port);
	}

}
