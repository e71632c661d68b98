using CozeCluster.TestKit;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Storage.Tests.Sqlite;

/// <summary>Which index each statement uses.</summary>
public sealed class SqliteTurnSearchTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("search-").FullName;
    private readonly SqliteConnection _connection;

    public SqliteTurnSearchTests()
    {
        _connection = new(SqliteSchema.ConnectionString(_directory));
        SqliteSchema.Open(_connection, Durability.Process);
    }

    [Fact]
    public void BuildSql_EverySetOfTerms_UsesTheIndexOfTheMostSelectiveTerm()
    {
        // 64 sets of terms, each without a state and with each of the five.
        for (var shape = 0; shape < 64 * 6; shape++)
        {
            var status = (shape >> 6) - 1;
            var expected =
                Has(0) ? "turns_by_turn" :
                Has(1) ? "turns_by_user" :
                status is 0 or 1 ? "turns_unfinished" :
                status is 3 or 4 ? "turns_by_status" :
                Has(2) ? "turns_by_account" :
                Has(3) ? "turns_by_bot" :
                Has(4) ? "turns_by_model" :
                Has(5) ? "turns_by_tenant" : "INTEGER PRIMARY KEY";

            var plan = Explain(SqliteTurnSearch.BuildSql(shape));

            Assert.Contains(expected, plan[0], StringComparison.Ordinal);
            // Only the index of the few turns that have not ended is read whole.
            Assert.StartsWith(expected == "turns_unfinished" ? "SCAN" : "SEARCH", plan[0], StringComparison.Ordinal);
            // Rows are sorted only where there are few: those of one turn id, and those that have not ended.
            if (expected is not ("turns_by_turn" or "turns_unfinished")) Assert.Contains("rowid<?", plan[0], StringComparison.Ordinal);
            Assert.Equal(expected is "turns_by_turn" or "turns_unfinished" ? 2 : 1, plan.Count);

            bool Has(int term) => (shape >> term & 1) == 1;
        }
    }

    [Fact]
    public void Every_statement_that_reads_finds_its_rows_by_an_index()
    {
        var read = Plans(new SqliteTurnReads(_connection));
        var written = Plans(new SqliteTurnWrites(_connection, new ManualTime()));
        var updated = Plans(new SqliteTurnUpdates(_connection));

        Assert.True(read.Count + written.Count + updated.Count > 25);
        foreach (var plan in (string[][])[.. read, .. written, .. updated])
        {
            // A step reads a part of an index, or the few rows that another step has found.
            Assert.All(plan, step => Assert.DoesNotMatch(@"^SCAN (?!\(subquery|CONSTANT ROW)", step));
        }
    }

    [Fact]
    public async Task Search_AgainWithAnyTextAndLimit_IsSafe()
    {
        using var store = new SqliteStore(
            new SqliteStorageOptions { DataDirectory = Path.Combine(_directory, "store") }, new ManualTime(), NullLogger<SqliteStore>.Instance);
        store.Open();
        var conversations = new SqliteConversationStore(store, new ManualTime());

        for (var i = 0; i < 3; i++) Assert.Empty(await SearchAsync(new() { User = "x'; DROP TABLE turns; --", Status = TurnStatus.Failed }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => SearchAsync(new() { Limit = 0 }));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => SearchAsync(new() { Limit = 1002 }));
        Assert.Empty(await SearchAsync(new() { From = DateTimeOffset.MinValue, Until = DateTimeOffset.MaxValue }));

        async Task<IReadOnlyList<TurnRow>> SearchAsync(TurnQuery query) => await conversations.Search(query, TestContext.Current.CancellationToken);
    }

    public void Dispose()
    {
        _connection.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>The plans of all statements of an object.</summary>
    private List<string[]> Plans(object statements)
    {
        using var disposed = (IDisposable)statements;
        const System.Reflection.BindingFlags Fields = System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic;
        return
        [
            .. statements.GetType().GetFields(Fields).Select(field => field.GetValue(statements)).OfType<SqliteStatement>()
                .Where(statement => statement.Sql is not ("BEGIN" or "COMMIT"))
                .Select(statement => Explain(statement.Sql).ToArray()),
        ];
    }

    private List<string> Explain(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "EXPLAIN QUERY PLAN " + sql;
        for (var i = 0; sql.Contains("$" + i, StringComparison.Ordinal) || i < 3; i++) command.Parameters.AddWithValue("$" + i, i);
        using var row = command.ExecuteReader();
        var plan = new List<string>();
        while (row.Read()) plan.Add(row.GetString(3));
        return plan;
    }
}
