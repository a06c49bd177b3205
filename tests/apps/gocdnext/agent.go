package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
)

// agent keeps itself registered under its name, and registers anew when the server has gone.
func agent(ctx context.Context) error {
	name := os.Getenv("GOCDNEXT_AGENT_NAME")
	place := url.URL{
		Scheme:   "http",
		Host:     os.Getenv("GOCDNEXT_SERVER_ADDR"),
		Path:     "/register",
		RawQuery: url.Values{"name": {name}}.Encode(),
	}
	for ctx.Err() == nil {
		if err := stayRegistered(ctx, place.String(), os.Getenv("GOCDNEXT_AGENT_TOKEN")); err != nil && ctx.Err() == nil {
			slog.Warn("register", "agent", name, "err", err.Error())
		}
		pause(ctx)
	}
	return nil
}

func stayRegistered(ctx context.Context, place, token string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, place, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server says %s", response.Status)
	}
	slog.Info("registered")
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// web knows the server's address and nothing of the database.
func web(ctx context.Context) error {
	return listen(ctx, map[string]http.Handler{":3000": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "the web interface of gocdnext at %s (a stand-in)\n", os.Getenv("GOCDNEXT_API_URL"))
	})})
}
