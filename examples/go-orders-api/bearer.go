package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

// How far the clocks of two machines may be apart.
const leeway = 5 * time.Second

var (
	scheme = regexp.MustCompile(`(?i)^Bearer( |$)`)
	bearer = regexp.MustCompile(`(?i)^Bearer +([A-Za-z0-9._~+/-]+=*)$`)

	errKind = errors.New("no access token of a client")
)

// claims are what stands in an access token of Turnpike, or of Cognito, beside the registered ones.
type claims struct {
	jwt.RegisteredClaims
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	TokenUse string `json:"token_use"`
}

// Validate is called by the parser after its own checks of signature and times.
func (c claims) Validate() error {
	if c.TokenUse != "access" || c.ClientID == "" {
		return errKind
	}
	return nil
}

// verifier accepts the tokens of one issuer. It asks nobody but the issuer's key set, so a token is good until it ends.
type verifier struct {
	keys   keyfunc.Keyfunc
	parser *jwt.Parser
}

func newVerifier(ctx context.Context, issuer, jwks string) (*verifier, error) {
	keys, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{jwks}, keyfunc.Override{
		HTTPTimeout:     3 * time.Second,
		RefreshInterval: 5 * time.Minute,
		// An unknown key is looked for at most every 30 seconds; looking, and waiting for one's turn, take 3 seconds at most.
		RefreshUnknownKID: rate.NewLimiter(rate.Every(30*time.Second), 1),
		RateLimitWaitMax:  3 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	return &verifier{keys: keys, parser: jwt.NewParser(
		// Never what the token says: a key is for one algorithm.
		jwt.WithValidMethods([]string{"RS256"}),
		// Turnpike's tokens, like Cognito's, have no `aud`: the scopes say for which API they are.
		jwt.WithIssuer(issuer),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(leeway),
	)}, nil
}

// guarded lets a handler see only callers who hold the scope (RFC 6750).
func (v *verifier) guarded(scope string, handle func(w http.ResponseWriter, r *http.Request, clientID string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		values := r.Header.Values("Authorization")
		if len(values) == 0 || !scheme.MatchString(values[0]) {
			refuse(w, http.StatusUnauthorized, "")
			return
		}
		match := bearer.FindStringSubmatch(values[0])
		if match == nil || len(values) > 1 {
			refuse(w, http.StatusBadRequest, `, error="invalid_request"`)
			return
		}
		var c claims
		_, err := v.parser.ParseWithClaims(match[1], &c, v.key(r.Context()))
		switch {
		case errors.Is(err, errCannotTell):
			log.Print(err)
			w.WriteHeader(http.StatusServiceUnavailable)
		case err != nil:
			refuse(w, http.StatusUnauthorized, `, error="invalid_token"`)
		case !slices.Contains(strings.Split(c.Scope, " "), scope):
			refuse(w, http.StatusForbidden, fmt.Sprintf(`, error="insufficient_scope", scope="%s"`, scope))
		default:
			handle(w, r, c.ClientID)
		}
	})
}

var errCannotTell = errors.New("there are no keys of the issuer")

// key finds the key that a token names. Without any keys nothing is known about the token.
func (v *verifier) key(ctx context.Context) jwt.Keyfunc {
	find := v.keys.KeyfuncCtx(ctx)
	return func(token *jwt.Token) (any, error) {
		key, err := find(token)
		if err != nil {
			if all, _ := v.keys.Storage().KeyReadAll(ctx); len(all) == 0 {
				return nil, fmt.Errorf("%w: %w", errCannotTell, err)
			}
		}
		return key, err
	}
}

func refuse(w http.ResponseWriter, status int, more string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="orders"`+more)
	w.WriteHeader(status)
}
