-- +goose Up
DROP TABLE heartbeats;
CREATE TABLE worker_status (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    worker text NOT NULL,
    seen   timestamptz NOT NULL DEFAULT now()
);
