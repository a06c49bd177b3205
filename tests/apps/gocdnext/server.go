package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// goesStale is how long after its last sign an agent counts as gone.
const goesStale = "5 seconds"

// server migrates, and listens only when that is done. A failure comes with what it was about.
func server(ctx context.Context) (string, error) {
	db, err := sql.Open("pgx", os.Getenv("GOCDNEXT_DATABASE_URL"))
	if err != nil {
		return "database", err
	}
	if err := migrateUp(ctx, db, os.Getenv("GOCDNEXT_STAND_IN_VERSION")); err != nil {
		return "migrate", err
	}
	store := &store{db: db, artefacts: os.Getenv("GOCDNEXT_ARTIFACTS_FS_ROOT"), key: os.Getenv("GOCDNEXT_SECRET_KEY")}
	go reap(ctx, store)
	err = listen(ctx, map[string]http.Handler{
		os.Getenv("GOCDNEXT_HTTP_ADDR"): api(store),
		os.Getenv("GOCDNEXT_GRPC_ADDR"): agents(ctx, store, os.Getenv("GOCDNEXT_AGENT_REGISTRATION_TOKEN")),
	})
	return "listen", err
}

// reap queues again what runs on agents that are gone.
func reap(ctx context.Context, store *store) {
	for ctx.Err() == nil {
		if err := store.queueAgain(ctx); err != nil && ctx.Err() == nil {
			slog.Warn("reap", "err", err.Error())
		}
		pause(ctx)
	}
}

// agents is what agents register at. The real ones speak gRPC; here an answer that never ends stands for the stream.
func agents(ctx context.Context, store *store, token string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /register", func(w http.ResponseWriter, r *http.Request) {
		if token == "" || r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "the token is not that of this server", http.StatusUnauthorized)
			return
		}
		name := r.URL.Query().Get("name")
		registered, err := store.register(r.Context(), name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		slog.Info("agent registered", "agent", name)
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		for r.Context().Err() == nil && ctx.Err() == nil && err == nil {
			err = store.work(r.Context(), name)
			pause(r.Context())
		}
		// The agent has gone, or this server goes: that is written even so.
		within, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := store.unregister(within, name, registered); err != nil {
			slog.Warn("agent lost", "agent", name, "err", err.Error())
		}
	})
	return mux
}

// listen serves at each address until it is told to end.
func listen(ctx context.Context, handlers map[string]http.Handler) error {
	failed := make(chan error, len(handlers))
	servers := []*http.Server{}
	for address, handler := range handlers {
		server := &http.Server{Addr: address, Handler: handler}
		servers = append(servers, server)
		go func() { failed <- fmt.Errorf("%s: %w", address, server.ListenAndServe()) }()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, server := range servers {
		if err := server.Shutdown(within); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}
