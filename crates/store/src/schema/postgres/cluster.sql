-- The nodes. A lease ends by the clock of the database, so that ours may differ.
CREATE TABLE node (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    address text NOT NULL,
    version text NOT NULL,
    started_at_ms bigint NOT NULL,
    state text NOT NULL,
    lease_until timestamptz NOT NULL
);

-- What nodes tell the desk, in each node's order; over all, about in the order in which it came. Rows live for moments, so their places have to be
-- given back often.
CREATE TABLE feed (
    node bigint NOT NULL,
    n bigint NOT NULL,
    came bigint GENERATED ALWAYS AS IDENTITY,
    body bytea NOT NULL,
    PRIMARY KEY (node, n)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- The last row of a feed that is heard. Apart from the node, so that who beats never waits for the
-- desk.
CREATE TABLE heard (
    node bigint PRIMARY KEY,
    n bigint NOT NULL
) WITH (fillfactor = 50);
