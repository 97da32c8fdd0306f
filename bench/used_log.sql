-- A server that has been running has its log files: it makes new ones out of old ones. A fresh one makes each of them while a COMMIT waits, 16 MiB of
-- zeros and a sync, 20 to 60 ms. This uses up as many as `min_wal_size` keeps, then lets the server take them back.
select count(pg_switch_wal()) from generate_series(1, 128) as n where pg_logical_emit_message(false, 'bench', n::text) is not null;
checkpoint;
