package main

import (
	"database/sql"
	"encoding/json"
	"net/http"
)

// summary is what the tests compare before and after.
type summary struct {
	Version  string `json:"version"`
	Users    int    `json:"users"`
	Keys     int    `json:"keys"`
	Checksum string `json:"checksum"`
}

// routes has Coder's own two addresses, and those under /stand-in for the tests' data.
func routes(db *sql.DB, version string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("OK")) })
	mux.HandleFunc("GET /api/v2/buildinfo", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]string{"version": "v" + version}, nil)
	})
	mux.HandleFunc("POST /stand-in/users", func(w http.ResponseWriter, r *http.Request) {
		var user struct {
			Name string `json:"name"`
		}
		if err := json.NewDecoder(r.Body).Decode(&user); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, err := db.ExecContext(r.Context(), `
			WITH added AS (INSERT INTO users (username) VALUES ($1) RETURNING id)
			INSERT INTO api_keys (user_id, hashed_secret) SELECT id, md5($1) FROM added`, user.Name)
		answer(w, user, err)
	})
	mux.HandleFunc("GET /stand-in/summary", func(w http.ResponseWriter, r *http.Request) {
		seen := summary{Version: version}
		row := db.QueryRowContext(r.Context(), `
			SELECT count(DISTINCT users.id), count(api_keys.id),
				md5(coalesce(string_agg(username || hashed_secret, ',' ORDER BY api_keys.id), ''))
			FROM users LEFT JOIN api_keys ON user_id = users.id`)
		answer(w, &seen, row.Scan(&seen.Users, &seen.Keys, &seen.Checksum))
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
