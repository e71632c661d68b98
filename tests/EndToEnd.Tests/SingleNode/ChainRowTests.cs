using System.Text.Json;
using CozeCluster.EndToEnd.Tests.LanguageModels;
using Microsoft.Data.Sqlite;

namespace CozeCluster.EndToEnd.Tests.SingleNode;

/// <summary>The row of a turn shows each attempt of a chain.</summary>
public sealed class ChainRowTests
{
    [Fact]
    public async Task The_turn_has_three_attempts_and_is_counted_once()
    {
        await using var node = await ChainNode.StartAsync();
        node.Claude.Script("error=overloaded_error");
        var reply = await node.NewRequest().StreamAsync();
        Assert.Equal(0, await node.Node.StopAsync(TestTimeout.Token));

        await using var database = new SqliteConnection($"Data Source={Path.Combine(node.Folder, "data", "grains.db")};Mode=ReadOnly;Pooling=False");
        await database.OpenAsync(TestTimeout.Token);
        await using var command = database.CreateCommand();
        command.CommandText = "SELECT bot, account, upstream, attempts, input_tokens, output_tokens, error, details FROM turns WHERE turn_id = $id";
        command.Parameters.AddWithValue("$id", reply.TurnId);
        await using var row = await command.ExecuteReaderAsync(TestTimeout.Token);
        Assert.True(await row.ReadAsync(TestTimeout.Token));
        Assert.Equal(("gpt", "gpt", "openai", 3), (row.GetString(0), row.GetString(1), row.GetString(2), row.GetInt32(3)));
        Assert.Equal(reply.Usage.GetProperty("prompt_tokens").GetInt64(), row.GetInt64(4));
        Assert.Equal(reply.Usage.GetProperty("completion_tokens").GetInt64(), row.GetInt64(5));
        Assert.True(row.IsDBNull(6));
        using var details = JsonDocument.Parse(row.GetFieldValue<byte[]>(7));
        var attempts = details.RootElement.EnumerateObject().Single(member => member.Name.Equals("attempts", StringComparison.OrdinalIgnoreCase)).Value;
        Assert.Equal(3, attempts.GetArrayLength());
        Assert.Matches("(?is)draft.*claude.*gpt", attempts.GetRawText());
        Assert.False(await row.ReadAsync(TestTimeout.Token));
    }
}
