namespace CozeCluster.Storage.Tests.Moving;

/// <summary>Rows of every kind are the same wherever they are copied to.</summary>
public sealed class RoundTripTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly string _service = $"moved-{Guid.NewGuid():n}";

    private string Node => _folder["node"];

    private string Backup => _folder["backup"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_sample_has_rows_of_every_kind_and_null_in_every_column_that_allows_it() => Assert.All(RowColumns.Kinds, kind =>
    {
        var rows = SampleRows.All.Where(row => row.Kind == kind).ToList();
        Assert.NotEmpty(rows);
        Assert.All(RowColumns.Of(kind).Where(column => column.IsNullable), column =>
        {
            Assert.Contains(rows, row => row[column.Name] is null);
            Assert.Contains(rows, row => row[column.Name] is not null);
        });
    });

    [Fact]
    public async Task Every_column_that_a_node_stores_is_copied()
    {
        await FillNodeAsync();
        await using var connection = SqliteSchema.OpenSnapshot(Node);
        await using var command = connection.CreateCommand();
        command.CommandText =
            """
            SELECT stored.name || '.' || field.name FROM sqlite_schema AS stored JOIN pragma_table_info(stored.name) AS field
            WHERE stored.type = 'table' AND stored.name NOT IN ('meta', 'ledger_epochs') AND NOT (stored.name = 'reminders' AND field.name = 'hash')
            """;
        await using var row = await command.ExecuteReaderAsync();
        var stored = new List<string>();
        while (await row.ReadAsync()) stored.Add(row.GetString(0));

        Assert.Equal(stored.Order(), SqliteTables.ColumnNames.Order());
    }

    [Fact]
    public async Task Every_column_that_a_cluster_stores_is_copied()
    {
        var database = await TestPostgres.ConnectionStringAsync();
        var stored = await TestPostgres.ScalarAsync(
            database,
            """
            SELECT string_agg(table_name || '.' || column_name, ' ' ORDER BY table_name || '.' || column_name COLLATE "C") FROM information_schema.columns
            WHERE table_schema = 'public' AND is_generated = 'NEVER' AND column_name NOT IN ('serviceid', 'grainhash')
                AND table_name NOT IN ('cozeblobs', 'cozeschema', 'cozeledgerepochs', 'orleansquery', 'orleansmembershiptable', 'orleansmembershipversiontable')
            """);

        Assert.Equal(((string)stored!).Split(' ').Order(), PostgresTables.ColumnNames.Select(name => name.ToLowerInvariant()).Order());
    }

    [Fact]
    public async Task From_a_node_through_a_file_to_a_node()
    {
        await FillNodeAsync();
        Assert.Equal(SampleRows.All.ToTexts(), await SampleRows.ReadAsync(OpenNode(Node)));

        await SampleRows.CopyToFileAsync(OpenNode(Node), Backup);
        Assert.Equal(SampleRows.All.ToTexts(), await SampleRows.ReadAsync(await BackupFileSource.OpenAsync(Backup)));

        var counts = await SampleRows.CopyAsync(await BackupFileSource.OpenAsync(Backup), SqliteTarget.Open(_folder["restored"]));
        Assert.Equal(SampleRows.All.ToTexts(), await SampleRows.ReadAsync(OpenNode(_folder["restored"])));
        Assert.All(RowColumns.Kinds, kind => Assert.Equal(SampleRows.All.Count(row => row.Kind == kind), counts[kind]));
    }

    [Fact]
    public async Task From_a_node_through_a_file_to_a_cluster()
    {
        var database = await TestPostgres.EmptyDatabaseAsync();
        await PostgresSchema.ApplyAsync(database);
        await FillNodeAsync();
        await SampleRows.CopyToFileAsync(OpenNode(Node), Backup);

        await SampleRows.CopyAsync(await BackupFileSource.OpenAsync(Backup), await PostgresTarget.OpenAsync(database, _service));

        Assert.Equal(SampleRows.All.ToTexts(), await SampleRows.ReadAsync(await PostgresSource.OpenAsync(database, _service, TimeProvider.System)));
    }

    [Fact]
    public async Task From_a_node_to_a_cluster_and_through_a_file_to_a_node()
    {
        var database = await TestPostgres.EmptyDatabaseAsync();
        await PostgresSchema.ApplyAsync(database);
        await FillNodeAsync();
        await SampleRows.CopyAsync(OpenNode(Node), await PostgresTarget.OpenAsync(database, _service));

        await SampleRows.CopyToFileAsync(await PostgresSource.OpenAsync(database, _service, TimeProvider.System), Backup);
        await SampleRows.CopyAsync(await BackupFileSource.OpenAsync(Backup), SqliteTarget.Open(_folder["back"]));

        Assert.Equal(SampleRows.All.ToTexts(), await SampleRows.ReadAsync(OpenNode(_folder["back"])));
    }

    [Fact]
    public async Task From_a_cluster_through_a_file_to_another_cluster_in_the_same_database()
    {
        var database = await TestPostgres.EmptyDatabaseAsync();
        await PostgresSchema.ApplyAsync(database);
        await SampleRows.CopyAsync(new MemorySource(SampleRows.All), await PostgresTarget.OpenAsync(database, _service));
        await SampleRows.CopyToFileAsync(await PostgresSource.OpenAsync(database, _service, TimeProvider.System), Backup);

        await SampleRows.CopyAsync(await BackupFileSource.OpenAsync(Backup), await PostgresTarget.OpenAsync(database, "other"));

        Assert.Equal(SampleRows.All.ToTexts(), await SampleRows.ReadAsync(await PostgresSource.OpenAsync(database, "other", TimeProvider.System)));
    }

    private static SqliteSource OpenNode(string directory) => SqliteSource.OpenExclusive(directory, TimeProvider.System);

    private Task FillNodeAsync() => SampleRows.CopyAsync(new MemorySource(SampleRows.All), SqliteTarget.Open(Node));
}
