-- +goose Up
-- A constant default is stored in the catalogue: no row is rewritten, whatever the size of the table.
ALTER TABLE entries ADD COLUMN currency text NOT NULL DEFAULT 'EUR';
