package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const maxBody = 16 * 1024

// order as it is kept.
type order struct {
	newOrder
	PlacedAt string `json:"placed_at"`
}

// newOrder is an order as a client sends it.
type newOrder struct {
	OrderID  string `json:"order_id"`
	Item     string `json:"item"`
	Quantity int    `json:"quantity"`
}

// orders are kept in memory, each client's its own, the oldest first.
type orders struct {
	mutex    sync.Mutex
	byClient map[string][]order
}

func (o newOrder) problem() string {
	switch {
	case strings.TrimSpace(o.OrderID) == "" || len(o.OrderID) > 64:
		return "order_id: 1 to 64 bytes"
	case strings.TrimSpace(o.Item) == "" || len(o.Item) > 200:
		return "item: 1 to 200 bytes"
	case o.Quantity < 1 || o.Quantity > 1000:
		return "quantity: 1 to 1000"
	default:
		return ""
	}
}

// place answers the same order again like the first time, so a caller that got no answer may repeat it.
func (o *orders) place(w http.ResponseWriter, r *http.Request, clientID string) {
	asked, status, problem := readOrder(w, r)
	if status != http.StatusOK {
		answer(w, status, map[string]string{"problem": problem})
		return
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	own := o.byClient[clientID]
	at := slices.IndexFunc(own, func(kept order) bool { return kept.OrderID == asked.OrderID })
	switch {
	case at < 0:
		placed := order{asked, time.Now().UTC().Format(time.RFC3339)}
		o.byClient[clientID] = append(own, placed)
		answer(w, http.StatusCreated, placed)
	case own[at].newOrder == asked:
		answer(w, http.StatusOK, own[at])
	default:
		answer(w, http.StatusConflict, map[string]string{"problem": "order_id is another order's"})
	}
}

// list answers with the newest orders of the client that calls.
func (o *orders) list(w http.ResponseWriter, _ *http.Request, clientID string) {
	o.mutex.Lock()
	own := slices.Clone(o.byClient[clientID])
	o.mutex.Unlock()
	slices.Reverse(own)
	own = own[:min(len(own), 100)]
	if own == nil {
		own = []order{}
	}
	answer(w, http.StatusOK, own)
}

func readOrder(w http.ResponseWriter, r *http.Request) (read newOrder, status int, problem string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return read, http.StatusRequestEntityTooLarge, "too large"
	}
	if err != nil || !json.Valid(body) {
		return read, http.StatusBadRequest, "no JSON"
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return read, http.StatusUnprocessableEntity, "an order has order_id, item and quantity"
	}
	if problem := read.problem(); problem != "" {
		return read, http.StatusUnprocessableEntity, problem
	}
	return read, http.StatusOK, ""
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// Who does not read the answer has hung up.
	_ = json.NewEncoder(w).Encode(body)
}
