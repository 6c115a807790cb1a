// The orders API of LJ Health Food, in Go: settings, and the routes with the scope that each needs.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("orders-api: ")
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	issuer, jwks := os.Getenv("ORDERS_API_ISSUER"), os.Getenv("ORDERS_API_JWKS")
	if issuer == "" || jwks == "" {
		return errors.New("set ORDERS_API_ISSUER and ORDERS_API_JWKS")
	}
	identifier := cmp.Or(os.Getenv("ORDERS_API_IDENTIFIER"), "lj-health-food")

	v, err := newVerifier(ctx, issuer, jwks)
	if err != nil {
		return err
	}
	book := &orders{byClient: map[string][]order{}}
	routes := http.NewServeMux()
	routes.Handle("POST /orders", v.guarded(identifier+"/place-order", book.place))
	routes.Handle("GET /orders", v.guarded(identifier+"/list-orders", book.list))
	routes.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })

	listener, err := net.Listen("tcp", cmp.Or(os.Getenv("ORDERS_API_LISTEN"), "127.0.0.1:8081"))
	if err != nil {
		return err
	}
	line, err := json.Marshal(map[string]string{"url": "http://" + listener.Addr().String()})
	if err != nil {
		return err
	}
	fmt.Println(string(line))

	server := &http.Server{Handler: routes, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		_ = server.Shutdown(context.Background())
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
