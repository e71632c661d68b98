using System.Security.Cryptography;

namespace CozeCluster.Storage.Tests.Moving;

/// <summary>Rows of every kind, in the order of a source, and sources and targets for them.</summary>
internal static class SampleRows
{
    public static readonly StoreOrigin Origin = new(StoreOrigin.Sqlite, SqliteSchema.Version, null);

    private const long Time = 1_700_000_000_123;

    // What lives shorter than a test would be gone before its end.
    private static readonly long Later = TimeProvider.System.GetUtcNow().AddDays(1).ToUnixTimeMilliseconds();

    public static IReadOnlyList<StoredRow> All { get; } =
    [
        State("bot", "012", "{}"), State("bot", "12", "{}", version: 7), State("test", "键", """{"Text":"保存"}""", version: int.MaxValue),
        Row(RowKind.Reminder, "test/r", "tea", Later, 60_000L, 3L), Row(RowKind.Reminder, "test/r", "water", Later + 1, 120_000L, 4L),
        Row(RowKind.Conversation, "t/named", "t", "kept 保存", "A title", Time, Time + 1, 3L, Later, 0L, 1L << 61),
        Row(RowKind.Conversation, "t/tombstone", "t", null, null, Time, Time + 2, 0L, Later, 1L, 5L),
        Row(
            RowKind.Turn, 1L << 41, "t/named", "turn-1", 3L, "t", "key", "user 用户", "model", 2L, Time, Time + 3, Time + 4, "coze", "bot", "account", 2L, null,
            10L, 1L << 40, 1L, "handle"u8.ToArray(), "details"u8.ToArray(), 1L << 60, 20_000L, 2L, 1L, 1L << 41, 7L),
        Row(
            RowKind.Turn, (1L << 41) + 1, null, "turn-1", 1L, "t", null, null, "model", 3L, Time, null, null, null, null, null, 0L, "UpstreamFailed", null,
            null, 0L, null, Array.Empty<byte>(), null, null, null, null, null, null),
        Row(
            RowKind.Turn, (1L << 41) + 2, "t/named", "turn-2", 1L, "t", null, null, "model", 0L, Time, null, null, null, null, null, 0L, null, null, null,
            1L, null, "details"u8.ToArray(), null, null, null, null, null, null),
        Row(RowKind.Content, 1L << 41, 2L, "prompt"u8.ToArray(), null),
        Row(RowKind.Content, 1L << 41, 3L, Enumerable.Range(0, 200_000).Select(i => (byte)(i * 7)).ToArray(), Later),
        Row(RowKind.Content, (1L << 41) + 2, (long)TurnContentKind.Request, "request"u8.ToArray(), null),
        Row(RowKind.Fleet, 0L, "", 9L, null), Row(RowKind.Fleet, 2L, "t", 8L, "tenant"u8.ToArray()), Row(RowKind.Fleet, 3L, "a", 9L, "key"u8.ToArray()),
        Row(RowKind.Audit, "1", "t", "ops", 3L, "::1", "cancelTurn", "turn", "turn-1", "t", "ok", "", null, "req-1"),
        Row(RowKind.Audit, "2", "t", "app", null, "", "listAudit", "", "", null, "permission_denied", "a,b", "note", "req-2"),
        .. new[] { Blob("a", [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 31))]), Blob("b", []), Blob("b", "small"u8) }
            .OrderBy(blob => (string)blob["id"]!, StringComparer.Ordinal),
    ];

    public static StoredRow Row(RowKind kind, params object?[] values) => new(kind, values);

    public static StoredRow State(string name, string key, string json, long version = 1) =>
        Row(RowKind.State, name, key, version, Time, System.Text.Encoding.UTF8.GetBytes(json));

    public static StoredRow Blob(string tenant, ReadOnlySpan<byte> content) => Row(
        RowKind.Blob,
        GrainKeys.Hash("blobs", tenant) + "." + GrainKeys.Encode(SHA256.HashData(content).AsSpan(0, 16)),
        Later,
        content.ToArray());

    /// <summary>All rows of a source as texts, which tests compare.</summary>
    public static async Task<List<string>> ReadAsync(IStoreSource source)
    {
        await using (source)
        {
            var rows = new List<string>();
            await foreach (var row in source.ReadAsync(TestContext.Current.CancellationToken)) rows.Add(ToText(row));
            return rows;
        }
    }

    public static List<string> ToTexts(this IEnumerable<StoredRow> rows) => [.. rows.Select(ToText)];

    /// <summary>Copies, and disposes both ends.</summary>
    public static async Task<StoreCounts> CopyAsync(IStoreSource source, IStoreTarget target)
    {
        await using (source)
        await using (target) return await StoreCopy.RunAsync(source, target, TestContext.Current.CancellationToken);
    }

    public static async Task<StoreCounts> CopyToFileAsync(IStoreSource source, string file) =>
        await CopyAsync(source, BackupFileTarget.Create(file, source.Origin, TimeProvider.System));

    private static string ToText(StoredRow row) => $"{row.Kind} " + string.Join(' ', RowColumns.Of(row.Kind).Zip(row.Values, (column, value) =>
        $"{column.Name}={(value is byte[] bytes ? Convert.ToHexStringLower(bytes.Length > 100 ? SHA256.HashData(bytes) : bytes) : value ?? "null")}"));
}

/// <summary>A source of rows in memory.</summary>
/// <param name="rows">The rows. An exception that they throw is that of the source.</param>
internal sealed class MemorySource(IEnumerable<StoredRow> rows) : IStoreSource
{
    public StoreOrigin Origin => SampleRows.Origin;

    public IReadOnlyList<string> DamagedBlobs => [];

    public IAsyncEnumerable<StoredRow> ReadAsync(CancellationToken cancellationToken) => rows.ToAsyncEnumerable();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Returns some rows, then fails as a disk does.</summary>
    public static MemorySource Failing(IEnumerable<StoredRow> rows) => new(rows.Concat(Fail()));

    private static IEnumerable<StoredRow> Fail()
    {
        if (SampleRows.All.Count > 0) throw new IOException("No space left on device");
        yield break;
    }
}

/// <summary>A folder that is deleted after the test.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("moving-").FullName;

    /// <summary>A path in the folder that does not exist yet.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    public IEnumerable<string> Names => Directory.EnumerateFileSystemEntries(Path).Select(path => System.IO.Path.GetFileName(path)).Order();

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
