-- What a cluster stores in PostgreSQL. An upgrade applies the newer file: applying this file again changes only the stored statements.
-- Apply the file in one transaction (psql --single-transaction). It refuses a database that an older or a newer build has set up.
-- Orleans' AdoNet providers do not know these tables. They look up their statements in OrleansQuery by key, and pass parameters by name.

DO $$
DECLARE
    found integer;
BEGIN
    IF to_regclass('CozeSchema') IS NULL THEN
        IF to_regclass('OrleansQuery') IS NOT NULL THEN
            RAISE EXCEPTION 'An older build has set up this database. Use another, empty database.';
        END IF;
        RETURN;
    END IF;
    SELECT max(Version) INTO found FROM CozeSchema;
    IF found < 5 THEN
        RAISE EXCEPTION
            'The database has schema version %, but this build supports version 5. An older build has set it up: use another, empty database.', found;
    ELSIF found > 5 THEN
        RAISE EXCEPTION 'The database has schema version %, but this build supports version 5. Run the newer build.', found;
    END IF;
END
$$;

-- The versions of this file that have been applied. PostgresSchema.cs contains the newest one.
CREATE TABLE IF NOT EXISTS CozeSchema (
    Version integer PRIMARY KEY,
    AppliedOn timestamptz NOT NULL DEFAULT now());

INSERT INTO CozeSchema (Version) VALUES (5) ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS OrleansQuery (
    QueryKey varchar(64) PRIMARY KEY,
    QueryText text NOT NULL);

-- ---------------------------------------------------------------- membership: the silos of each cluster, and one version of their list per cluster

CREATE TABLE IF NOT EXISTS OrleansMembershipVersionTable (
    DeploymentId varchar(150) PRIMARY KEY,
    "timestamp" timestamptz NOT NULL DEFAULT now(),
    Version integer NOT NULL DEFAULT 0);

CREATE TABLE IF NOT EXISTS OrleansMembershipTable (
    DeploymentId varchar(150) NOT NULL REFERENCES OrleansMembershipVersionTable ON DELETE CASCADE, Address varchar(45) NOT NULL, Port integer NOT NULL,
    Generation integer NOT NULL, SiloName varchar(150) NOT NULL, HostName varchar(150) NOT NULL, Status integer NOT NULL, ProxyPort integer NOT NULL,
    SuspectTimes text, StartTime timestamptz NOT NULL, IAmAliveTime timestamptz NOT NULL,
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
    ServiceId varchar(150) NOT NULL, GrainId varchar(150) NOT NULL, ReminderName varchar(150) NOT NULL, GrainHash integer NOT NULL,
    StartTime timestamptz NOT NULL, Period bigint NOT NULL, Version integer NOT NULL DEFAULT 0,
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
    ServiceId varchar(150) NOT NULL, GrainTypeString varchar(512) NOT NULL, GrainIdExtensionString varchar(512) NOT NULL, PayloadBinary bytea NOT NULL,
    ModifiedOn timestamptz NOT NULL, Version integer NOT NULL,
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

-- ---------------------------------------------------------------- conversations and turns

-- Each process with a silo takes a number, modulo 1024, as part of the ids of its turns (see TurnRowId). Should two running processes have the same number, ids
-- can be equal only in the same millisecond, and then the second insert is a conflict.
CREATE SEQUENCE IF NOT EXISTS CozeProcessNumbers;

-- Texts that are compared or ordered have the collation "C": it orders by code point, and compares faster than a language does.
CREATE TABLE IF NOT EXISTS CozeConversations (
    ServiceId text COLLATE "C" NOT NULL, ConversationKey text COLLATE "C" NOT NULL, TenantId text COLLATE "C" NOT NULL, Name text COLLATE "C", Title text,
    CreatedOn timestamptz NOT NULL, LastUsedOn timestamptz NOT NULL, ExpiresOn timestamptz NOT NULL, Version bigint NOT NULL, Turns integer NOT NULL,
    IsDeleted boolean NOT NULL,
    PRIMARY KEY (ServiceId, ConversationKey));

CREATE INDEX IF NOT EXISTS CozeConversationsByUse ON CozeConversations (ServiceId, TenantId, LastUsedOn DESC, Name) WHERE Name IS NOT NULL AND NOT IsDeleted;
CREATE INDEX IF NOT EXISTS CozeConversationsByExpiry ON CozeConversations (ServiceId, ExpiresOn);

-- ConversationKey is null when the turn has left its conversation and remains in the log. Id contains the time at which the turn was accepted (see TurnRowId).
-- Status: 0 queued, 1 running, 2 completed, 3 failed, 4 cancelled. Error is a name of ErrorCode.
--
-- The three generated columns are what indexes need of columns that change while a turn runs. They change only when the turn ends: an update before that
-- changes no indexed value, so PostgreSQL writes the row and no index (a HOT update).
CREATE TABLE IF NOT EXISTS CozeTurns (
    Id bigint NOT NULL,
    Version bigint NOT NULL,
    CreatedOn timestamptz NOT NULL,
    FirstTextOn timestamptz,
    EndedOn timestamptz,
    InputTokens bigint,
    OutputTokens bigint,
    Attempts integer NOT NULL,
    Status smallint NOT NULL,
    IsHistory boolean NOT NULL,
    ServiceId text COLLATE "C" NOT NULL,
    ConversationKey text COLLATE "C",
    TurnId text COLLATE "C" NOT NULL,
    TenantId text COLLATE "C" NOT NULL,
    KeyName text,
    UserName text COLLATE "C",
    Model text COLLATE "C" NOT NULL,
    Upstream text,
    BotId text COLLATE "C",
    AccountId text COLLATE "C",
    Error text,
    Handle bytea,
    Details bytea NOT NULL,
    Epoch bigint,
    ChargedRequests bigint,
    ChargedTokens bigint,
    ChargedCredits bigint,
    ChargeDay integer,
    ChargeState smallint,
    FailedStatus smallint GENERATED ALWAYS AS (CASE WHEN Status IN (3, 4) THEN Status END) STORED,
    EndedBotId text COLLATE "C" GENERATED ALWAYS AS (CASE WHEN EndedOn IS NOT NULL THEN BotId END) STORED,
    EndedAccountId text COLLATE "C" GENERATED ALWAYS AS (CASE WHEN EndedOn IS NOT NULL THEN AccountId END) STORED,
    PRIMARY KEY (ServiceId, Id));

CREATE INDEX IF NOT EXISTS CozeTurnsByConversation ON CozeTurns (ServiceId, ConversationKey, Id) WHERE ConversationKey IS NOT NULL;
-- Two activations of a conversation cannot both store the same turn. Turns that have left their conversation are never equal here.
CREATE UNIQUE INDEX IF NOT EXISTS CozeTurnsByTurn ON CozeTurns (ServiceId, TurnId, ConversationKey);
CREATE INDEX IF NOT EXISTS CozeTurnsUnfinished ON CozeTurns (ServiceId, ConversationKey, Id) WHERE EndedOn IS NULL;
CREATE INDEX IF NOT EXISTS CozeTurnsByTenant ON CozeTurns (ServiceId, TenantId, Id);
-- A client may send a text of any length as its user, but an entry of an index has a greatest length.
CREATE INDEX IF NOT EXISTS CozeTurnsByUser ON CozeTurns (ServiceId, left(UserName, 64), Id) WHERE UserName IS NOT NULL;
CREATE INDEX IF NOT EXISTS CozeTurnsByModel ON CozeTurns (ServiceId, Model, Id);
CREATE INDEX IF NOT EXISTS CozeTurnsByBot ON CozeTurns (ServiceId, EndedBotId, Id) WHERE EndedBotId IS NOT NULL;
CREATE INDEX IF NOT EXISTS CozeTurnsByAccount ON CozeTurns (ServiceId, EndedAccountId, Id) WHERE EndedAccountId IS NOT NULL;
CREATE INDEX IF NOT EXISTS CozeTurnsFailed ON CozeTurns (ServiceId, FailedStatus, Id) WHERE FailedStatus IS NOT NULL;
CREATE INDEX IF NOT EXISTS CozeTurnsLogOnly ON CozeTurns (ServiceId, Id) WHERE NOT IsHistory;

-- These columns of a row never change.
CREATE INDEX IF NOT EXISTS CozeTurnsOfEpoch ON CozeTurns (ServiceId, Epoch, KeyName) WHERE Epoch IS NOT NULL;

-- Kind is a number of TurnContentKind. TurnRow is the id of a row in CozeTurns.
CREATE TABLE IF NOT EXISTS CozeContents (
    TurnRow bigint NOT NULL,
    ExpiresOn timestamptz,
    Kind smallint NOT NULL,
    ServiceId text COLLATE "C" NOT NULL,
    Payload bytea NOT NULL,
    PRIMARY KEY (ServiceId, TurnRow, Kind));

CREATE INDEX IF NOT EXISTS CozeContentsByExpiry ON CozeContents (ServiceId, ExpiresOn) WHERE ExpiresOn IS NOT NULL;

-- A turn is updated twice in the seconds after its insert: free space in each page keeps the first update on its page, which a HOT update requires. Every
-- update or deletion leaves a dead row: an early vacuum makes its space usable again before a table has grown by a fifth.
ALTER TABLE CozeTurns SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE CozeConversations SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE CozeContents SET (autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_scale_factor = 0.02);

-- Ends the transaction if a statement before it has not changed exactly one row, because another activation has changed or deleted that row.
CREATE OR REPLACE FUNCTION CozeRequireOne(changed bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF changed <> 1 THEN
        RAISE EXCEPTION 'The row has another version.' USING ERRCODE = 'CZ001';
    END IF;
END
$$;

-- Ends the transaction if a turn with a charge was not inserted, because the epoch of the charge is closed.
CREATE OR REPLACE FUNCTION CozeRequireOpen(inserted bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF inserted <> 1 THEN
        RAISE EXCEPTION 'The epoch of the charge is closed.' USING ERRCODE = 'CZ002';
    END IF;
END
$$;

-- The open epochs of ledger shards. A turn is inserted under a lock of its epoch, so closing an epoch waits for the turns that are being inserted.
CREATE TABLE IF NOT EXISTS CozeLedgerEpochs (
    ServiceId text COLLATE "C" NOT NULL, Epoch bigint NOT NULL, Shard integer NOT NULL, TenantId text COLLATE "C" NOT NULL,
    PRIMARY KEY (ServiceId, Epoch));

CREATE INDEX IF NOT EXISTS CozeLedgerEpochsOfShard ON CozeLedgerEpochs (ServiceId, TenantId, Shard);

-- ---------------------------------------------------------------- usage: what turns have used, by hour

-- Turns that have ended and are not part of the usage yet. The statement that ends a turn adds a row. A row is deleted in the transaction that counts its turn.
CREATE TABLE IF NOT EXISTS CozeUncountedTurns (
    TurnRow bigint NOT NULL, ServiceId text COLLATE "C" NOT NULL,
    PRIMARY KEY (ServiceId, TurnRow));

-- Hour: since 1970 UTC. Texts are empty for turns without such a thing, and short enough for an entry of an index.
CREATE TABLE IF NOT EXISTS CozeUsage (
    Hour bigint NOT NULL, Completed bigint NOT NULL, Failed bigint NOT NULL, Cancelled bigint NOT NULL, Unknown bigint NOT NULL, Attempts bigint NOT NULL,
    InputTokens bigint NOT NULL, OutputTokens bigint NOT NULL, Credits bigint NOT NULL, ServiceId text COLLATE "C" NOT NULL,
    TenantId text COLLATE "C" NOT NULL, KeyName text COLLATE "C" NOT NULL, UserName text COLLATE "C" NOT NULL, Model text COLLATE "C" NOT NULL,
    BotId text COLLATE "C" NOT NULL, AccountId text COLLATE "C" NOT NULL,
    PRIMARY KEY (ServiceId, Hour, TenantId, KeyName, UserName, Model, BotId, AccountId));

CREATE INDEX IF NOT EXISTS CozeUsageOfTenant ON CozeUsage (ServiceId, TenantId, Hour);

CREATE TABLE IF NOT EXISTS CozeKeyUses (
    LastUsedOn timestamptz NOT NULL, ServiceId text COLLATE "C" NOT NULL, TenantId text COLLATE "C" NOT NULL, KeyName text COLLATE "C" NOT NULL,
    PRIMARY KEY (ServiceId, TenantId, KeyName));

-- Rows of the present hour change every minute, and uncounted turns live about a minute.
ALTER TABLE CozeUsage SET (autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE CozeUncountedTurns SET (autovacuum_vacuum_scale_factor = 0.02);

-- ---------------------------------------------------------------- blobs: uploads and images, stored for some hours

CREATE TABLE IF NOT EXISTS CozeBlobs (
    Id varchar(64) PRIMARY KEY,
    Content bytea NOT NULL,
    ExpiresOn timestamptz NOT NULL);

-- Pictures and documents are compressed already, so PostgreSQL does not compress them again.
ALTER TABLE CozeBlobs ALTER COLUMN Content SET STORAGE EXTERNAL;

CREATE INDEX IF NOT EXISTS CozeBlobsByExpiry ON CozeBlobs (ExpiresOn);

-- ---------------------------------------------------------------- the audit log: what admin keys have done

-- Id contains the time (see AuditEntry). Role is a number of AdminRole; 4 is a tenant admin, and null is the key of a tenant.
CREATE TABLE IF NOT EXISTS CozeAudit (
    ServiceId text COLLATE "C" NOT NULL,
    Id text COLLATE "C" NOT NULL,
    ActorTenantId text NOT NULL,
    KeyName text NOT NULL,
    Role smallint,
    Address text NOT NULL,
    Action text NOT NULL,
    Kind text NOT NULL,
    ItemId text NOT NULL,
    TenantId text COLLATE "C",
    Outcome text NOT NULL,
    Fields text NOT NULL,
    Note text,
    RequestId text NOT NULL,
    PRIMARY KEY (ServiceId, Id));

CREATE INDEX IF NOT EXISTS CozeAuditByTenant ON CozeAudit (ServiceId, TenantId, Id);
CREATE INDEX IF NOT EXISTS CozeAuditOfTenants ON CozeAudit (ServiceId, Id) WHERE Role IS NULL OR Role = 4;

-- ---------------------------------------------------------------- the fleet: what operators declare, one row for each thing; the row of kind 0 has its version

CREATE TABLE IF NOT EXISTS CozeFleet (
    ServiceId varchar(150) NOT NULL,
    Kind smallint NOT NULL,
    Id varchar(200) COLLATE "C" NOT NULL,
    Version bigint NOT NULL,
    Payload bytea,
    PRIMARY KEY (ServiceId, Kind, Id));
