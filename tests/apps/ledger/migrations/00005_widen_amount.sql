-- +goose Up
-- bigint and numeric are stored differently: every row is written anew under an ACCESS EXCLUSIVE lock.
ALTER TABLE entries ALTER COLUMN amount_cents TYPE numeric(30, 0);
