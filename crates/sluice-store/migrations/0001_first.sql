-- Where the counters stand; always one row.
CREATE TABLE meta (
    id               INTEGER PRIMARY KEY CHECK (id = 1),
    -- The resource version that was given out last, to any document. It never goes back.
    resource_version INTEGER NOT NULL,
    -- The last event that was committed: what is missing at the end of the log is found by it.
    head_seq         INTEGER NOT NULL,
    head_hash        TEXT    NOT NULL,
    -- The last event that was pruned: the chain of hashes begins behind it.
    anchor_seq       INTEGER NOT NULL,
    anchor_hash      TEXT    NOT NULL
) STRICT;

INSERT INTO meta VALUES (
    1,
    0,
    0, '0000000000000000000000000000000000000000000000000000000000000000',
    0, '0000000000000000000000000000000000000000000000000000000000000000'
);

CREATE TRIGGER meta_stays BEFORE DELETE ON meta
BEGIN
    SELECT RAISE(ABORT, 'the counters are never deleted');
END;

CREATE TRIGGER meta_only_grows BEFORE UPDATE ON meta
WHEN NEW.resource_version < OLD.resource_version
    OR NEW.head_seq < OLD.head_seq
    OR NEW.anchor_seq < OLD.anchor_seq
    OR NEW.anchor_seq > NEW.head_seq
BEGIN
    SELECT RAISE(ABORT, 'the counters only grow');
END;

CREATE TABLE documents (
    kind             TEXT    NOT NULL,
    -- Empty for kinds that are the same everywhere.
    environment      TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    -- For releases: spec.service.
    service          TEXT,
    document         TEXT    NOT NULL,
    state            TEXT    NOT NULL,
    resource_version INTEGER NOT NULL,
    -- The first resource version: the order of creation, also when the clock was set back.
    created_version  INTEGER NOT NULL,
    is_finished      INTEGER NOT NULL CHECK (is_finished IN (0, 1)),
    -- Milliseconds since 1970.
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    UNIQUE (kind, environment, name)
) STRICT;

CREATE INDEX documents_by_age ON documents (kind, created_version);
CREATE INDEX documents_by_service ON documents (service, environment, created_version) WHERE service IS NOT NULL;
CREATE INDEX documents_unfinished ON documents (kind, environment, name) WHERE is_finished = 0;

CREATE TABLE events (
    seq                 INTEGER PRIMARY KEY,
    at                  INTEGER NOT NULL,
    kind                TEXT    NOT NULL,
    subject_kind        TEXT    NOT NULL,
    subject_environment TEXT    NOT NULL,
    subject_name        TEXT    NOT NULL,
    actor               TEXT    NOT NULL,
    text                TEXT    NOT NULL,
    data                TEXT    NOT NULL,
    previous_hash       TEXT    NOT NULL,
    hash                TEXT    NOT NULL
) STRICT;

CREATE INDEX events_by_subject ON events (subject_kind, subject_environment, subject_name, seq);

CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TRIGGER events_go_only_from_the_start BEFORE DELETE ON events
WHEN OLD.seq > (SELECT anchor_seq FROM meta)
BEGIN
    SELECT RAISE(ABORT, 'events are only deleted up to the anchor');
END;

-- AUTOINCREMENT: a number that was carried out is never given out again.
CREATE TABLE effects (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    release TEXT    NOT NULL,
    body    TEXT    NOT NULL
) STRICT;

CREATE INDEX effects_by_release ON effects (release);

CREATE TABLE remembered (
    key     TEXT    PRIMARY KEY,
    request TEXT    NOT NULL,
    answer  TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

CREATE INDEX remembered_by_age ON remembered (at);
