-- +goose Up
CREATE INDEX entries_account_idx ON entries (account);
