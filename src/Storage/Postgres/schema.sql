-- What a cluster stores in PostgreSQL. An upgrade applies the newer file: applying this file again changes only the stored statements.
-- Apply the file in one transaction (psql --single-transaction). It refuses a database that an older or a newer build has set up.
-- Orleans' AdoNet providers do not know these tables. They look up their statements in OrleansQuery by key, and pass parameters by name.

DO $$
BEGIN
    IF to_regclass('CozeSchema') IS NULL THEN
        IF to_regclass('OrleansQuery') IS NOT NULL THEN
            RAISE EXCEPTION 'An older build has set up this database. Use another, empty database.';
        END IF;
    ELSIF (SELECT max(Version) FROM CozeSchema) > 1 THEN
        RAISE EXCEPTION 'The database has schema version %, but this build supports version 1. Run the newer build.', (SELECT max(Version) FROM CozeSchema);
    END IF;
END
$$;

-- The versions of this file that have been applied. PostgresSchema.cs contains the newest one.
CREATE TABLE IF NOT EXISTS CozeSchema (
    Version integer PRIMARY KEY,
    AppliedOn timestamptz NOT NULL DEFAULT now());

INSERT INTO CozeSchema (Version) VALUES (1) ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS OrleansQuery (
    QueryKey varchar(64) PRIMARY KEY,
    QueryText text NOT NULL);

-- ---------------------------------------------------------------- membership: the silos of each cluster, and one version of their list per cluster

CREATE TABLE IF NOT EXISTS OrleansMembershipVersionTable (
    DeploymentId varchar(150) PRIMARY KEY,
    "timestamp" timestamptz NOT NULL DEFAULT now(),
    Version integer NOT NULL DEFAULT 0);

CREATE TABLE IF NOT EXISTS OrleansMembershipTable (
    DeploymentId varchar(150) NOT NULL REFERENCES OrleansMembershipVersionTable ON DELETE CASCADE,
    Address varchar(45) NOT NULL,
    Port integer NOT NULL,
    Generation integer NOT NULL,
    SiloName varchar(150) NOT NULL,
    HostName varchar(150) NOT NULL,
    Status integer NOT NULL,
    ProxyPort integer NOT NULL,
    SuspectTimes text,
    StartTime timestamptz NOT NULL,
    IAmAliveTime timestamptz NOT NULL,
    PRIMARY KEY (DeploymentId, Address, Port, Generation));

CREATE OR REPLACE FUNCTION pg_temp.put_query(key text, query text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO OrleansQuery AS known (QueryKey, QueryText) VALUES (key, query)
    ON CONFLICT (QueryKey) DO UPDATE SET QueryText = excluded.QueryText WHERE known.QueryText <> excluded.QueryText
$$;

SELECT pg_temp.put_query('InsertMembershipVersionKey', $q$
    WITH added AS (INSERT INTO OrleansMembershipVersionTable (DeploymentId) VALUES (@DeploymentId) ON CONFLICT DO NOTHING RETURNING 1)
    SELECT EXISTS (SELECT 1 FROM added)
$q$);

-- Members change only together with the version: a silo that has read an older version changes nothing.
SELECT pg_temp.put_query('InsertMembershipKey', $q$
    WITH turn AS (
        UPDATE OrleansMembershipVersionTable SET "timestamp" = now(), Version = Version + 1
        WHERE DeploymentId = @DeploymentId AND Version = @Version AND NOT EXISTS (
            SELECT 1 FROM OrleansMembershipTable
            WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation)
        RETURNING DeploymentId),
    added AS (
        INSERT INTO OrleansMembershipTable (DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, StartTime, IAmAliveTime)
        SELECT DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime FROM turn
        RETURNING 1)
    SELECT EXISTS (SELECT 1 FROM added)
$q$);

SELECT pg_temp.put_query('UpdateMembershipKey', $q$
    WITH turn AS (
        UPDATE OrleansMembershipVersionTable SET "timestamp" = now(), Version = Version + 1
        WHERE DeploymentId = @DeploymentId AND Version = @Version
        RETURNING DeploymentId),
    changed AS (
        UPDATE OrleansMembershipTable AS member SET Status = @Status, SuspectTimes = @SuspectTimes, IAmAliveTime = @IAmAliveTime
        FROM turn
        WHERE member.DeploymentId = turn.DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation
        RETURNING 1)
    SELECT EXISTS (SELECT 1 FROM changed)
$q$);

SELECT pg_temp.put_query('UpdateIAmAlivetimeKey', $q$
    UPDATE OrleansMembershipTable SET IAmAliveTime = @IAmAliveTime
    WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation
$q$);

-- Returns at least one row, so that the version of a cluster without members is known too.
SELECT pg_temp.put_query('MembershipReadRowKey', $q$
    SELECT v.Version, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime, m.IAmAliveTime
    FROM OrleansMembershipVersionTable AS v
    LEFT JOIN OrleansMembershipTable AS m
        ON m.DeploymentId = v.DeploymentId AND m.Address = @Address AND m.Port = @Port AND m.Generation = @Generation
    WHERE v.DeploymentId = @DeploymentId
$q$);

SELECT pg_temp.put_query('MembershipReadAllKey', $q$
    SELECT v.Version, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime, m.IAmAliveTime
    FROM OrleansMembershipVersionTable AS v
    LEFT JOIN OrleansMembershipTable AS m ON m.DeploymentId = v.DeploymentId
    WHERE v.DeploymentId = @DeploymentId
$q$);

SELECT pg_temp.put_query('GatewaysQueryKey', $q$
    SELECT Address, ProxyPort, Generation FROM OrleansMembershipTable
    WHERE DeploymentId = @DeploymentId AND Status = @Status AND ProxyPort > 0
$q$);

SELECT pg_temp.put_query('DeleteMembershipTableEntriesKey', 'DELETE FROM OrleansMembershipVersionTable WHERE DeploymentId = @DeploymentId');

-- Status 3 is an active silo. Its row stays, even if the silo has not reported for a long time.
SELECT pg_temp.put_query('CleanupDefunctSiloEntriesKey', $q$
    DELETE FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId AND IAmAliveTime < @IAmAliveTime AND Status <> 3
$q$);

-- ---------------------------------------------------------------- reminders

CREATE TABLE IF NOT EXISTS OrleansRemindersTable (
    ServiceId varchar(150) NOT NULL,
    GrainId varchar(150) NOT NULL,
    ReminderName varchar(150) NOT NULL,
    GrainHash integer NOT NULL,
    StartTime timestamptz NOT NULL,
    Period bigint NOT NULL,
    Version integer NOT NULL DEFAULT 0,
    PRIMARY KEY (ServiceId, GrainId, ReminderName));

CREATE INDEX IF NOT EXISTS OrleansRemindersByHash ON OrleansRemindersTable (ServiceId, GrainHash);

-- A reminder that is removed and registered again begins with a random version, so that it never gets a version that an activation still has.
SELECT pg_temp.put_query('UpsertReminderRowKey', $q$
    INSERT INTO OrleansRemindersTable AS known (ServiceId, GrainId, ReminderName, GrainHash, StartTime, Period, Version)
    VALUES (@ServiceId, @GrainId, @ReminderName, @GrainHash, @StartTime, @Period, 1 + floor(random() * 1000000000)::integer)
    ON CONFLICT (ServiceId, GrainId, ReminderName)
        DO UPDATE SET GrainHash = excluded.GrainHash, StartTime = excluded.StartTime, Period = excluded.Period, Version = known.Version + 1
    RETURNING Version
$q$);

SELECT pg_temp.put_query('ReadReminderRowsKey', $q$
    SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable WHERE ServiceId = @ServiceId AND GrainId = @GrainId
$q$);

SELECT pg_temp.put_query('ReadReminderRowKey', $q$
    SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable
    WHERE ServiceId = @ServiceId AND GrainId = @GrainId AND ReminderName = @ReminderName
$q$);

-- A range of hashes excludes its begin and includes its end. The second query is for a range that wraps.
SELECT pg_temp.put_query('ReadRangeRows1Key', $q$
    SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable
    WHERE ServiceId = @ServiceId AND GrainHash > @BeginHash AND GrainHash <= @EndHash
$q$);

SELECT pg_temp.put_query('ReadRangeRows2Key', $q$
    SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable
    WHERE ServiceId = @ServiceId AND (GrainHash > @BeginHash OR GrainHash <= @EndHash)
$q$);

SELECT pg_temp.put_query('DeleteReminderRowKey', $q$
    WITH gone AS (
        DELETE FROM OrleansRemindersTable
        WHERE ServiceId = @ServiceId AND GrainId = @GrainId AND ReminderName = @ReminderName AND Version = @Version
        RETURNING 1)
    SELECT EXISTS (SELECT 1 FROM gone)
$q$);

SELECT pg_temp.put_query('DeleteReminderRowsKey', 'DELETE FROM OrleansRemindersTable WHERE ServiceId = @ServiceId');

-- ---------------------------------------------------------------- grain state

-- GrainTypeString is the name of a state. GrainIdExtensionString is the grain's key behind a prefix (see PostgresGrainStorage.cs). The provider also passes
-- numeric keys, but they are zero for a key that is a text, and all of these keys are texts.
CREATE TABLE IF NOT EXISTS OrleansStorage (
    ServiceId varchar(150) NOT NULL,
    GrainTypeString varchar(512) NOT NULL,
    GrainIdExtensionString varchar(512) NOT NULL,
    PayloadBinary bytea NOT NULL,
    ModifiedOn timestamptz NOT NULL,
    Version integer NOT NULL,
    PRIMARY KEY (ServiceId, GrainTypeString, GrainIdExtensionString));

-- States change often: free space in each page lets rows be updated in place, and an early vacuum removes dead rows.
ALTER TABLE OrleansStorage SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

SELECT pg_temp.put_query('ReadFromStorageKey', $q$
    SELECT PayloadBinary, Version FROM OrleansStorage
    WHERE ServiceId = @ServiceId AND GrainTypeString = @GrainTypeString AND GrainIdExtensionString = @GrainIdExtensionString
$q$);

-- A state that is deleted and stored again begins with a random version, so that it never gets a version that an activation still has.
SELECT pg_temp.put_query('WriteToStorageKey', $q$
    WITH changed AS (
        UPDATE OrleansStorage SET PayloadBinary = @PayloadBinary, ModifiedOn = now(), Version = Version + 1
        WHERE ServiceId = @ServiceId AND GrainTypeString = @GrainTypeString AND GrainIdExtensionString = @GrainIdExtensionString
            AND Version = @GrainStateVersion
        RETURNING Version),
    added AS (
        INSERT INTO OrleansStorage (ServiceId, GrainTypeString, GrainIdExtensionString, PayloadBinary, ModifiedOn, Version)
        SELECT @ServiceId, @GrainTypeString, @GrainIdExtensionString, @PayloadBinary, now(), 1 + floor(random() * 1000000000)::integer
        WHERE @GrainStateVersion IS NULL
        ON CONFLICT DO NOTHING
        RETURNING Version)
    SELECT Version AS NewGrainStateVersion FROM changed UNION ALL SELECT Version FROM added
$q$);

SELECT pg_temp.put_query('ClearStorageKey', $q$
    DELETE FROM OrleansStorage
    WHERE ServiceId = @ServiceId AND GrainTypeString = @GrainTypeString AND GrainIdExtensionString = @GrainIdExtensionString
        AND Version = @GrainStateVersion
    RETURNING Version + 1
$q$);

SELECT pg_temp.put_query('DeleteStorageKey', (SELECT QueryText FROM OrleansQuery WHERE QueryKey = 'ClearStorageKey'));

-- ---------------------------------------------------------------- blobs: uploads and images, stored for some hours

CREATE TABLE IF NOT EXISTS CozeBlobs (
    Id varchar(64) PRIMARY KEY,
    Content bytea NOT NULL,
    ExpiresOn timestamptz NOT NULL);

-- Pictures and documents are compressed already, so PostgreSQL does not compress them again.
ALTER TABLE CozeBlobs ALTER COLUMN Content SET STORAGE EXTERNAL;

CREATE INDEX IF NOT EXISTS CozeBlobsByExpiry ON CozeBlobs (ExpiresOn);

-- ---------------------------------------------------------------- the fleet: what operators declare, one row for each thing; the row of kind 0 has its version

CREATE TABLE IF NOT EXISTS CozeFleet (
    ServiceId varchar(150) NOT NULL,
    Kind smallint NOT NULL,
    Id varchar(200) COLLATE "C" NOT NULL,
    Version bigint NOT NULL,
    Payload bytea,
    PRIMARY KEY (ServiceId, Kind, Id));
