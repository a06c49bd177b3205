-- +goose Up
ALTER TABLE entries ADD COLUMN fingerprint text;
UPDATE entries SET fingerprint = md5(id || ':' || account || ':' || amount_cents);
