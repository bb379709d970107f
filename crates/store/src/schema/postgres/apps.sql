-- Apps and their keys. Settings are JSON, so that a new toggle needs no step. Texts that are sorted
-- by are compared byte by byte, whatever the language of the database.
CREATE TABLE app (
    id text COLLATE "C" PRIMARY KEY,
    account text COLLATE "C",
    settings text NOT NULL,
    created_at_ms bigint NOT NULL
);
CREATE INDEX app_by_account ON app (account);

CREATE TABLE app_key (
    key text COLLATE "C" PRIMARY KEY,
    app text COLLATE "C" NOT NULL REFERENCES app (id) ON DELETE CASCADE,
    secret text NOT NULL,
    active boolean NOT NULL,
    created_at_ms bigint
);
CREATE INDEX app_key_by_app ON app_key (app);

-- What the running servers must notice: it grows with every change of apps, keys, endpoints, secrets
-- and wanted replays, and with nothing else. One row, and no sequence: who sees the new number must
-- see what has changed.
CREATE TABLE change (n bigint NOT NULL);
INSERT INTO change (n) VALUES (1);

-- Counted at the end of a transaction, and once: this row is the last that it locks, so that two of
-- them never wait for each other in a circle.
CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE change SET n = n + 1 WHERE xmin <> pg_current_xact_id()::xid;
    NOTIFY bellwire_change;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER app_changed AFTER INSERT OR UPDATE OR DELETE ON app
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_change();
CREATE CONSTRAINT TRIGGER app_key_changed AFTER INSERT OR UPDATE OR DELETE ON app_key
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_change();
