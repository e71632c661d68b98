namespace CozeCluster.Storage;

/// <summary>The tables of conversations, turns and contents.</summary>
internal static class SqliteTurnTables
{
    // Each index ends with the row's id by itself, so it is ordered by time. An index that few rows are in costs the others nothing.
    //
    // conversations: without rowid, because a head is small and is read by its key only.
    // turns.conversation: null for a row that is in the log only.
    // turns_by_turn: also prevents that two activations of a conversation without a head store the same turn. It does not compare rows without a conversation.
    // turns_by_status: those that failed (3) or were cancelled (4). Turns that have not ended are in turns_unfinished, and most others are completed.
    // contents: with rowid, because the payload of a row can be large.
    public const string Sql = """
        CREATE TABLE IF NOT EXISTS conversations (
            key TEXT PRIMARY KEY, tenant TEXT NOT NULL, name TEXT, title TEXT, created_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL,
            turns INTEGER NOT NULL, expires_at INTEGER NOT NULL, is_deleted INTEGER NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS conversations_by_use ON conversations (tenant, last_used_at DESC, name) WHERE name IS NOT NULL AND is_deleted = 0;
        CREATE INDEX IF NOT EXISTS conversations_expiring ON conversations (expires_at);
        CREATE TABLE IF NOT EXISTS turns (
            id INTEGER PRIMARY KEY, conversation TEXT, turn_id TEXT NOT NULL, version INTEGER NOT NULL, tenant TEXT NOT NULL, key_name TEXT, user TEXT,
            model TEXT NOT NULL, status INTEGER NOT NULL, created_at INTEGER NOT NULL, first_text_at INTEGER, ended_at INTEGER, upstream TEXT, bot TEXT,
            account TEXT, attempts INTEGER NOT NULL, error TEXT, input_tokens INTEGER, output_tokens INTEGER, is_history INTEGER NOT NULL, handle BLOB,
            details BLOB NOT NULL, epoch INTEGER, charge_day INTEGER, charge_state INTEGER, charged_requests INTEGER, charged_tokens INTEGER,
            charged_credits INTEGER);
        CREATE INDEX IF NOT EXISTS turns_of_conversation ON turns (conversation) WHERE conversation IS NOT NULL;
        CREATE UNIQUE INDEX IF NOT EXISTS turns_by_turn ON turns (turn_id, conversation);
        CREATE INDEX IF NOT EXISTS turns_unfinished ON turns (conversation) WHERE ended_at IS NULL;
        CREATE INDEX IF NOT EXISTS turns_by_tenant ON turns (tenant);
        CREATE INDEX IF NOT EXISTS turns_by_user ON turns (user) WHERE user IS NOT NULL;
        CREATE INDEX IF NOT EXISTS turns_by_model ON turns (model);
        CREATE INDEX IF NOT EXISTS turns_by_bot ON turns (bot) WHERE bot IS NOT NULL;
        CREATE INDEX IF NOT EXISTS turns_by_account ON turns (account) WHERE account IS NOT NULL;
        CREATE INDEX IF NOT EXISTS turns_by_status ON turns (status) WHERE status = 3 OR status = 4;
        CREATE INDEX IF NOT EXISTS turns_of_log ON turns (is_history) WHERE is_history = 0;
        CREATE INDEX IF NOT EXISTS turns_of_epoch ON turns (epoch, key_name) WHERE epoch IS NOT NULL;
        CREATE TABLE IF NOT EXISTS contents (
            turn INTEGER NOT NULL, kind INTEGER NOT NULL, payload BLOB NOT NULL, expires_at INTEGER, PRIMARY KEY (turn, kind));
        CREATE INDEX IF NOT EXISTS contents_expiring ON contents (expires_at) WHERE expires_at IS NOT NULL;
        """;
}
