-- +goose Up
CREATE TABLE heartbeats (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    worker text NOT NULL,
    seen   timestamptz NOT NULL DEFAULT now()
);
