using System.Data.Common;

namespace CozeCluster.Storage;

/// <summary>A condition of a search in the audit log.</summary>
internal readonly record struct AuditTerm(string SqliteColumn, string PostgresColumn, string Operator, string Value);

/// <summary>The columns of the audit log, the same in both databases.</summary>
internal static class AuditRow
{
    public const string SqliteColumns = "id, actor_tenant, key_name, role, address, action, kind, item, tenant, outcome, fields, note, request";

    public const string PostgresColumns =
        "Id, ActorTenantId, KeyName, Role, Address, Action, Kind, ItemId, TenantId, Outcome, Fields, Note, RequestId";

    // No name of a field contains it.
    private const char Separator = ',';

    public static object?[] ValuesOf(AuditEntry entry) =>
    [
        entry.Id, entry.Actor.TenantId, entry.Actor.KeyName, entry.Actor.Role is { } role ? (long)role : null, entry.Actor.Address, entry.Action, entry.Kind,
        entry.ItemId, entry.TenantId, entry.Outcome, string.Join(Separator, entry.Fields), entry.Note, entry.RequestId,
    ];

    public static AuditEntry Read(DbDataReader row)
    {
        AdminRole? role = row.IsDBNull(3) ? null : (AdminRole)row.GetInt64(3);
        return new AuditEntry(
            row.GetString(0), new AuditActor(row.GetString(1), row.GetString(2), role, row.GetString(4)), row.GetString(5), row.GetString(6), row.GetString(7))
        {
            TenantId = row.IsDBNull(8) ? null : row.GetString(8),
            Outcome = row.GetString(9),
            Fields = row.GetString(10).Split(Separator, StringSplitOptions.RemoveEmptyEntries),
            Note = row.IsDBNull(11) ? null : row.GetString(11),
            RequestId = row.GetString(12),
        };
    }

    public static IReadOnlyList<AuditTerm> TermsOf(AuditQuery query)
    {
        var terms = new List<AuditTerm>();
        Add("tenant", "TenantId", "=", query.TenantId);
        Add("key_name", "KeyName", "=", query.KeyName);
        Add("action", "Action", "=", query.Action);
        Add("kind", "Kind", "=", query.Kind);
        Add("item", "ItemId", "=", query.ItemId);
        Add("outcome", "Outcome", "=", query.Outcome);
        Add("id", "Id", ">=", query.From is { } from ? AuditEntry.FirstId(from) : null);
        Add("id", "Id", "<", query.Until is { } until ? AuditEntry.FirstId(until) : null);
        Add("id", "Id", "<", query.Before);
        return terms;

        void Add(string sqlite, string postgres, string comparison, string? value)
        {
            if (value is not null) terms.Add(new(sqlite, postgres, comparison, value));
        }
    }
}
