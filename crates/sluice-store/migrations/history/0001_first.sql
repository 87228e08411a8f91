-- What samples are of.
CREATE TABLE series (
    id          INTEGER PRIMARY KEY,
    environment TEXT    NOT NULL,
    service     TEXT    NOT NULL,
    -- Empty for all versions together.
    version     TEXT    NOT NULL,
    -- `traffic`, `path` or `metric`, and which.
    kind        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    UNIQUE (environment, service, version, kind, name)
) STRICT;

CREATE TABLE samples (
    id     INTEGER PRIMARY KEY,
    series INTEGER NOT NULL,
    -- 0: as recorded, a minute of it; 1: one minute added up; 2: ten minutes added up.
    grain  INTEGER NOT NULL,
    -- When the minute or the ten minutes began, in milliseconds since the epoch.
    start  INTEGER NOT NULL,
    data   BLOB    NOT NULL,
    UNIQUE (series, grain, start)
) STRICT;

-- The oldest goes first.
CREATE INDEX samples_by_age ON samples (grain, start);

CREATE TABLE notes (
    id      INTEGER PRIMARY KEY,
    release TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    account TEXT    NOT NULL
) STRICT;

CREATE INDEX notes_by_release ON notes (release, at);
CREATE INDEX notes_by_age ON notes (at);

-- What did not read, set aside for who wants to look.
CREATE TABLE damaged (
    id     INTEGER PRIMARY KEY,
    series INTEGER NOT NULL,
    grain  INTEGER NOT NULL,
    start  INTEGER NOT NULL,
    data   BLOB    NOT NULL,
    why    TEXT    NOT NULL
) STRICT;
