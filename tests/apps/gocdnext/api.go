package main

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// api has gocdnext's own addresses, and those under /stand-in for the tests' data.
func api(store *store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := store.db.PingContext(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("ok"))
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("gocdnext-server dev")) })
	mux.HandleFunc("POST /stand-in/jobs", func(w http.ResponseWriter, r *http.Request) {
		id, err := store.queueJob(r.Context())
		answer(w, map[string]int64{"id": id}, err)
	})
	mux.HandleFunc("POST /stand-in/jobs/{id}/finish", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(w, map[string]int64{"id": id}, store.letFinish(r.Context(), id))
	})
	mux.HandleFunc("POST /stand-in/secrets", func(w http.ResponseWriter, r *http.Request) {
		var secret struct{ Name, Value string }
		if err := json.NewDecoder(r.Body).Decode(&secret); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(w, map[string]string{"name": secret.Name}, store.keepSecret(r.Context(), secret.Name, secret.Value))
	})
	mux.HandleFunc("GET /stand-in/summary", func(w http.ResponseWriter, r *http.Request) {
		seen, err := store.summary(r.Context())
		answer(w, seen, err)
	})
	return mux
}

func answer(w http.ResponseWriter, value any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}
