-- +goose Up
CREATE TABLE entries (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account      text NOT NULL,
    amount_cents bigint NOT NULL,
    note         text,
    created_at   timestamptz NOT NULL DEFAULT now()
);
